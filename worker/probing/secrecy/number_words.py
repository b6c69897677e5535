"""Numbers beyond an octet: code points, and a file in words as `od` and `hexdump` write it.

The last octet of a word comes first, as in one of the two orders of UTF-16: one reading for both.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from worker.probing.patterns import octet_pattern
from worker.probing.secrecy.octets import HEX, all_but, to_blank

MAX_DIGITS: Final = 22
"""Of eight octets, octal."""

_TO_BLANK: Final = to_blank(all_but(HEX))

_END: Final = rb"(?:[^0-9A-Za-z]+|\z)"
_WORDS: Final = octet_pattern(
    rb"\b(?:(?:(?:[0-9a-fA-F]{4})+|0x[0-9a-fA-F]+|[0-9]{4,})%b){3}" % _END
    + rb"|\b(?:(?:[0-9a-fA-F]{8}|[0-9]{8,})+%b){2}" % _END
)
"""Three in a row, or two of four octets or eight: a usual reply has an IPv6 address at the most."""


def in_words(text: bytes) -> Iterator[bytes]:
    """Yield what a text is where its numbers are such words: hexadecimal, decimal or octal."""
    if _WORDS.search(text):
        for some in {text, text.replace(b"\n", b"")}:  # a line may end inside a word
            words = some.replace(b"0x", b"").translate(_TO_BLANK).split()
            words = [word for word in words if len(word) <= MAX_DIGITS]
            yield _octets(words, 16)
            decimal = [word for word in words if word.isdigit()]
            yield _octets(decimal, 10)
            yield _octets([word for word in decimal if not (b"8" in word or b"9" in word)], 8)


def _octets(words: Sequence[bytes], base: int) -> bytes:
    """Write each in as many pairs of octets as it takes, the last one first."""
    values = [int(word, base) for word in words]
    return b"".join(
        [value.to_bytes((value.bit_length() + 15) // 16 * 2, "little") for value in values]
    )
