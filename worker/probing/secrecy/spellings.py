"""A secret as it may stand in a text: in code pages, mirrored, without blanks, cut into pieces."""

import binascii
import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import AnyStr, Final

from worker.probing.normal_forms import normalized
from worker.probing.secrecy.letters import without_marks

MIN_SEARCHABLE_CHARACTERS: Final = 4
"""Below, a find would be chance."""

BLOCK: Final = 16
MAX_STEP: Final = 128
"""Of a long secret blocks of so many characters are looked for, and at most so far apart.

No longer ones: where both a block and the text are nearly all one letter, a search takes as many
times as long as the block has characters.
"""

BLANKS: Final = b" \t\r\n\v\f\0"
_CODE_PAGES: Final = (
    *("utf-8", "latin-1", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "iso-8859-2"),
    *("iso-8859-5", "koi8-r", "koi8-u", "cp437", "cp850", "cp852", "cp866", "mac-roman"),
    *("gb18030", "big5", "shift_jis", "euc-jp", "euc-kr"),
)
_UNICODE: Final = ("utf-16-le", "utf-16-be", "utf-7")


def pieces_of(word: AnyStr) -> list[AnyStr]:
    """Cut a word so that each share of it (see the head of the package) holds one of the pieces."""
    return [word[start:end] for start, end in spans(len(word))]


def _thirds(word: bytes) -> list[bytes]:
    """The pieces of a word in a code page: there are many pages, so few pieces of each."""
    size = max(MIN_SEARCHABLE_CHARACTERS, len(word) // 3)
    return [word[start : start + size] for start in range(0, len(word) - size + 1, size)]


def spans(length: int) -> Iterator[tuple[int, int]]:
    """Where the pieces of a word begin and end: a piece and a step are one more than the share."""
    size, step = length, 1
    if length >= 32:
        size, step = BLOCK, min(MAX_STEP, max(BLOCK, length // 32))
    elif length >= 12:
        size, step = 8, max(8, math.ceil(length / 2)) - 7
    elif length >= 8:
        size = math.ceil(length * 2 / 3)
    elif length >= 6:
        size = length - 1
    last = length - size
    yield from ((start, start + size) for start in range(0, last, step))
    yield last, length


def in_code_pages(secret: str) -> list[bytes]:
    """Pieces of it in every code page that has its letters, as `without_marks` makes a text."""
    return [
        piece
        for octets in _encoded(secret, _CODE_PAGES)
        for piece in _thirds(without_marks(octets))
    ]


def in_unicode(secret: str) -> list[bytes]:
    """Its octets in UTF-16, without a mark of their order, and in UTF-7 (RFC 2152)."""
    return list(_encoded(secret, _UNICODE))


def _encoded(secret: str, encodings: Sequence[str]) -> Iterator[bytes]:
    for form, encoding in product(_forms(secret), encodings):
        try:
            yield form.encode(encoding)
        except UnicodeEncodeError:
            continue


def _forms(secret: str) -> set[str]:
    forms = {normalized(form, secret) for form in ("NFC", "NFD")}
    return {case(form) for form in forms for case in (str, str.lower, str.upper, _mirrored)}


def _mirrored(text: str) -> str:
    return text[::-1]


def solid_spellings(secret: str) -> Iterator[bytes]:
    """Pieces of one that is hardly anything but punctuation, without blanks."""
    forms = {normalized(form, secret) for form in ("NFC", "NFD", "NFKC")}
    for form in forms | {form[::-1] for form in forms}:
        for encoding in ("utf-8", "latin-1"):
            spelling = form.encode(encoding, "ignore").translate(None, BLANKS)
            if len(spelling) >= MIN_SEARCHABLE_CHARACTERS:
                yield from pieces_of(spelling)


def decoded_word(word: bytes) -> bytes:
    """What a word that a client sent is in base64, or nothing."""
    try:
        return binascii.a2b_base64(word, strict_mode=True)
    except ValueError:
        return b""


def sent_octets(word: bytes) -> Iterator[bytes]:
    """The digest (CRAM-MD5) or proof (SCRAM) inside a word that a client sent, as octets."""
    plain = decoded_word(word)
    try:
        digest = plain.rpartition(b" ")[2]
        if len(digest) == 32:  # RFC 2195, section 2
            yield digest
            yield bytes.fromhex(digest.decode("ascii"))
        _, proved, proof = plain.rpartition(b",p=")  # RFC 5802, section 7
        if proved:
            yield proof
            yield binascii.a2b_base64(proof, strict_mode=True)
    except ValueError:
        return
