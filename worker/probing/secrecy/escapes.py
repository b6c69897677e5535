"""Escapes undone: percent, HTML, backslashes, quoted-printable, markup. Each step is linear.

No step makes a text longer, but for a few HTML names; none reads more digits than a code point has.
"""

import binascii
from collections.abc import Callable
from html.entities import html5
from typing import Final
from urllib.parse import unquote_to_bytes

from worker.probing.printable import without_sequences
from worker.probing.secrecy.octets import DIGITS, HEX, LETTERS_AND_DIGITS, all_but

MAX_REFERENCE_DIGITS: Final = 7

_NO_OCTAL: Final = all_but(b"01234567")
UTF7: Final = LETTERS_AND_DIGITS + b"+,"
FROM_UTF7: Final = bytes.maketrans(b",", b"/")


def _unescape_html(text: bytes) -> bytes:
    first, *parts = text.split(b"&")
    return first + b"".join(map(_referred, parts))


def _referred(part: bytes) -> bytes:
    """What follows an ampersand, with the character that it names (HTML, section 13.2.5.72)."""
    if part[:1] != b"#":
        name, end, rest = part[:32].partition(b";")
        character = html5.get(f"{name.decode('latin-1')};") if end else None
        return character.encode() + rest + part[32:] if character else b"&" + part
    is_hex = part[1:2] in (b"x", b"X")
    number = part[1 + is_hex :]
    rest = number.lstrip(HEX if is_hex else DIGITS)
    digits = number[: len(number) - len(rest)].lstrip(b"0")
    if not digits or len(digits) > MAX_REFERENCE_DIGITS:
        return b"&" + part
    return _character(int(digits, 16 if is_hex else 10)) + rest.removeprefix(b";")


def _character(point: int) -> bytes:
    return chr(min(point, 0x10FFFF)).encode("utf-8", "surrogatepass")


def _unescape_backslashes(text: bytes) -> bytes:
    first, *parts = text.split(b"\\")
    plain = first + b"".join(map(_escaped, parts))
    try:  # JSON writes what lies beyond U+FFFF as two halves
        halves = plain.decode("utf-8", "surrogatepass")
        return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode()
    except UnicodeDecodeError:
        return plain


def _escaped(part: bytes) -> bytes:
    """What follows a backslash, with the character that it stands for."""
    if part[:2] == b"u{":
        digits, end, rest = part[2:10].partition(b"}")
        if end and _is_hex(digits):
            return _character(int(digits, 16)) + rest + part[10:]
    size = _ESCAPE_DIGITS.get(part[:1])
    if size is not None:
        digits = part[1 : 1 + size]
        if len(digits) == size and _is_hex(digits):
            code = int(digits, 16)
            return (bytes([code]) if size == 2 else _character(code)) + part[1 + size :]
    octal = part[:3].translate(None, _NO_OCTAL) if part[:1] in _OCTAL else b""
    if octal and part.startswith(octal):
        return bytes([int(octal, 8) & 0xFF]) + part[len(octal) :]
    return part


_ESCAPE_DIGITS: Final = {b"x": 2, b"X": 2, b"u": 4, b"U": 8}
_OCTAL: Final = frozenset(bytes([digit]) for digit in b"01234567")


def _is_hex(digits: bytes) -> bool:
    return bool(digits) and not digits.translate(None, HEX)


def without_markup(text: bytes) -> bytes:
    first, *parts = text.split(b"<")
    words = first + b"".join(
        part.partition(b">")[2] if b">" in part else b"<" + part for part in parts
    )
    return without_sequences(words.decode("utf-8", "surrogateescape")).encode(
        "utf-8", "surrogateescape"
    )


def undo_utf7(text: bytes) -> bytes:
    """Modified UTF-7: `&`, UTF-16 in base64 with a comma for the slash, `-`."""
    first, *parts = text.split(b"&")
    return first + b"".join(map(_shifted, parts))


def _shifted(part: bytes) -> bytes:
    run, end, rest = part.partition(b"-")
    if not end or not run or run.translate(None, UTF7):
        return b"&" + part
    padded = run.translate(FROM_UTF7)
    octets = binascii.a2b_base64(padded[: len(padded) - (len(padded) % 4 == 1)] + b"===")
    return octets.decode("utf-16-be", "ignore").encode("utf-8", "ignore") + rest


def _undo_latin_1(text: bytes) -> bytes:
    """UTF-8 that somebody took for Latin-1 and wrote as UTF-8 again."""
    try:
        return text.decode("utf-8").encode("latin-1")
    except UnicodeError:
        return text


DECODINGS: Final[tuple[tuple[bytes, Callable[[bytes], bytes]], ...]] = (
    (b"%", unquote_to_bytes),
    (b"&", _unescape_html),
    (b"\\", _unescape_backslashes),
    (b"=", binascii.a2b_qp),
    (b"\xc3", _undo_latin_1),
)
