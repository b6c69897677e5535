r"""All readings of a text: as it is, and decoded in each way in which a secret may be written down.

Whole texts are decoded, not words: separators, line ends and the words around a secret then do not
matter. Two kinds of step:

- a *view* takes all of the text for one encoded thing: base64 and base64url, forwards, backwards
  and in padded pieces, hex forwards and backwards, base32, uuencode, rot13, decimal codes;
- a *decoding* makes another text, which is viewed and decoded in turn, `DEPTH` levels deep:
  percent, HTML entities, backslash and JSON escapes, quoted-printable, UTF-8 taken for Latin-1,
  tags and terminal sequences left out, words that come out of base64 and hex.

Every step takes linear time and makes no text longer. The sum of all texts is bounded: who builds
them higher hides something, and `Readings.overfull` says so.
"""

import binascii
import codecs
from collections.abc import Callable, Iterator
from html.entities import html5
from typing import Final
from urllib.parse import unquote_to_bytes

from worker.probing.printable import without_sequences

DEPTH: Final = 2
"""Encodings inside encodings: base64 of percent-encoded base64, and no more."""

MAX_DECODED_BYTES: Final = 40 * 1024
"""Of one text and all that is decoded from it. A usual session has 3 KiB, and no escapes."""

MIN_WORD: Final = 8
"""So many visible characters in a row are hardly chance in what is decoded from no encoding."""

MIN_NUMBERS: Final = 4
MAX_REFERENCE_DIGITS: Final = 7

_DIGITS: Final = b"0123456789"
_HEX: Final = b"0123456789abcdefABCDEF"
_LETTERS_AND_DIGITS: Final = bytes(code for code in range(128) if chr(code).isalnum())


def all_but(kept: bytes) -> bytes:
    """Every octet that is not in `kept`."""
    return bytes(set(range(256)) - set(kept))


def _blank_but(kept: bytes) -> bytes:
    """Turn every octet that is not in `kept` into a blank."""
    others = all_but(kept)
    return bytes.maketrans(others, b" " * len(others))


_NO_HEX: Final = all_but(_HEX)
_NO_BASE64: Final = all_but(_LETTERS_AND_DIGITS + b"+/")
_NO_BASE64URL: Final = all_but(_LETTERS_AND_DIGITS + b"-_")
_UTF7: Final = _LETTERS_AND_DIGITS + b"+,"
_NO_PADDED: Final = all_but(_LETTERS_AND_DIGITS + b"+/-_=")
_NO_UTF7: Final = all_but(_UTF7)
_FROM_BASE64URL: Final = bytes.maketrans(b"-_", b"+/")
_FROM_UTF7: Final = bytes.maketrans(b",", b"/")
_VISIBLE: Final = _blank_but(bytes(range(0x21, 0x7F)))
_NUMBERS: Final = _blank_but(_DIGITS)

_UPPER: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BASE32: Final = _UPPER + b"234567" + _UPPER.lower()
_BASE32_DIGITS: Final = b"0123456789abcdefghijklmnopqrstuv"  # what int() takes for base 32
_FROM_BASE32: Final = bytes.maketrans(_BASE32, _BASE32_DIGITS + _BASE32_DIGITS[:26])
_NO_BASE32: Final = all_but(_BASE32)

_BASE64_ORDER: Final = _UPPER + _UPPER.lower() + _DIGITS + b"+/"
_FROM_UU: Final = bytes.maketrans(bytes(range(0x20, 0x61)), _BASE64_ORDER + b"A")
_NO_UU: Final = all_but(bytes(range(0x20, 0x61)))

_ROT13: Final = bytes.maketrans(
    _LETTERS_AND_DIGITS, codecs.encode(_LETTERS_AND_DIGITS.decode("ascii"), "rot13").encode("ascii")
)


class Readings:
    """The texts in a text. `overfull`: there were too many to look at them all."""

    __slots__ = ("overfull", "texts")

    def __init__(self, text: bytes) -> None:
        self.texts = [text]
        self.overfull = False
        seen = {text}
        left = MAX_DECODED_BYTES - len(text)
        latest = self.texts
        for _ in range(DEPTH):
            found: list[bytes] = []
            for plain in (plain for one in latest for plain in _decoded(one)):
                if plain in seen:
                    continue
                left -= len(plain)
                if left < 0:
                    self.overfull = True
                    return
                seen.add(plain)
                found.append(plain)
            self.texts += found
            latest = found


def views(text: bytes) -> Iterator[bytes]:
    """Yield `text`, and what it is where all of it is one encoded thing, on however many lines."""
    yield text
    yield text.translate(_ROT13)
    for way in (text, text[::-1]):
        yield from _base64_views(way)
        yield from _hex_views(way)
    if b"=" in text:
        yield b"".join(_padded_pieces(text.translate(_FROM_BASE64URL, _NO_PADDED)))
    yield from _base32_views(text.translate(_FROM_BASE32, _NO_BASE32))
    yield from _from_base64(text.translate(_FROM_UU, _NO_UU))
    numbers = text.translate(_NUMBERS).split()
    if len(numbers) >= MIN_NUMBERS:
        yield bytes(int(number) for number in numbers if len(number) < 4 and int(number) < 256)


