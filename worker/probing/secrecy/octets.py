"""Sets of octets, for `bytes.translate`: linear in the text, without patterns."""

from typing import Final

DIGITS: Final = b"0123456789"
UPPER: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER: Final = UPPER.lower()
LETTERS_AND_DIGITS: Final = DIGITS + UPPER + LOWER
MARKS: Final = bytes(set(range(128)) - set(LETTERS_AND_DIGITS))
"""All other ASCII: punctuation, blanks, controls."""

HEX: Final = DIGITS + b"abcdefABCDEF"


def all_but(kept: bytes) -> bytes:
    """Every octet that is not in `kept`."""
    return bytes(set(range(256)) - set(kept))


def to_blank(octets: bytes) -> bytes:
    """The table that makes a blank of each of `octets`."""
    return bytes.maketrans(octets, b" " * len(octets))
