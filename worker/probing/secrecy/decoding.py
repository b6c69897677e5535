r"""All readings of a text: as it is, and decoded in each way in which a secret may be written down.

Whole texts are decoded, not words: separators, line ends and the words around a secret then do not
matter. Two kinds of step:

- a *view* takes all of the text for one encoded thing: base64 and base64url, forwards, backwards
  and in padded pieces, hex forwards and backwards, base32, uuencode, rot13, rot47, Atbash, and
  characters as numbers (`code_numbers`);
- a *decoding* makes another text, which is viewed and decoded in turn, `DEPTH` levels deep:
  percent, HTML entities, backslash and JSON escapes, quoted-printable, UTF-8 taken for Latin-1,
  tags and terminal sequences left out, words that come out of base64 and hex, and lines of text
  that come out of any view but rot13, rot47, Atbash, uuencode, Morse and letters by their places.

Every step takes linear time and makes no text longer. The sum of all texts is bounded: who builds
them higher hides something (`Haystack.overfull`).
"""

import binascii
import codecs
from collections.abc import Iterator, Sequence
from typing import Final

from worker.probing.interruptible import Interruptible
from worker.probing.secrecy.code_numbers import by_letters, in_words, numbered
from worker.probing.secrecy.escapes import DECODINGS, FROM_UTF7, UTF7, undo_utf7, without_markup
from worker.probing.secrecy.octets import DIGITS, HEX, LETTERS_AND_DIGITS, LOWER, UPPER, all_but

DEPTH: Final = 2
"""Encodings inside encodings: base64 of percent-encoded base64, and no more."""

MAX_DECODED_BYTES: Final = 24 * 1024
"""Of one text and all that is decoded from it. Usual sessions have 4 KiB, the most talkative 11."""

MIN_WORD: Final = 8
"""Text that was not encoded hardly has so many visible characters in a row once it is decoded."""

MIN_LINE: Final = 16
"""Nor has any view of a usual session so many printable ones, blanks included, by chance."""


def _marked(kept: bytes) -> bytes:
    """The table that makes a plus of every octet in `kept`, and a blank of every other one."""
    return bytes(0x2B if code in kept else 0x20 for code in range(256))


_NO_HEX: Final = all_but(HEX)
_NO_BASE64: Final = all_but(LETTERS_AND_DIGITS + b"+/")
_NO_BASE64URL: Final = all_but(LETTERS_AND_DIGITS + b"-_")
_NO_PADDED: Final = all_but(LETTERS_AND_DIGITS + b"+/-_=")
_NO_UTF7: Final = all_but(UTF7)
_FROM_BASE64URL: Final = bytes.maketrans(b"-_", b"+/")
_VISIBLE: Final = _marked(bytes(range(0x21, 0x7F)))
_PRINTABLE: Final = _marked(bytes(range(0x20, 0x7F)))
_WORD: Final = b"+" * MIN_WORD
_LINE: Final = b"+" * MIN_LINE
"""What `_VISIBLE` and `_PRINTABLE` make of such a run: to search for that takes least time."""

_BASE32: Final = UPPER + b"234567" + LOWER
_BASE32_DIGITS: Final = b"0123456789abcdefghijklmnopqrstuv"  # what int() takes for base 32
_FROM_BASE32: Final = bytes.maketrans(_BASE32, _BASE32_DIGITS + _BASE32_DIGITS[:26])
_NO_BASE32: Final = all_but(_BASE32)

_BASE64_ORDER: Final = UPPER + LOWER + DIGITS + b"+/"
_FROM_UU: Final = bytes.maketrans(bytes(range(0x20, 0x61)), _BASE64_ORDER + b"A")
_NO_UU: Final = all_but(bytes(range(0x20, 0x61)))

_ROT13: Final = bytes.maketrans(
    LETTERS_AND_DIGITS, codecs.encode(LETTERS_AND_DIGITS.decode("ascii"), "rot13").encode("ascii")
)
_GRAPHIC: Final = bytes(range(0x21, 0x7F))
_ROT47: Final = bytes.maketrans(_GRAPHIC, _GRAPHIC[47:] + _GRAPHIC[:47])
_ATBASH: Final = bytes.maketrans(UPPER + LOWER + DIGITS, UPPER[::-1] + LOWER[::-1] + DIGITS)


class Text:
    """A text, and what it is where all of it is one encoded thing: needed twice, so made once.

    `solid`: where that is base64 or hex; `encoded`: where it is anything of octets, these too.
    """

    __slots__ = ("encoded", "octets", "solid")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.solid = (*_base64_views(octets), *_hex_views(octets))
        self.encoded = (*self.solid, *_encoded(octets))


