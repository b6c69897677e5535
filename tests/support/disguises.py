"""The ways in which a server may write down a password that it was given."""

import base64
import binascii
import codecs
import html
from collections.abc import Callable
from urllib.parse import quote


def _b64(before: bytes, secret: str, after: bytes = b"") -> str:
    return base64.b64encode(before + secret.encode() + after).decode()


DISGUISES: dict[str, Callable[[str], str]] = {
    "raw": lambda s: f'wrong password "{s}" for you',
    "upper case": str.upper,
    "swapped case": str.swapcase,
    "base64 at 0": lambda s: _b64(b"", s),
    "base64 at 1": lambda s: f"got {_b64(b'x', s, b'yz')} from you",
    "base64 at 2": lambda s: f"got {_b64(b'xy', s, b'z')}, no",
    "base64 of plain": lambda s: _b64(b"\0user@mail.test\0", s),
    "base64url": lambda s: base64.urlsafe_b64encode(
        b"\0\xff\xfe?>user\0" + s.encode() + b"\xff\xfe"
    ).decode(),
    "base64 without padding": lambda s: _b64(b"u\0", s).rstrip("="),
    "base64 spaced": lambda s: " ".join(_b64(b"u", s)),
    "base64 of base64": lambda s: _b64(b"", _b64(b"\0u\0", s)),
    "base64 of UTF-16": lambda s: base64.b64encode(s.encode("utf-16-le")).decode(),
    "hex": lambda s: s.encode().hex(),
    "hex, odd words around": lambda s: f"a {s.encode().hex().upper()} b",
    "hex spaced": lambda s: s.encode().hex(" "),
    "hex with colons": lambda s: s.encode().hex(":"),
    "hex as 0x": lambda s: " ".join(f"0x{octet:02x}" for octet in s.encode()),
    "hex as \\x": lambda s: "".join(f"\\x{octet:02x}" for octet in s.encode()),
    "hex of base64": lambda s: _b64(b"", s).encode().hex(),
    "octal": lambda s: "".join(f"\\{octet:03o}" for octet in s.encode()),
    "decimal": lambda s: " ".join(str(octet) for octet in s.encode()),
    "percent": quote,
    "percent, all": lambda s: "".join(f"%{octet:02X}" for octet in s.encode()),
    "percent twice": lambda s: quote("".join(f"%{octet:02X}" for octet in s.encode())),
    "html": html.escape,
    "html decimal": lambda s: "".join(f"&#{ord(one)};" for one in s),
    "html hex": lambda s: "".join(f"&#x{ord(one):x};" for one in s),
    "html tags": "<b></b>".join,
    "quoted-printable": lambda s: "".join(f"={octet:02X}" for octet in s.encode()),
    "unicode escapes": lambda s: "".join(f"\\u{ord(one):04x}" for one in s),
    "escaped quotes": lambda s: s.replace("\\", "\\\\").replace('"', '\\"'),
    "reversed": lambda s: s[::-1],
    "base64 of reversed": lambda s: _b64(b"", s[::-1]),
    "dashes": "-".join,
    "blanks": " ".join,
    "zero-width": "\u200b".join,
    "ansi": "\x1b[0m".join,
    "nul": "\0".join,
    "base64 in padded pieces": lambda s: " ".join(
        _b64(b"", s[at : at + 4]) for at in range(0, len(s), 4)
    ),
    "base64, letter by letter": lambda s: ",".join(_b64(b"", one) for one in s),
    "base64 reversed": lambda s: _b64(b"u\0", s)[::-1],
    "hex reversed": lambda s: s.encode().hex()[::-1],
    "base32": lambda s: base64.b32encode(s.encode()).decode(),
    "base32, words around": lambda s: (
        f"got {base64.b32encode(b'u' + s.encode()).decode()} from you"
    ),
    "uuencode": lambda s: binascii.b2a_uu(s.encode()[:45]).decode().rstrip("\n"),
    "uuencode with backticks": lambda s: (
        binascii.b2a_uu(s.encode()[:45], backtick=True).decode().rstrip("\n")
    ),
    "modified UTF-7": lambda s: (
        f"&{base64.b64encode(s.encode('utf-16-be')).decode().rstrip('=').replace('/', ',')}-"
    ),
    "unicode escapes before hex digits": lambda s: (
        "".join(f"\\u{ord(one):04x}" for one in s) + "ab12"
    ),
    "unicode escapes in braces": lambda s: "".join(f"\\u{{{ord(one):x}}}" for one in s),
    "html hex with many zeros": lambda s: (
        "".join(f"&#x{ord(one):0>100x};" for one in s[:4]) + s[4:]
    ),
    "html decimal without semicolons": lambda s: "".join(f"&#{ord(one)}" for one in s) + ";",
    "base64 of html": lambda s: _b64(b"", "".join(f"&#{ord(one)};" for one in s)),
    "hex of percent": lambda s: "".join(f"%{octet:02X}" for octet in s.encode()).encode().hex(),
    "rot13": lambda s: codecs.encode(s, "rot13"),
    "full width": lambda s: "".join(
        chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in s
    ),
}

SPREAD = frozenset({"html tags", "base64 in padded pieces", "base64, letter by letter"})
"""Those of several words, none of which is an echo by itself."""