def _hex_views(text: bytes) -> Iterator[bytes]:
    digits = text.replace(b"0x", b"").translate(None, _NO_HEX)
    yield from (binascii.unhexlify(_whole(digits[start:])) for start in range(2))


def _base64_views(text: bytes) -> Iterator[bytes]:
    yield from _from_base64(text.translate(None, _NO_BASE64))
    if b"-" in text or b"_" in text:
        yield from _from_base64(text.translate(None, _NO_BASE64URL).translate(_FROM_BASE64URL))
    if b"&" in text and b"," in text:  # modified UTF-7 (RFC 3501, section 5.1.3)
        yield from _from_base64(text.translate(None, _NO_UTF7).translate(_FROM_UTF7))


def _padded_pieces(solid: bytes) -> Iterator[bytes]:
    """Decode pieces that have an end each, two characters before `==` and three before `=`.

    Counted from the end, as words may stand before a piece.
    """
    *groups, rest = solid.split(b"==")
    for group in groups:
        *ones, two = group.split(b"=")
        yield from (_base64(piece[(len(piece) - 3) % 4 :]) for piece in ones)
        yield _base64(two[(len(two) - 2) % 4 :])
    *ones, last = rest.split(b"=")
    yield from (_base64(piece[(len(piece) - 3) % 4 :]) for piece in ones)
    yield _base64(last)


def _from_base64(solid: bytes) -> Iterator[bytes]:
    """Decode at each of four offsets: the words around an encoded secret shift its alignment."""
    if len(solid) >= 5:
        yield from (_base64(solid[start:]) for start in range(4))


def _base64(solid: bytes) -> bytes:
    """Decode what is base64 from its first character on; a lone last character says nothing."""
    odd = len(solid) % 4
    if odd == 1:
        return binascii.a2b_base64(solid[:-1].translate(_FROM_BASE64URL))
    return binascii.a2b_base64(solid.translate(_FROM_BASE64URL) + b"=" * (-odd % 4))


def _base32_views(digits: bytes) -> Iterator[bytes]:
    """Decode at each of eight alignments: a digit has five bits."""
    if len(digits) < MIN_WORD:
        return
    number = int(digits, 32)  # linear, as 32 is a power of two
    size = (len(digits) * 5 + 7) // 8
    yield from ((number >> shift).to_bytes(size, "big") for shift in range(8))


def _whole(digits: bytes) -> bytes:
    return digits[: len(digits) // 2 * 2]


def _decoded(text: bytes) -> Iterator[bytes]:
    """Yield what is inside `text`; each step also by itself, as the next one may destroy it."""
    plain = text.replace(b"\n", b"")  # a line may end inside an escape
    for mark, decode in _DECODINGS:
        if mark in plain and (decoded := decode(plain)) != plain:
            plain = decoded
            yield plain
    if any(mark in plain for mark in (b"<", b"\x1b", b"\xc2")):  # C2: the C1 controls in UTF-8
        yield _without_markup(plain)
    if b"&" in plain and b"-" in plain:
        yield _undo_utf7(plain)
    for octets in (*_base64_views(text), *_hex_views(text)):
        if words := [one for one in octets.translate(_VISIBLE).split() if len(one) >= MIN_WORD]:
            yield b" ".join(words)


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
    rest = number.lstrip(_HEX if is_hex else _DIGITS)
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
    octal = part[:3].translate(None, all_but(b"01234567")) if part[:1] in _OCTAL else b""
    if octal and part.startswith(octal):
        return bytes([int(octal, 8) & 0xFF]) + part[len(octal) :]
    return part


_ESCAPE_DIGITS: Final = {b"x": 2, b"X": 2, b"u": 4, b"U": 8}
_OCTAL: Final = frozenset(bytes([digit]) for digit in b"01234567")


def _is_hex(digits: bytes) -> bool:
    return bool(digits) and not digits.translate(None, _HEX)


def _without_markup(text: bytes) -> bytes:
    first, *parts = text.split(b"<")
    words = first + b"".join(
        part.partition(b">")[2] if b">" in part else b"<" + part for part in parts
    )
    return without_sequences(words.decode("utf-8", "surrogateescape")).encode(
        "utf-8", "surrogateescape"
    )


def _undo_utf7(text: bytes) -> bytes:
    """Modified UTF-7: `&`, UTF-16 in base64 with a comma for the slash, `-`."""
    first, *parts = text.split(b"&")
    return first + b"".join(map(_shifted, parts))


def _shifted(part: bytes) -> bytes:
    run, end, rest = part.partition(b"-")
    if not end or not run or run.translate(None, _UTF7):
        return b"&" + part
    octets = _base64(run.translate(_FROM_UTF7))
    return octets.decode("utf-16-be", "ignore").encode("utf-8", "ignore") + rest


def _undo_latin_1(text: bytes) -> bytes:
    """UTF-8 that somebody took for Latin-1 and wrote as UTF-8 again."""
    try:
        return text.decode("utf-8").encode("latin-1")
    except UnicodeError:
        return text


_DECODINGS: Final[tuple[tuple[bytes, Callable[[bytes], bytes]], ...]] = (
    (b"%", unquote_to_bytes),
    (b"&", _unescape_html),
    (b"\\", _unescape_backslashes),
    (b"=", binascii.a2b_qp),
    (b"\xc3", _undo_latin_1),
)
