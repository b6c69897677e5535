"""The secrets of a whole batch, looked for in one pass: what it costs does not depend on how many.

A server that was given the passwords of many accounts could show one of them beside another. Of the
other accounts' secrets less is looked for than of a probe's own (see `needles`): runs of eight
letters and digits, or all of one with six or seven, not in a public word, so that one account's
password "password" does not silence the servers of all others; as they are, in base64 and in hex.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import AnyStr, Final

from worker.probing.secrecy.letters import ascii_letters_and_digits, letters_and_digits
from worker.probing.secrecy.public_words import PublicWords

MIN_CHARACTERS: Final = 6
"""A shorter one of somebody else would be found by chance."""

RUN: Final = 8
MAX_RUNS: Final = 32
"""Of one secret. From 40 letters and digits on, not all fit: they are spread evenly over it."""

MAX_SECRET_CHARACTERS: Final = 512
MAX_CHARACTERS: Final = 32 * 1024
"""Of one secret, and of all: 2,300 usual passwords, some 4 MB. What is beyond is not looked for."""

MAX_LOOKED_THROUGH_BYTES: Final = 64 * 1024
"""Some 6 ms. A usual session takes 2 KiB."""


class BatchSecrets:
    """A set of secrets, ready to be looked for. Falsy where there is none."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._ascii: dict[int, set[bytes]] = {}
        self._any_script: dict[int, set[str]] = {}
        left = MAX_CHARACTERS
        for secret in dict.fromkeys(one[:MAX_SECRET_CHARACTERS] for one in secrets):
            left -= len(secret)
            if left < 0:
                break
            self._add(_pieces_both_ways(letters_and_digits(secret)), is_ascii=secret.isascii())

    def _add(self, pieces: list[str], *, is_ascii: bool) -> None:
        for piece in pieces:
            if is_ascii:
                self._ascii.setdefault(len(piece), set()).add(piece.encode("ascii"))
            else:
                self._any_script.setdefault(len(piece), set()).add(piece)

    def __bool__(self) -> bool:
        return bool(self._ascii or self._any_script)

    def found_in(self, texts: Sequence[bytes], public: PublicWords) -> bool:
        """Tell whether a piece of one that is in no public word is in the texts, or may be."""
        sizes = len(self._ascii) + len(self._any_script)
        if sizes * sum(map(len, texts)) > MAX_LOOKED_THROUGH_BYTES:
            return True
        return any(
            not public.cover(piece, in_pieces=False)
            for text in texts
            for piece in self._pieces_in(text)
        )

    def _pieces_in(self, text: bytes) -> Iterator[str]:
        for piece in _hits(self._ascii, ascii_letters_and_digits(text)):
            yield piece.decode("ascii")
        if self._any_script and not text.isascii():
            yield from _hits(self._any_script, letters_and_digits(text.decode("utf-8", "ignore")))


def _pieces_both_ways(word: str) -> list[str]:
    if len(word) < MIN_CHARACTERS:
        return []
    size = min(RUN, len(word))
    step = -(-(len(word) - size + 1) // MAX_RUNS)
    starts = range(0, len(word) - size + 1, step)
    pieces = [word[start : start + size] for start in starts]
    return pieces + [piece[::-1] for piece in pieces]


def _hits(pieces: dict[int, set[AnyStr]], text: AnyStr) -> Iterator[AnyStr]:
    for size, some in pieces.items():
        last = len(text) - size + 1
        yield from some.intersection(text[start : start + size] for start in range(last))
