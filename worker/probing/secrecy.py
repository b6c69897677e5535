"""Tells whether a text holds a secret, in any of the ways in which one can be written down.

A server that was given a password may echo it: as it is, or in base64, in hex, percent-encoded,
backwards, letter by letter. Looking for every spelling of the secret would be a long list and would
still miss combinations. So the text is decoded instead, in every way at once, and what comes out,
reduced to its letters and digits in one case, is searched for the equally reduced secret. No
pattern is ever built from the secret, and every step takes linear time.
"""

import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import AnyStr, Final
from urllib.parse import unquote_to_bytes

MIN_SEARCHABLE_CHARACTERS: Final = 4
"""Below, a find would be chance: so short a secret is taken to be in every text."""

MIN_TELLING_HALF_CHARACTERS: Final = 8
"""From here on half a secret counts as the secret: an echo may come in two parts."""

_DECODED_DEPTH: Final = 2
"""Encodings inside encodings that are followed: base64 of percent-encoded base64, and no more."""

_LETTERS_AND_DIGITS: Final = bytes(code for code in range(128) if chr(code).isalnum())
_HEX: Final = b"0123456789abcdefABCDEF"
_BLANKS: Final = b" \t\r\n\v\f\0"


def _all_but(kept: bytes) -> bytes:
    return bytes(set(range(256)) - set(kept))


_SEPARATORS: Final = _all_but(_LETTERS_AND_DIGITS)
_NO_HEX: Final = _all_but(_HEX)
_NO_BASE64: Final = _all_but(_LETTERS_AND_DIGITS + b"+/")
_NO_BASE64URL: Final = _all_but(_LETTERS_AND_DIGITS + b"-_")
_FROM_BASE64URL: Final = bytes.maketrans(b"-_", b"+/")
_ROT13: Final = bytes.maketrans(
    _LETTERS_AND_DIGITS, codecs.encode(_LETTERS_AND_DIGITS.decode("ascii"), "rot13").encode("ascii")
)
_NUMBER: Final = re.compile(rb"[0-9]+")
_RUN: Final = re.compile(rb"[A-Za-z0-9+/_-]{8,}")
_TAG: Final = re.compile(rb"<[^<>]*>")
_ANSI: Final = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|.)", re.DOTALL)
_ESCAPE: Final = re.compile(
    rb"\\(?:x([0-9A-Fa-f]{2})|u\{?([0-9A-Fa-f]{4,6})\}?|([0-7]{1,3})|(.))", re.DOTALL
)


