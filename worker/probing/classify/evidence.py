"""What decided a verdict, as the report shows it: codes and the name of a rule, never a word said.

A server chooses what it sends, and may echo a credential where a code belongs. So only what has the
form of a code, or is one of the few that servers are known to send, is passed on.
"""

from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from producer.contract.report import Evidence, PhaseName
from worker.probing.classify.spelling import MAX_CHARACTERS
from worker.probing.classify.status import TABLES
from worker.probing.classify.verdict import Verdict
from worker.probing.classify.wording import comparable
from worker.probing.target import Protocol, Refusal

_CONDITIONS: Final = frozenset({"NO", "BAD", "BYE"})
KNOWN_RESPONSE_CODES: Final = frozenset(
    {
        *(key[1:-1] for table in TABLES.values() for key in table if key.startswith("[")),
        *("ALERT", "CAPABILITY", "UNKNOWN-CTE", "TOOBIG", "BADCHARSET", "NOTIFICATIONOVERFLOW"),
    }
)
"""RFC 3501, 5530 and 9051; the rest of what may stand there is the server's to choose."""


def evidence(verdict: Verdict, phase: PhaseName | None, refusal: Refusal | None) -> Evidence:
    """Say what decided `verdict`; `phase` is the last one begun."""
    if refusal is None:
        return Evidence(phase=phase, rule=verdict.rule)
    detail = (refusal.detail or "").split(" ", 1)[0].upper()
    smtp = refusal.protocol is Protocol.SMTP
    return Evidence(
        phase=refusal.phase,
        reply=_reply(refusal.condition.upper()),
        enhanced_code=detail if smtp and _is_enhanced(detail) else None,
        response_code=detail if not smtp and detail in KNOWN_RESPONSE_CODES else None,
        rule=verdict.rule,
    )


def _reply(condition: str) -> str | None:
    is_code = len(condition) == 3 and condition.isascii() and condition.isdecimal()
    return condition if is_code or condition in _CONDITIONS else None


def _is_enhanced(detail: str) -> bool:
    """Tell whether this is a code of RFC 3463: class 2, 4 or 5, two numbers of up to 3 digits."""
    parts = detail.split(".")
    return (
        len(parts) == 3
        and parts[0] in ("2", "4", "5")
        and all(one.isascii() and one.isdecimal() and len(one) <= 3 for one in parts[1:])
    )


def address_named(text: str) -> str | None:
    """Find the network address that a server names: the one of ours that it sees, as a rule.

    Only what is an IP address and nothing else is passed on, in its usual spelling.
    """
    for word in text[:MAX_CHARACTERS].split():
        candidate = word.strip("[](){}<>\"'.,;:").removeprefix("IPv6:")
        if "." in candidate or ":" in candidate:
            with suppress(ValueError):
                return str(ip_address(candidate))
    return None


def fingerprint(protocol: Protocol, scrubbed: str, own_words: Iterable[str]) -> str:
    """Name an unclassified reply the same for every host, user and id that it may hold.

    `scrubbed`: the reply without any part of a credential, from which nothing can be guessed back.
    """
    words = comparable(scrubbed, own_words, links=False)
    return sha256(f"{protocol} {' '.join(words)}".encode(errors="replace")).hexdigest()[:12]