def decoded_texts(text: bytes) -> Interruptible[list[Text] | None]:
    """A text and what is inside it; None where there is too much to look at it all."""
    seen = {text}
    left = MAX_DECODED_BYTES - len(text)
    texts = latest = [Text(text)]
    for _ in range(DEPTH):
        found: list[Text] = []
        for plain in (plain for one in latest for plain in _decoded(one)):
            yield
            if plain in seen:
                continue
            left -= len(plain)
            if left < 0:
                return None
            seen.add(plain)
            found.append(Text(plain))
        texts += found
        latest = found
    return texts


def views(whole: Text) -> Iterator[bytes]:
    """Yield a text, with its letters in other places, and what it is where all of it is encoded."""
    text = whole.octets
    yield text
    yield from (text.translate(table) for table in (_ROT13, _ROT47, _ATBASH))
    yield from whole.encoded
    yield from _from_base64(text.translate(_FROM_UU, _NO_UU))
    yield from by_letters(text)


def _encoded(text: bytes) -> Iterator[bytes]:
    mirrored = text[::-1]
    yield from _base64_views(mirrored)
    yield from _hex_views(mirrored)
    if b"=" in text:
        yield b"".join(_padded_pieces(text.translate(_FROM_BASE64URL, _NO_PADDED)))
    yield from _base32_views(text.translate(_FROM_BASE32, _NO_BASE32))
    yield from numbered(text)
    yield from in_words(text)


def _hex_views(text: bytes) -> Iterator[bytes]:
    unbroken = text.replace(b"\n", b"") if b"0\nx" in text else text
    digits = unbroken.replace(b"0x", b"").translate(None, _NO_HEX)
    yield from (binascii.unhexlify(_whole(digits[start:])) for start in range(2))


def _base64_views(text: bytes) -> Iterator[bytes]:
    yield from _from_base64(text.translate(None, _NO_BASE64))
    if b"-" in text or b"_" in text:
        yield from _from_base64(text.translate(None, _NO_BASE64URL).translate(_FROM_BASE64URL))
    if b"&" in text and b"," in text:  # modified UTF-7 (RFC 3501, section 5.1.3)
        yield from _from_base64(text.translate(None, _NO_UTF7).translate(FROM_UTF7))


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
    return binascii.a2b_base64(solid[:-1] if odd == 1 else solid + b"=" * (-odd % 4))


def _base32_views(digits: bytes) -> Iterator[bytes]:
    """Decode at each of eight alignments: a digit has five bits."""
    if len(digits) < MIN_WORD:
        return
    number = int(digits, 32)  # linear, as 32 is a power of two
    size = (len(digits) * 5 + 7) // 8
    yield from ((number >> shift).to_bytes(size, "big") for shift in range(8))


def _whole(digits: bytes) -> bytes:
    return digits[: len(digits) // 2 * 2]


def _decoded(text: Text) -> Iterator[bytes]:
    """Yield what is inside `text`; each step also by itself, as the next one may destroy it."""
    plain = text.octets.replace(b"\n", b"")  # a line may end inside an escape
    for mark, decode in DECODINGS:
        if mark in plain and (decoded := decode(plain)) != plain:
            plain = decoded
            yield plain
    if any(mark in plain for mark in (b"<", b"\x1b", b"\xc2")):  # C2: the C1 controls in UTF-8
        yield without_markup(plain)
    if b"&" in plain and b"-" in plain:
        yield undo_utf7(plain)
    # As a rule there are none; to look into each view would take longer than all the rest.
    if _WORD in b"\n".join(text.solid).translate(_VISIBLE):
        for octets in text.solid:
            if words := b" ".join(_runs(octets, _VISIBLE, _WORD)):
                yield words
    if _LINE in b"\n".join(text.encoded).translate(_PRINTABLE, b"\0"):
        yield from _lines_in(text.encoded)


def _lines_in(views: Sequence[bytes]) -> Iterator[bytes]:
    """What of each view is a text, if only a line of it; without NUL, UTF-16 reads as well."""
    for octets in views:
        if lines := b"\n".join(_runs(octets.replace(b"\0", b""), _PRINTABLE, _LINE)):
            yield lines


def _runs(octets: bytes, marked: bytes, least: bytes) -> Iterator[bytes]:
    """Yield what is marked, where so much of it is in a row. Most views are noise, with no run."""
    marks = octets.translate(marked)
    start = marks.find(least)
    while start >= 0:
        end = marks.find(b" ", start)
        end = len(marks) if end < 0 else end
        yield octets[start:end]
        start = marks.find(least, end)