class Needles:
    """A set of secrets, ready to be looked for. Falsy where there is none."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._narrow: list[bytes] = []  # letters and digits of ASCII secrets
        self._wide: list[str] = []  # letters and digits of the others
        self._solid: list[bytes] = []  # secrets of hardly anything but punctuation
        self.unsearchable = False
        """True where a secret is too short to be looked for: it is then found in every text."""
        for secret in secrets:
            self.add(secret)

    def __bool__(self) -> bool:
        return self.unsearchable or bool(self._narrow or self._wide or self._solid)

    def add(self, secret: str) -> None:
        """Look for this one too."""
        if len(secret) < MIN_SEARCHABLE_CHARACTERS:
            self.unsearchable = self.unsearchable or bool(secret)
        elif not secret.isascii() and len(wide := _wide(secret)) >= MIN_SEARCHABLE_CHARACTERS:
            self._wide += (wide, wide[::-1])
        elif len(narrow := _narrow(secret.encode("ascii", "ignore"))) >= MIN_SEARCHABLE_CHARACTERS:
            self._narrow += (narrow, narrow[::-1], *_halves(narrow))
        else:
            self._solid += _solid_spellings(secret)

    def found_in(self, text: "bytes | Haystack") -> bool:
        """Tell whether any of the secrets stands in `text`, in the clear or in disguise."""
        if self.unsearchable:
            return True
        haystack = Haystack(text) if isinstance(text, bytes) else text
        if self._narrow and _any_in(self._narrow, haystack.narrow):
            return True
        if self._solid and _any_in(self._solid, haystack.solid):
            return True
        if self._wide and any(_any_in(self._wide, reading) for reading in haystack.wide):
            return True
        folded = haystack.folded if self._narrow else ""
        return bool(folded) and any(needle.decode("ascii") in folded for needle in self._narrow)


class Haystack:
    """A text in every reading of it: what takes the time, and is the same for all secrets."""

    __slots__ = ("_text", "_views", "narrow")

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._views = list(_every_view(text))
        # All views as one text: one search instead of a dozen is a quarter of the time.
        self.narrow = _narrow(b"\n".join(self._views))

    @property
    def solid(self) -> bytes:
        """The views without blanks."""
        return b"\n".join(self._views).translate(None, _BLANKS)

    @property
    def wide(self) -> Iterator[str]:
        """Letters and digits of the views that hold more than ASCII."""
        for view in self._views:
            if not view.isascii():
                yield _wide(view.decode("utf-8", "ignore"))
                yield _wide(view.decode("latin-1"))

    @property
    def folded(self) -> str:
        """Full-width letters and the like, which NFKC turns into ASCII ones; none: empty."""
        return "" if self._text.isascii() else _wide(self._text.decode("utf-8", "ignore"))


def _every_view(text: bytes) -> Iterator[bytes]:
    """The views of `text`, of what is encoded in it, and of what is encoded in that."""
    for depth in range(_DECODED_DEPTH, -1, -1):
        yield from _views(text)
        text = b"\n".join(_decoded(text)) if depth else b""
        if not text:
            return


def _halves(narrow: bytes) -> tuple[bytes, ...]:
    """Both halves of a secret whose half cannot well be there by chance."""
    middle = len(narrow) // 2
    return (narrow[:middle], narrow[middle:]) if middle >= MIN_TELLING_HALF_CHARACTERS else ()


def _any_in(needles: Iterable[AnyStr], text: AnyStr) -> bool:
    return any(needle in text for needle in needles)


def _narrow(data: bytes) -> bytes:
    """ASCII letters and digits, in one case. Without NUL, UTF-16 reads as well."""
    return data.translate(None, _SEPARATORS).lower()


def _wide(text: str) -> str:
    """Letters and digits of any script, without marks, in one case.

    Marks come before or after their letter, or on it: without them all forms look the same.
    """
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))


def _solid_spellings(secret: str) -> Iterator[bytes]:
    forms = {unicodedata.normalize(form, secret) for form in ("NFC", "NFD", "NFKC")}
    for form in forms | {form[::-1] for form in forms}:
        for encoding in ("utf-8", "latin-1"):
            spelling = form.encode(encoding, "ignore").translate(None, _BLANKS)
            if len(spelling) > 1:
                yield spelling


def _views(text: bytes) -> Iterator[bytes]:
    """`text`, and what it is where all of it is one encoded thing, split over lines or not."""
    yield text
    yield text.translate(_ROT13)
    yield from _from_base64(text.translate(None, _NO_BASE64))
    if b"-" in text or b"_" in text:
        yield from _from_base64(text.translate(None, _NO_BASE64URL).translate(_FROM_BASE64URL))
    digits = text.replace(b"0x", b"").translate(None, _NO_HEX)
    yield from (binascii.unhexlify(_whole(digits[start:], 2)) for start in range(2))
    numbers = _NUMBER.findall(text)
    if len(numbers) >= MIN_SEARCHABLE_CHARACTERS:
        yield bytes(int(number) for number in numbers if len(number) < 4 and int(number) < 256)


def _from_base64(solid: bytes) -> Iterator[bytes]:
    """At each of four offsets: the words around an encoded secret shift its alignment."""
    if len(solid) >= 5:
        yield from (_base64(solid[start:]) for start in range(4))


def _base64(solid: bytes) -> bytes:
    """Decode what is base64 from its first character on; a lone last character says nothing."""
    odd = len(solid) % 4
    return binascii.a2b_base64(solid[:-1] if odd == 1 else solid + b"=" * (-odd % 4))


def _whole(data: bytes, unit: int) -> bytes:
    return data[: len(data) // unit * unit]


def _decoded(text: bytes) -> Iterator[bytes]:
    """What is inside `text`, where it holds something encoded that reads as text itself."""
    for mark, decode in _UNESCAPES:
        if mark in text and (plain := decode(text)) != text:
            yield plain
    runs = _RUN.findall(text)
    for decode_run in (_base64_run, _hex_run):
        if readable := [plain for run in runs if (plain := decode_run(run)).isascii() and plain]:
            yield b" ".join(readable)


def _base64_run(run: bytes) -> bytes:
    return _base64(run.translate(_FROM_BASE64URL))


def _hex_run(run: bytes) -> bytes:
    return b"" if run.translate(None, _HEX) else binascii.unhexlify(_whole(run, 2))


def _unescape_html(text: bytes) -> bytes:
    return html.unescape(text.decode("utf-8", "replace")).encode("utf-8", "replace")


def _unescape_backslashes(text: bytes) -> bytes:
    return _ESCAPE.sub(_unescaped, text)


def _unescaped(match: re.Match[bytes]) -> bytes:
    octet, point, octal, other = match.groups()
    if octet:
        return binascii.unhexlify(octet)
    if point:
        return chr(min(int(point, 16), 0x10FFFF)).encode("utf-8", "replace")
    return bytes([int(octal, 8) & 0xFF]) if octal else bytes(other)


_UNESCAPES: Final = (
    (b"&", _unescape_html),
    (b"%", unquote_to_bytes),
    (b"\\", _unescape_backslashes),
    (b"=", binascii.a2b_qp),
    (b"<", lambda text: _TAG.sub(b"", text)),
    (b"\x1b", lambda text: _ANSI.sub(b"", text)),
)
