"""Characters written as numbers: decimal, octal and binary codes, letters by their place; Morse.

One by one, with whatever stands between them, or numbers run together in groups of a fixed width.
And numbers beyond an octet: code points, and a file in words as `od` and `hexdump` write it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from worker.probing.patterns import octet_pattern
from worker.probing.secrecy.octets import DIGITS, HEX, all_but, to_blank

MIN_NUMBERS: Final = 4
MAX_WORD_DIGITS: Final = 22
"""Of eight octets, octal."""

_NO_DIGITS: Final = all_but(DIGITS)
_NO_OCTAL: Final = all_but(b"01234567")
_NO_BINARY: Final = all_but(b"01")
_TO_BLANK: Final = to_blank(_NO_DIGITS)
_NO_HEX_TO_BLANK: Final = to_blank(all_but(HEX))

_DENSE: Final = octet_pattern(rb"(?:[0-9](?:, |[^0-9A-Za-z\n])?){11}")
"""Eleven digits, as of four octal codes or two binary ones; a usual reply has a time of day."""

_END: Final = rb"(?:[^0-9A-Za-z]+|\z)"
_WORDS: Final = octet_pattern(
    rb"\b(?:(?:(?:[0-9a-fA-F]{4})+|0x[0-9a-fA-F]+|[0-9]{4,})%b){3}" % _END
    + rb"|\b(?:(?:[0-9a-fA-F]{8}|[0-9]{8,})+%b){2}" % _END
)
"""Three in a row, or two of four octets or eight: a usual reply has an IPv6 address at the most."""

_DECIMAL: Final = {b"%0*d" % (width, code): code for width in (1, 2, 3) for code in range(256)}
_OCTAL: Final = {b"%0*o" % (width, code): code for width in (2, 3, 4) for code in range(256)}
_BINARY: Final = {
    format(code, f"0{width}b").encode("ascii"): code for width in (6, 7, 8) for code in range(256)
}
_PLACES: Final = {b"%0*d" % (width, n): 0x60 + n for width in (1, 2) for n in range(1, 27)}
_SIGNALS: Final = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .--"
    " -..- -.-- --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----."
)
_MORSE: Final = dict(
    zip(_SIGNALS.encode("ascii").split(), b"abcdefghijklmnopqrstuvwxyz0123456789", strict=True)
)
_DOTS_AND_DASHES: Final = bytes(code if code in b".-" else 0x20 for code in range(256))


def _worth(factor: int, most: int) -> bytes:
    """What a digit is worth at its place; one too high for an octet counts for nothing."""
    return bytes(
        (code - 0x30) * factor if 0x30 <= code <= 0x30 + most else 0 for code in range(256)
    )


_OCTAL_WORTH: Final = (_worth(64, 3), _worth(8, 7), _worth(1, 7))
_DECIMAL_WORTH: Final = (_worth(100, 1), _worth(10, 9), _worth(1, 9))
"""Of three digits. Up to 199: with 299 a sum would not fit into its octet."""


def numbered(text: bytes) -> Iterator[bytes]:
    """Yield what a text is where its numbers are characters."""
    numbers = _unmarked(text).translate(_TO_BLANK).split()
    if len(numbers) >= MIN_NUMBERS:
        yield _looked_up(_DECIMAL, numbers)
    text = _unmarked(text.replace(b"\n", b""))  # a line may end inside a number
    if _DENSE.search(text):
        joined = text.translate(_TO_BLANK).split()
        tables = (_DECIMAL, _OCTAL, _BINARY)
        yield from (_looked_up(codes, some) for codes in tables for some in (numbers, joined))
        yield from _in_threes(text.translate(None, _NO_DIGITS), _DECIMAL_WORTH)
        yield from _in_threes(text.translate(None, _NO_OCTAL), _OCTAL_WORTH)
        yield from _bits(text.translate(None, _NO_BINARY))


def by_letters(text: bytes) -> Iterator[bytes]:
    """Yield what it is where its numbers are places of letters, or where it is Morse.

    (ITU-R M.1677.) Any text of numbers, dots and dashes is a row of letters.
    """
    unbroken = text.replace(b"\n", b"")  # a line may end inside a letter
    dense = _DENSE.search(unbroken)
    for some in (text, unbroken):
        if dense:
            yield _looked_up(_PLACES, some.translate(_TO_BLANK).split())
        signals = some.translate(_DOTS_AND_DASHES).split()
        if len(signals) >= MIN_NUMBERS:
            yield _looked_up(_MORSE, signals)


def in_words(text: bytes) -> Iterator[bytes]:
    """Yield what a text is where its numbers are words of several octets.

    Hexadecimal, decimal or octal; the last octet of a word comes first, as in one of the two orders
    of UTF-16: one reading for both.
    """
    if _WORDS.search(text):
        for some in {text, text.replace(b"\n", b"")}:  # a line may end inside a word
            words = some.replace(b"0x", b"").translate(_NO_HEX_TO_BLANK).split()
            words = [word for word in words if len(word) <= MAX_WORD_DIGITS]
            yield _octets(words, 16)
            decimal = [word for word in words if word.isdigit()]
            yield _octets(decimal, 10)
            yield _octets([word for word in decimal if not (b"8" in word or b"9" in word)], 8)


def _unmarked(text: bytes) -> bytes:
    return text.replace(b"0b", b"").replace(b"0o", b"")


def _looked_up(codes: dict[bytes, int], numbers: list[bytes]) -> bytes:
    return bytes(filter(None, map(codes.get, numbers)))


def _in_threes(digits: bytes, worth: tuple[bytes, bytes, bytes]) -> Iterator[bytes]:
    """Decode three digits a character, at each of three alignments.

    A sum of long integers is a sum of all their octets at once: none of them is over 255.
    """
    for start in range(3):
        end = len(digits) - (len(digits) - start) % 3
        places = (digits[start + place : end : 3] for place in range(3))
        values = (place.translate(table) for place, table in zip(places, worth, strict=True))
        total = sum(int.from_bytes(value, "big") for value in values)
        yield total.to_bytes(max(0, end - start) // 3, "big")


def _bits(digits: bytes) -> Iterator[bytes]:
    """Decode eight and seven bits a character, at each alignment."""
    if len(digits) < 7 * MIN_NUMBERS:
        return
    size = (len(digits) + 7) // 8
    number = int(digits, 2)  # linear, as 2 is a power of two
    yield from ((number >> shift).to_bytes(size, "big") for shift in range(8))
    for start in range(7):
        groups = [digits[place : place + 7] for place in range(start, len(digits) - 6, 7)]
        yield int(b"0" + b"0".join(groups), 2).to_bytes(len(groups), "big")


def _octets(words: Sequence[bytes], base: int) -> bytes:
    """Write each in as many pairs of octets as it takes, the last one first."""
    values = [int(word, base) for word in words]
    return b"".join(
        [value.to_bytes((value.bit_length() + 15) // 16 * 2, "little") for value in values]
    )
