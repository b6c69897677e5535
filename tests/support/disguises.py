"""The ways in which a server may write down a password that it was given."""

import base64
import binascii
import codecs
import hashlib
import html
import struct
from collections.abc import Callable
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from string import digits as decimal_digits
from urllib.parse import quote


def _b64(before: bytes, secret: str, after: bytes = b"") -> str:
    return base64.b64encode(before + secret.encode() + after).decode()


def _b64_of(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


_ATBASH = str.maketrans(ascii_letters, ascii_lowercase[::-1] + ascii_uppercase[::-1])
_LEET = str.maketrans("aeioslt", "4310517")


def _shifted(secret: str, letters: int, digits: int = 0) -> str:
    shifts = ((ascii_lowercase, letters), (ascii_uppercase, letters), (decimal_digits, digits))
    for alphabet, shift in shifts:
        table = str.maketrans(alphabet, alphabet[shift:] + alphabet[:shift])
        secret = secret.translate(table)
    return secret


def _in_base(alphabet: str) -> Callable[[str], str]:
    def written(secret: str) -> str:
        number, text = int.from_bytes(secret.encode(), "big"), ""
        while number:
            text = alphabet[number % len(alphabet)] + text
            number //= len(alphabet)
        return text

    return written


_BASE32 = f"{ascii_uppercase}234567"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def _z85(secret: str) -> str:
    """As ZeroMQ's RFC 32 writes it: whole groups only."""
    octets = secret.encode() + b"\0" * (-len(secret.encode()) % 4)
    alphabet = f"{decimal_digits}{ascii_lowercase}{ascii_uppercase}.-:+=^!/*?&<>()[]{{}}@%$#"
    numbers = struct.unpack(f">{len(octets) // 4}I", octets)
    return "".join(alphabet[n // 85**place % 85] for n in numbers for place in range(4, -1, -1))


_SIGNALS = """.- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..-
...- .-- -..- -.-- --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----."""
_MORSE = dict(zip(f"{ascii_lowercase}{decimal_digits}", _SIGNALS.split(), strict=True))


def _words(secret: str, size: int, form: str) -> str:
    """As `od` writes a file: numbers of so many octets, the last one first."""
    octets = secret.encode() + b"\0" * (-len(secret.encode()) % size)
    pieces = (octets[at : at + size] for at in range(0, len(octets), size))
    return " ".join(form.format(int.from_bytes(piece, "little")) for piece in pieces)


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
    "Morse": lambda s: " ".join(_MORSE.get(one, "") for one in s.lower()),
    "Morse with slashes": lambda s: "/".join(_MORSE.get(one, "") for one in s.lower()),
    "decimal run together": lambda s: "".join(f"{octet:03}" for octet in s.encode("ascii")),
    "decimal as a list": lambda s: str(list(s.encode())),
    "octal spaced": lambda s: " ".join(f"{octet:o}" for octet in s.encode()),
    "octal run together": lambda s: "".join(f"{octet:03o}" for octet in s.encode()),
    "octal as 0o": lambda s: ", ".join(f"{octet:#o}" for octet in s.encode()),
    "binary spaced": lambda s: " ".join(f"{octet:08b}" for octet in s.encode()),
    "binary run together": lambda s: "".join(f"{octet:08b}" for octet in s.encode()),
    "binary of seven digits": lambda s: "".join(f"{octet:07b}" for octet in s.encode("ascii")),
    "binary as 0b": lambda s: ", ".join(f"{octet:#b}" for octet in s.encode("ascii")),
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
    "rot47": lambda s: "".join(
        chr(33 + (ord(one) + 14) % 94) if "!" <= one <= "~" else one for one in s
    ),
    "Atbash": lambda s: s.translate(_ATBASH),
    "full width": lambda s: "".join(
        chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in s
    ),
}

SPREAD = frozenset({"html tags", "base64 in padded pieces", "base64, letter by letter"})
"""Those of several words, none of which is an echo by itself."""

OF_LONG_SECRETS: dict[str, Callable[[str], str]] = {
    "shifted by 1": lambda s: _shifted(s, 1),
    "shifted by 3": lambda s: _shifted(s, 3),
    "shifted by 25, digits by 5": lambda s: _shifted(s, 25, 5),
    "shifted and backwards": lambda s: _shifted(s, 7)[::-1],
    "shifted and spaced": lambda s: " ".join(_shifted(s, 10, 1)),
    "Atbash with digits": lambda s: s.translate(_ATBASH).translate(
        str.maketrans(decimal_digits, decimal_digits[::-1])
    ),
    "Atbash and shifted": lambda s: _shifted(s.translate(_ATBASH), 4),
    "first letters of words": lambda s: " ".join(f"{one}lpha" for one in s if one.isalnum()),
    "look-alikes": lambda s: s.translate(_LEET),
    "base36": _in_base(decimal_digits + ascii_lowercase),
    "base58": _in_base(_BASE58),
    "base62": _in_base(decimal_digits + ascii_uppercase + ascii_lowercase),
    "Ascii85": lambda s: base64.a85encode(s.encode()).decode(),
    "Ascii85 as Adobe writes it": lambda s: base64.a85encode(s.encode(), adobe=True).decode(),
    "base85": lambda s: base64.b85encode(s.encode()).decode(),
    "Z85": _z85,
    "base32hex": lambda s: base64.b32hexencode(s.encode()).decode(),
    "base32 of Crockford": lambda s: (
        base64.b32encode(s.encode())
        .decode()
        .translate(str.maketrans(_BASE32, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
    ),
    "MD5": lambda s: hashlib.md5(s.encode(), usedforsecurity=False).hexdigest(),
    "SHA-1": lambda s: hashlib.sha1(s.encode(), usedforsecurity=False).hexdigest(),
    "SHA-256": lambda s: hashlib.sha256(s.encode()).hexdigest(),
    "SHA-512": lambda s: hashlib.sha512(s.encode()).hexdigest(),
    "MD5 with colons": lambda s: (
        hashlib.md5(s.encode(), usedforsecurity=False).digest().hex(":").upper()
    ),
    "SHA-1 in groups of four": lambda s: (
        hashlib.sha1(s.encode(), usedforsecurity=False).digest().hex(" ", 2)
    ),
    "SHA-224 escaped": lambda s: (
        "\\x" + hashlib.sha224(s.encode()).digest().hex("|").replace("|", "\\x")
    ),
    "SHA-256 in octets": lambda s: hashlib.sha256(s.encode()).digest().hex(" "),
    "SHA-384 in C": lambda s: (
        "0x" + hashlib.sha384(s.encode()).digest().hex("|").replace("|", ", 0x")
    ),
    "SHA-512 on two lines": lambda s: (
        hashlib.sha512(s.encode()).digest().hex("\n", 32).replace("\n", "\r\n")
    ),
    "od -x": lambda s: "0000000 " + _words(s, 2, "{:04x}"),
    "words of 0x": lambda s: _words(s, 2, "0x{:04x}").replace(" ", ", "),
    "od -t x4": lambda s: _words(s, 4, "{:08x}"),
    "od -d": lambda s: _words(s, 2, "{:5d}"),
    "od -t u4": lambda s: _words(s, 4, "{}"),
    "od": lambda s: "0000000 " + _words(s, 2, "{:06o}"),
    "SHA-384": lambda s: hashlib.sha384(s.encode()).hexdigest(),
    "SHA-224 in base64": lambda s: _b64_of(hashlib.sha224(s.encode()).digest()),
    "SHA-3": lambda s: hashlib.sha3_256(s.encode()).hexdigest(),
    "SHA-3 of 512 bits": lambda s: hashlib.sha3_512(s.encode()).hexdigest(),
    "BLAKE2": lambda s: hashlib.blake2b(s.encode()).hexdigest(),
    "BLAKE2s in base64": lambda s: _b64_of(hashlib.blake2s(s.encode()).digest()),
    "MD5 in base64": lambda s: _b64_of(hashlib.md5(s.encode(), usedforsecurity=False).digest()),
    "SHA-1 as LDAP keeps it": lambda s: (
        "{SHA}" + _b64_of(hashlib.sha1(s.encode(), usedforsecurity=False).digest())
    ),
}
"""Those in which only eight letters and digits or more are told from chance."""
