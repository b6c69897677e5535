"""Whether a text holds much of a secret in pieces, in whatever order and whatever stands between.

`needles` finds a share of a secret that stands in one piece, or in one of the orders of
`word_orders`. Here it is only counted how many letters of a secret are there at all, in pieces of
four or more. That may be chance with one piece, but hardly with half of all letters. Linear in text
and secrets.
"""

import math
from collections.abc import Container, Iterable, Iterator
from typing import Final

from worker.probing.secrecy.letters import letters_and_digits

MIN_PIECE: Final = 4
"""Shorter ones are in any text."""

MIN_CHARACTERS: Final = 8
"""Of shorter secrets two pieces are all but the whole, and one is the share of `needles`."""

MAX_CHARACTERS: Final = 512
"""Of all secrets that are looked for: some 0.5 us each in a usual session."""

MANY_PIECES: Final = 50
"""From so many on it takes less time to read a text once, 0.1 us a letter, than to look for each of
them: a server's ligatures may stand for 45,000 letters.
"""


def holds_scattered(texts: Iterable[bytes], secrets: Iterable[str], public: Container[str]) -> bool:
    """Tell whether the share of one of the secrets is in the texts, in pieces.

    A piece stands in one of them: 220 and 250 in two replies are no year. A piece that is
    `public` counts for nothing. What is beyond `MAX_CHARACTERS` is not looked for.
    """
    plain = "\n".join(letters_and_digits(text.decode("utf-8", "ignore")) for text in texts)
    looked_for = [one for one in _within_budget(secrets) if len(one) >= MIN_CHARACTERS]
    found = _found({piece for one in looked_for for piece in _pieces(one)}, plain)
    return bool(found) and any(_covered(one, found, public) >= _share(one) for one in looked_for)


def _within_budget(secrets: Iterable[str]) -> Iterator[str]:
    left = MAX_CHARACTERS
    for secret in dict.fromkeys(map(letters_and_digits, secrets)):
        left -= len(secret)
        if left < 0:
            return
        yield secret


def _pieces(secret: str) -> list[str]:
    return [secret[start : start + MIN_PIECE] for start in range(len(secret) - MIN_PIECE + 1)]


def _found(pieces: set[str], text: str) -> set[str]:
    """Return those pieces that stand in the text, or whose mirror images do."""
    if len(pieces) < MANY_PIECES:
        return {piece for piece in pieces if piece in text or piece[::-1] in text}
    both = pieces | {piece[::-1] for piece in pieces}
    last = len(text) - MIN_PIECE + 1
    read = both.intersection(text[start : start + MIN_PIECE] for start in range(last))
    return {piece for piece in pieces if piece in read or piece[::-1] in read}


def _covered(secret: str, found: Container[str], public: Container[str]) -> int:
    """Count the letters of `secret` that stand in a piece of it that was found."""
    covered = bytearray(len(secret))
    for start, piece in enumerate(_pieces(secret)):
        if piece in found and piece not in public:
            covered[start : start + MIN_PIECE] = b"\1" * MIN_PIECE
    return sum(covered)


def _share(secret: str) -> int:
    """Two thirds of it, and of 12 letters and more half."""
    length = len(secret)
    return math.ceil(length * 2 / 3) if length < 12 else max(8, math.ceil(length / 2))
