"""What a server's certificate says of itself: facts for the report, hostile text all of it."""

import ssl
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from producer.contract.report import TlsFacts

ScrubAll = Callable[[Sequence[str]], list[str] | None]
"""Cleans texts for people's eyes; None where they hold a secret."""

MAX_FACT_CHARACTERS: Final = 2048
MAX_NAME_CHARACTERS: Final = 253
WITHHELD: Final = "[withheld]"


def tls_facts(ssl_object: ssl.SSLObject, scrub_all: ScrubAll, *, reason: str = "") -> TlsFacts:
    """The facts of a handshake, also of one that failed (then `reason` says why)."""
    info = _leaf(ssl_object)
    clean = scrub_all([_issuer(info), *_subject_names(info)])
    issuer, *names = [WITHHELD, WITHHELD] if clean is None else clean
    cipher = ssl_object.cipher()
    return TlsFacts(
        version=ssl_object.version() or (cipher[1] if cipher else None),
        cipher=cipher[0] if cipher else None,
        subject_names=tuple(_bounded(filter(None, names))),
        issuer=issuer or None,
        days_left=_days_left(info),
        verified=not reason,
        reason=reason,
    )


def _leaf(ssl_object: ssl.SSLObject) -> dict[str, Any]:
    """The decoded leaf certificate; empty before there is one.

    `getpeercert` has nothing after a failed verification. The chain that the server sent is there
    all the same, behind a private name (public on Python 3.13's SSLSocket); a test guards it.
    """
    try:
        chain = ssl_object._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # noqa: SLF001
        return dict(chain[0].get_info()) if chain else {}
    except (AttributeError, ssl.SSLError, ValueError, OverflowError):
        return {}


def _subject_names(info: dict[str, Any]) -> list[str]:
    names = [str(value) for kind, value in info.get("subjectAltName", ()) if kind != "DirName"]
    return names or [value for name, value in _attributes(info, "subject") if name == "commonName"]


def _issuer(info: dict[str, Any]) -> str:
    wanted = ("organizationName", "organizationalUnitName", "commonName")
    named = dict(_attributes(info, "issuer"))
    return ", ".join(named[name] for name in wanted if name in named)[:MAX_NAME_CHARACTERS]


def _attributes(info: dict[str, Any], field: str) -> list[tuple[str, str]]:
    return [(str(name), str(value)) for part in info.get(field, ()) for name, value in part]


def _bounded(names: Iterable[str]) -> Iterable[str]:
    left = MAX_FACT_CHARACTERS
    for name in names:
        left -= len(name)
        if left < 0:
            return
        yield name[:MAX_NAME_CHARACTERS]


def _days_left(info: dict[str, Any]) -> int | None:
    """Whole days until the certificate expires, negative once it has."""
    try:
        expires = datetime.fromtimestamp(ssl.cert_time_to_seconds(info["notAfter"]), UTC)
    except (KeyError, ValueError, OverflowError):
        return None
    return (expires - datetime.now(UTC)).days
