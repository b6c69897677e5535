r"""What strangers wrote, made fit for a terminal, a page and a log: printable text of one line.

No controls, nothing that a terminal obeys or that turns the direction of writing; octets that are
no UTF-8 as `\xNN`. Linear in the text, without patterns.
"""

import unicodedata
from json.encoder import encode_basestring_ascii
from typing import Final

MAX_LINE_CHARACTERS: Final = 512

MAX_WORDS_OCTETS: Final = 8 * 1024
"""Of a reply: 1 ms where they are no text. A verdict reads 2048 characters, of four octets each."""

_ESCAPE: Final = "\x1b"
_SPELLED_OUT: Final = str.maketrans(
    {"\x90": "\x1bP", "\x98": "\x1bX", "\x9b": "\x1b[", "\x9c": "\x1b\\", "\x9d": "\x1b]"}
    | {"\x9e": "\x1b^", "\x9f": "\x1b_"}
)
"""The C1 controls (ECMA-48, section 5.3) that begin or end a sequence, as two characters."""

_STRINGS: Final = frozenset("]PX^_")
"""OSC, DCS, SOS, PM, APC: all that follows up to a terminator is theirs."""

_PARAMETERS: Final = "".join(map(chr, range(0x30, 0x40)))
_INTERMEDIATES: Final = "".join(map(chr, range(0x20, 0x30)))
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def words_of(octets: bytes) -> str:
    r"""The first of what a server says as text, undecodable octets as `\xNN`."""
    return octets[:MAX_WORDS_OCTETS].decode("utf-8", "backslashreplace")


def printable(line: bytes) -> str:
    """`line` as people may see it, whole."""
    text = line.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    text = without_sequences(text).replace("\t", " ")
    return "".join("\ufffd" if unicodedata.category(one) in _UNSEEN else one for one in text)


def cut(text: str, most: int = MAX_LINE_CHARACTERS) -> str:
    """`text`, at most `most` characters of it; an ellipsis tells that there was more."""
    return text if len(text) <= most else text[: most - 1] + "…"


def without_sequences(text: str) -> str:
    """`text` without terminal sequences (ECMA-48), finished or not."""
    first, *parts = text.translate(_SPELLED_OUT).split(_ESCAPE)
    return first + "".join(map(_after_sequence, parts))


def _after_sequence(part: str) -> str:
    """What is left behind an escape character."""
    kind = part[:1]
    if kind in _STRINGS:
        return part.partition("\x07")[2]
    if kind == "[":
        return _without_final(part[1:].lstrip(_PARAMETERS).lstrip(_INTERMEDIATES), "@")
    return _without_final(part.lstrip(_INTERMEDIATES), "0")


def _without_final(part: str, lowest: str) -> str:
    return part[1:] if lowest <= part[:1] <= "~" else part


def that_fit(lines: list[str], most_bytes: int) -> list[str]:
    """The first of `lines`, as many as JSON in ASCII writes in so many bytes.

    With quotes for the line feed: json.dumps would take five times as long.
    """
    left = most_bytes
    for count, line in enumerate(lines):
        left -= len(encode_basestring_ascii(line))
        if left < 0:
            return lines[:count]
    return lines
