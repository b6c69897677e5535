"""Names for hosts, accounts and credentials that tell nothing to whoever reads Redis.

Each is an HMAC-SHA-256 under a key derived from the store key (HKDF, RFC 5869), which is not in
Redis: a dump of it cannot be searched for a password, nor for who tests what.

A name stands for one server or one mailbox, however it is spelled: a spelling with a name of its
own would be a way around the limits. So a host goes by the normal form in which it is dialled, an
address by the address that is reached, and a user by what is left when all is taken away that a
server may take away (see `same_user`).
"""

import hmac
import unicodedata
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from worker.probing.errors import TargetFault
from worker.probing.normal_forms import normalized
from worker.probing.target import Credential, Protocol, Target
from worker.probing.wire.addresses import embedded
from worker.probing.wire.host import read_host

NAME_BYTES: Final = 16
"""128 bits: no two names meet by chance."""

NAT64_PREFIX_LENGTH: Final = 96
"""Of the well-known prefix 64:ff9b::/96 (RFC 6052)."""

_UNSEEN: Final = "CZ"
"""Controls, formats and blanks: Unicode's major categories."""

_INVISIBLE: Final = frozenset(
    map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810)))
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""Marks and letters without a picture of their own (Default_Ignorable_Code_Point)."""

_VIRAMA: Final = 9
_POINTS: Final = range(1, 37)
_ACCENTS: Final = range(200, 256)
"""Combining classes (UAX #44): nuktas, voicing, Hebrew and Arabic points; accents. Vowel signs of
Indic scripts, Thai and Tibetan have none, or one between: to databases as well they are letters."""

_STROKED: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe"}
)
"""What the default order of Unicode (UTS #10) takes for the letter with an accent, or for two."""

_ENCLOSING: Final = '"<>'


class Identity:
    """All workers that share limits need the same `secret` (the first of STORE_KEYS)."""

    def __init__(self, secret: bytes) -> None:
        self._key = HKDF(
            algorithm=SHA256(), length=32, salt=None, info=b"mailvouch limits 1"
        ).derive(secret)

    def host(self, host: str) -> str:
        return self._name("host", same_host(host))

    def account(self, host: str, user: str) -> str:
        """One name however host and user are written: what is locked out is the mailbox."""
        return self._name("account", same_host(host), same_user(user))

    def fingerprint(self, protocol: Protocol, target: Target, credential: Credential) -> str:
        """The very credential at the very target.

        Port, security and the user's own spelling belong to it: whoever changes one of them asks a
        new question.
        """
        return self._name(
            "credential",
            protocol.value,
            same_host(target.host),
            str(target.port),
            target.security.value,
            credential.kind.value,
            credential.user,
            credential.secret.get_secret_value(),
        )

    def _name(self, *parts: str) -> str:
        # Each part with its length: ("ab", "c") and ("a", "bc") must not be one.
        text = "".join(f"{len(part)}:{part}" for part in parts)
        octets = text.encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, octets, "sha256")[:NAME_BYTES].hex()


def same_host(host: str) -> str:
    """One text for all spellings of a host: the name as it is dialled, or the address reached."""
    try:
        read = read_host(host)
    except TargetFault:
        return host.casefold()  # never dialled, so nothing is counted
    if read.literal is None:
        return read.name
    reached = embedded(read.literal, NAT64_PREFIX_LENGTH)
    return str(next(iter(reached))) if len(reached) == 1 else read.name


def same_user(user: str) -> str:
    """Take away what some server takes away before it looks the mailbox up.

    Case: nearly all fold it, though RFC 5321 lets a local part depend on it. Compatibility forms
    and what has no width, a soft hyphen say: SASLprep (RFC 4013) does, and with it full-width
    letters. Accents and strokes, but not vowel signs: databases compare without them, MySQL by
    default. Blanks: forms and databases trim them. Quotes and angle brackets around it. The
    spelling of the domain: as a host. Two mailboxes that meet here share a limit, which does them
    no harm as long as their passwords are right.

    Not taken away: "+tag" and dots, which are part of the login name at all but a few providers,
    and a missing domain, which only the server knows.
    """
    folded = normalized("NFKC", normalized("NFKC", user).casefold())
    local_part, at, domain = folded.rpartition("@")
    plain = _seen(normalized("NFKD", local_part).translate(_STROKED))
    bare = "".join(one for one in plain if not _is_accent(one))
    return f"{bare}{at}{same_host(_seen(domain))}"


def _seen(text: str) -> str:
    """Leave out what nobody sees, and what encloses a name."""
    return "".join(
        one for one in text if unicodedata.category(one)[0] not in _UNSEEN and one not in _ENCLOSING
    )


def _is_accent(one: str) -> bool:
    of_class = unicodedata.combining(one)
    return (
        (of_class in _POINTS and of_class != _VIRAMA)
        or of_class in _ACCENTS
        or one in _INVISIBLE
        or unicodedata.category(one) == "Me"
    )
