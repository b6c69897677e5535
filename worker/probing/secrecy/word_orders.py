"""A text with its words in other orders: what a server says of a secret piece by piece.

    535-the first part is Hunter
    535 the second part is 2battery

No line holds enough of the secret to count, and between the pieces stand other words. So the text
is read once more: the first, second ... word of every line, and the last ones; every second, third,
fourth word; what is not said again and again; what stands in quotes, in brackets, behind a colon;
every second and third letter; the first letters of all words (papa, alpha, sierra). That is no
search for all ways to hide something: a server that was given a password can always think of one
more.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import chain, zip_longest
from typing import Final

from worker.probing.secrecy.octets import DIGITS, MARKS, to_blank

COLUMNS: Final = 4
"""Words from the beginning and from the end of a line: "535 part one: Hunter"."""

_WORD_STEPS: Final = [(stride, start) for stride in (2, 3, 4) for start in range(stride)]
_LETTER_STEPS: Final = [(stride, start) for stride in (2, 3) for start in range(stride)]

_IN_NO_WORD: Final = MARKS.replace(b"\n", b"")
_TO_BLANK: Final = to_blank(MARKS)
_PAIRS: Final = ((b'"', b'"'), (b"'", b"'"), (b"(", b")"), (b"[", b"]"), (b"<", b">"))


def in_other_orders(text: bytes) -> bytes:
    """Letters and digits of the words of `text`, in one case, a line for each order."""
    folded = text.lower()
    lines = [line.split() for line in folded.split(b"\n")]
    words = list(chain.from_iterable(lines))
    parts = folded.translate(_TO_BLANK).split()
    solid = b"".join(parts)
    orders = [b"".join(words[start::stride]) for stride, start in _WORD_STEPS]
    orders += [b"".join(parts[start::stride]) for stride, start in _LETTER_STEPS]
    orders += [solid[start::stride] for stride, start in _LETTER_STEPS]
    orders += (solid.translate(None, DIGITS), *_columns(lines), *_rarely_said(words, len(lines)))
    orders.append(b"".join([part[:1] for part in parts]))
    orders += (_behind(mark, words) for mark in (b":", b"=") if mark in folded)
    return b"\n".join(chain(orders, _in_pairs(folded))).translate(None, _IN_NO_WORD)


def _columns(lines: list[list[bytes]]) -> Iterator[bytes]:
    """All first words, then all second ones ...; the last ones, the last but one ..."""
    first = (words[:COLUMNS] for words in lines)
    last = (words[: -COLUMNS - 1 : -1] for words in lines)
    for some in (first, last):
        yield b"".join(chain.from_iterable(zip_longest(*some, fillvalue=b"")))


def _rarely_said(words: list[bytes], lines: int) -> Iterator[bytes]:
    """What is not said again in every line; the same without numbers."""
    counts = Counter(words)
    if len(counts) < len(words):
        often = max(2, lines // 2)
        rare = [word for word in words if counts[word] < often]
        yield b"".join(rare)
        yield b"".join(word for word in rare if not word.isdigit())


def _behind(mark: bytes, words: list[bytes]) -> bytes:
    return b"".join(word.partition(mark)[2] for word in words)


def _in_pairs(text: bytes) -> Iterator[bytes]:
    """What stands in quotes, in brackets."""
    for begin, end in _PAIRS:
        if begin in text:
            _, *parts = text.split(begin)
            inside = parts[::2] if begin == end else [one.partition(end)[0] for one in parts]
            yield b"".join(inside).replace(b"\n", b"")
