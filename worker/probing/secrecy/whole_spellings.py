"""A secret by itself in an encoding of which no part can be told from the whole.

Base58 and its like write one long number: with one more letter all of its digits are others. So it
is not the text that is decoded: the secret is encoded, and its digits are looked for. The same for
base85, which has no alignment of its own in a text, and for digests: of a password that a person
made up, an unsalted one is as good as the password.
"""

import hashlib
from base64 import b32encode, b64encode, b85encode
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final, Protocol

from worker.probing.secrecy.octets import (
    DIGITS,
    LETTERS_AND_DIGITS,
    LOWER,
    UPPER,
    all_but,
    to_blank,
)

MIN_OCTETS: Final = 8
MAX_OCTETS: Final = 128
"""To write a number in another base takes quadratic time: 30 us at the most."""


class _Hash(Protocol):
    def digest(self) -> bytes: ...


_DIGESTS: Final[Sequence[tuple[int, Sequence[Callable[..., _Hash]]]]] = (
    (16, (hashlib.md5,)),
    (20, (hashlib.sha1,)),
    (28, (hashlib.sha224, hashlib.sha3_224)),
    (32, (hashlib.sha256, hashlib.sha3_256, hashlib.blake2s)),
    (48, (hashlib.sha384, hashlib.sha3_384)),
    (64, (hashlib.sha512, hashlib.sha3_512, hashlib.blake2b)),
)
"""By their octets."""

_BASES: Final = (
    DIGITS + LOWER,
    LETTERS_AND_DIGITS.translate(None, b"0OIl"),  # base58, as Bitcoin writes it
    DIGITS + LOWER + UPPER,
)
_RFC_1924: Final = LETTERS_AND_DIGITS + b"!#$%&()*+-;<=>?@^_`{|}~"
_OTHER_BASE85: Final = (
    bytes.maketrans(_RFC_1924, bytes(range(0x21, 0x76))),  # Ascii85
    bytes.maketrans(_RFC_1924, DIGITS + LOWER + UPPER + b".-:+=^!/*?&<>()[]{}@%$#"),  # Z85
)

_RFC_4648: Final = UPPER + b"234567"
_OTHER_BASE32: Final = (
    bytes.maketrans(_RFC_4648, DIGITS + LOWER[:22]),  # base32hex
    bytes.maketrans(_RFC_4648, b"0123456789abcdefghjkmnpqrstvwxyz"),  # Crockford's
    bytes.maketrans(_RFC_4648, b"ybndrfg8ejkmcpqxot1uwisza345h769"),  # z-base-32
)

_NO_RUN: Final = to_blank(all_but(LETTERS_AND_DIGITS))

_BETWEEN_OCTETS: Final = all_but(DIGITS + LOWER.replace(b"x", b""))
_NO_HEX: Final = to_blank(b"ghijklmnopqrstuvwyz")


class Words:
    """A text in which encoded secrets are looked for, and how long they could be at the most."""

    __slots__ = ("hexadecimal", "longest", "longest_hexadecimal", "longest_run", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text.lower()
        self.longest = max(map(len, text.split()), default=0)
        self.longest_run = max(map(len, text.translate(_NO_RUN).split()), default=0)
        """Of letters and digits."""
        self.hexadecimal = self.text.replace(b"0x", b"").translate(_NO_HEX, _BETWEEN_OCTETS)
        """Digits alone: "68:75", "68 75" and "0x68, 0x75" are the same. Other letters part them."""
        self.longest_hexadecimal = max(map(len, self.hexadecimal.split()), default=0)


def found_whole(secret: bytes, words: Words) -> bool:
    """Tell whether the secret stands there by itself, on one line, in one of these encodings.

    Hexadecimal digits of a digest may stand on several lines, and in groups.
    """
    if len(secret) < MIN_OCTETS:
        return False
    in_hex = _digests(secret, words.longest_hexadecimal // 2)
    return any(digest.hex().encode("ascii") in words.hexadecimal for digest in in_hex) or any(
        spelling in words.text for spelling in _spellings(secret, words)
    )


def _digests(secret: bytes, most_octets: int) -> Iterator[bytes]:
    fitting = (some for octets, some in _DIGESTS if octets <= most_octets)
    for one in chain.from_iterable(fitting):
        yield one(secret, usedforsecurity=False).digest()


def _spellings(secret: bytes, words: Words) -> Iterator[bytes]:
    for digest in _digests(secret, words.longest * 3 // 4):
        yield b64encode(digest).lower().rstrip(b"=")
    if len(secret) > MAX_OCTETS or words.longest < len(secret) // 4 * 5:
        return  # base85 is the shortest of them
    if words.longest_run >= len(secret) * 4 // 3:  # base 62 takes 1.34 times as many
        number = int.from_bytes(secret, "big")
        yield from (_in_base(number, digits).lower() for digits in _BASES)
        in_fives = b32encode(secret[: len(secret) // 5 * 5])
        yield from (in_fives.translate(table) for table in _OTHER_BASE32)
    in_groups = b85encode(secret[: len(secret) // 4 * 4])
    yield in_groups.lower()
    yield from (in_groups.translate(table).lower() for table in _OTHER_BASE85)


def _in_base(number: int, digits: bytes) -> bytes:
    base, written = len(digits), bytearray()
    while number:
        number, rest = divmod(number, base)
        written.append(digits[rest])
    return bytes(reversed(written))
