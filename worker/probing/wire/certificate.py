"""What a server's certificate says of itself: facts for the report, hostile text all of it."""

import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from producer.contract.report import TlsFacts

ScrubAll = Callable[[tuple[str, ...]], list[str] | None]
"""Cleans texts for people's eyes; None where they hold a secret."""

MAX_FACT_CHARACTERS: Final = 2048
MAX_NAME_CHARACTERS: Final = 253
WITHHELD: Final = "[withheld]"
MANY_DAYS: Final = 1000
"""Public certificates last 398 days at most. A number of more digits may be a part of a secret."""

_DER: Final = ssl._ssl.ENCODING_DER  # type: ignore[attr-defined]  # noqa: SLF001 - see _leaf

MAX_CERTIFICATE_BYTES: Final = 16 * 1024
"""A larger one is not read: a stranger chooses how much is in it. Public ones have 1 to 6 kB.

None is remembered either: the usual one is read in 0.03 ms, one of this size in 0.4 ms.
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a certificate says: hostile text."""

    names: tuple[str, ...] = ()
    issuer: str = ""
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handshake:
    """What a handshake showed, also one that failed (then `reason` says why): hostile text."""

    leaf: Leaf
    version: str | None
    cipher: str | None
    reason: str
    resumed: bool = False


def read_handshake(
    ssl_object: ssl.SSLObject, *, reason: str = "", resumed: Leaf | None = None
) -> Handshake:
    """Copy what there is to know now: later the connection is gone.

    `resumed`: the certificate of the session that was resumed, where one was; no other was shown.
    """
    cipher = ssl_object.cipher()
    return Handshake(
        leaf=_leaf(ssl_object) if resumed is None else resumed,
        version=ssl_object.version() or (cipher[1] if cipher else None),
        cipher=cipher[0] if cipher else None,
        reason=reason,
        resumed=resumed is not None,
    )


def tls_facts(handshake: Handshake, scrub_all: ScrubAll) -> TlsFacts | None:
    """The facts of a handshake, fit to be shown; None where it broke before any certificate came.

    There is then nothing to be trusted or not.
    """
    leaf = handshake.leaf
    if handshake.reason and leaf == Leaf():
        return None
    days = _days_left(leaf)
    number = str(days) if days is not None and abs(days) >= MANY_DAYS else ""
    clean = scrub_all((number, leaf.issuer, *leaf.names))
    _, issuer, *names = ["", WITHHELD, WITHHELD] if clean is None else clean
    return TlsFacts(
        version=handshake.version,
        cipher=handshake.cipher,
        subject_names=tuple(filter(None, names)),
        issuer=issuer or None,
        days_left=None if number and clean is None else days,
        verified=not handshake.reason,
        reason=handshake.reason,
    )


def _leaf(ssl_object: ssl.SSLObject) -> Leaf:
    """The leaf certificate as read; empty before there is one.

    `getpeercert` has nothing after a failed verification. The chain that the server sent is there
    all the same, behind a private name (public on Python 3.13's SSLSocket); a test guards it.
    What cannot be read is left out: of an object identifier of more than 585 octets Python makes a
    SystemError.
    """
    try:
        chain = ssl_object._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # noqa: SLF001
        small = chain and len(chain[0].public_bytes(_DER)) <= MAX_CERTIFICATE_BYTES
        return _read(chain[0]) if small else Leaf()
    except (AttributeError, ssl.SSLError, ValueError, OverflowError, SystemError):
        return Leaf()


def _read(certificate: Any) -> Leaf:
    info = certificate.get_info()
    return Leaf(tuple(_subject_names(info)), _issuer(info), _expires(info))


def _subject_names(info: dict[str, Any]) -> list[str]:
    names = [str(value) for kind, value in info.get("subjectAltName", ()) if kind != "DirName"]
    common = [value for name, value in _attributes(info, "subject") if name == "commonName"]
    return list(_bounded(names or common))


def _issuer(info: dict[str, Any]) -> str:
    wanted = ("organizationName", "organizationalUnitName", "commonName")
    named = dict(_attributes(info, "issuer"))
    text = ", ".join(named[name] for name in wanted if name in named)
    return text if len(text) <= MAX_NAME_CHARACTERS else WITHHELD


def _attributes(info: dict[str, Any], field: str) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for part in info.get(field, ()) for name, value in part]


def _bounded(names: Iterable[str]) -> Iterable[str]:
    """Whole names only: what is left of one that was cut could be a part of a secret."""
    left = MAX_FACT_CHARACTERS
    for name in names:
        left -= len(name)
        if left < 0:
            return
        if len(name) <= MAX_NAME_CHARACTERS:
            yield name


def _expires(info: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(info["notAfter"]), UTC)
    except (KeyError, ValueError, OverflowError):
        return None


def _days_left(leaf: Leaf) -> int | None:
    """Whole days until the certificate expires, negative once it has."""
    return None if leaf.expires is None else (leaf.expires - datetime.now(UTC)).days
