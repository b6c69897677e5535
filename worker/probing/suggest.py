"""Settings that would work, seen from outside: a greeting at most, never a login.

Two questions. After a port that did not answer, or not in the mode asked for: do its siblings? And
without a host: where does the mail of this domain live? Both end in a suggestion for a person;
nothing here ever switches to it, and no credential comes near this module.
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security, Suggestion
from worker.probing.classify.providers import Provider, Providers
from worker.probing.errors import NetworkFault, ProbeFault
from worker.probing.ports import SPARE_SUBMISSION_PORT, STANDARD_PORT
from worker.probing.target import Protocol as MailProtocol
from worker.probing.target import Target
from worker.probing.wire.host import read_host
from worker.probing.wire.resolver import Resolver

LOOK_SECONDS: Final = 4.0
"""For all siblings together: a person waits, and what greets later is no good suggestion."""

MAX_CANDIDATES: Final = 4

SIBLINGS: Final[dict[MailProtocol, tuple[tuple[int, Security], ...]]] = {
    protocol: tuple(
        (STANDARD_PORT[protocol, security], security)
        for security in (Security.IMPLICIT_TLS, Security.STARTTLS)
    )
    for protocol in MailProtocol
}
SIBLINGS[MailProtocol.SMTP] += ((SPARE_SUBMISSION_PORT, Security.STARTTLS),)
"""The preferred one first (RFC 8314: implicit TLS before STARTTLS)."""

# RFC 6186 and, for _submissions, RFC 8314, section 5.1.
_SERVICES: Final[dict[MailProtocol, tuple[tuple[str, Security], ...]]] = {
    MailProtocol.SMTP: (
        ("_submissions._tcp", Security.IMPLICIT_TLS),
        ("_submission._tcp", Security.STARTTLS),
    ),
    MailProtocol.IMAP: (
        ("_imaps._tcp", Security.IMPLICIT_TLS),
        ("_imap._tcp", Security.STARTTLS),
    ),
}

_ALWAYS: Final = frozenset(
    {
        Code.CONNECTION_REFUSED,
        Code.CONNECTION_TIMED_OUT,
        Code.TLS_MODE_MISMATCH,
        Code.STARTTLS_NOT_OFFERED,
    }
)
_BEFORE_ANY_WORD: Final = frozenset({Code.DEADLINE_EXCEEDED, Code.CONNECTION_CLOSED})
_NO_WAY_OUT: Final = frozenset({Code.CONNECTION_TIMED_OUT, Code.NETWORK_UNREACHABLE})


class Look(Protocol):
    """The seam to the network: `once_per_job.LooksOfJob`."""

    def allows(self, port: int) -> bool:
        """Tell whether the policy lets the port be dialled."""

    async def greeted(self, protocol: MailProtocol, target: Target, seconds: float) -> None:
        """Connect and read the greeting. Raises ProbeFault unless it is one of the protocol."""


@dataclass(frozen=True, slots=True)
class SiblingScan:
    """`ports_blocked`: nothing answered anywhere, so the way out of our network seems shut."""

    suggestion: Suggestion | None = None
    ports_blocked: bool = False


def is_worth_a_look(code: Code, phase: PhaseName | None) -> bool:
    """Tell whether a failure is one that another port or mode may cure."""
    wordless = phase in (PhaseName.CONNECT, PhaseName.GREETING, PhaseName.TLS)
    return code in _ALWAYS or (code in _BEFORE_ANY_WORD and wordless)


async def look_at_siblings(
    protocol: MailProtocol, target: Target, code: Code, look: Look, *, seconds_left: float
) -> SiblingScan:
    """The preferred sibling of `target` that greets. `code` is what the target itself gave.

    All siblings are looked at side by side, within `LOOK_SECONDS` and what is left of the item's
    deadline. Raises nothing.
    """
    candidates = [
        Target(target.host, port, security)
        for port, security in SIBLINGS[protocol]
        if (port, security) != (target.port, target.security) and look.allows(port)
    ]
    seen = await _look_at(protocol, candidates, look, min(LOOK_SECONDS, seconds_left))
    found = next((one for one, fault in zip(candidates, seen, strict=True) if fault is None), None)
    elsewhere = [
        fault
        for one, fault in zip(candidates, seen, strict=True)
        if one.port != target.port and fault is not None
    ]
    blocked = (
        found is None
        and code in _NO_WAY_OUT
        and bool(elsewhere)
        and all(fault.code in _NO_WAY_OUT for fault in elsewhere)
    )
    return SiblingScan(_suggest(found), blocked)


async def discover(
    domain: str,
    protocol: MailProtocol,
    providers: Providers,
    look: Look,
    resolver: Resolver,
    *,
    seconds_left: float,
) -> Suggestion | None:
    """Where the mail of `domain` lives, if a server there greets; None if none was found.

    By the provider file, then the provider behind the domain's MX, then SRV. Raises nothing.
    """
    ends = time.monotonic() + seconds_left
    try:
        name = read_host(domain).name  # left to dnspython, faß.de would be fass.de, another's
        async with asyncio.timeout(min(LOOK_SECONDS, seconds_left)):
            candidates = await _candidates(name, protocol, providers, resolver)
    except (TimeoutError, ProbeFault):
        return None
    allowed = [one for one in candidates if look.allows(one.port)][:MAX_CANDIDATES]
    left = max(0.0, ends - time.monotonic())
    seen = await _look_at(protocol, allowed, look, min(LOOK_SECONDS, left))
    return _suggest(next((o for o, f in zip(allowed, seen, strict=True) if f is None), None))


async def _candidates(
    domain: str, protocol: MailProtocol, providers: Providers, resolver: Resolver
) -> list[Target]:
    known = providers.find("", domain=domain)
    if known and (targets := _servers(known, protocol, [])):
        return targets
    exchangers = list(await resolver.mx(domain))
    known = known or providers.find("", mx=exchangers)
    if known and (targets := _servers(known, protocol, exchangers)):
        return targets
    found = [
        Target(host, port, security)
        for service, security in _SERVICES[protocol]
        for _, _, port, host in await resolver.srv(f"{service}.{domain}")
    ]
    return [one for one in found if one.host not in ("", ".")]


def _servers(provider: Provider, protocol: MailProtocol, mx: Sequence[str]) -> list[Target]:
    hosts = ((server, _in_region(server.host, mx)) for server in provider.servers(protocol))
    return [Target(host, server.port, server.security) for server, host in hosts if host]


def _in_region(template: str, mx: Iterable[str]) -> str | None:
    """`imap.zoho.{region}` where an MX is `mx2.zoho.eu`; None where nothing tells the region."""
    if "{region}" not in template:
        return template
    before, _, after = template.partition("{region}")
    stem = f".{before.split('.', 1)[-1]}"
    for name in mx:
        _, found, region = name.lower().partition(stem)
        if found and region.endswith(after):
            return template.replace("{region}", region.removesuffix(after))
    return None


async def _look_at(
    protocol: MailProtocol, targets: Sequence[Target], look: Look, seconds: float
) -> list[ProbeFault | None]:
    """For each target None if it greeted, else why not; what is slower than `seconds` timed out."""
    return list(await asyncio.gather(*(_see(protocol, one, look, seconds) for one in targets)))


async def _see(
    protocol: MailProtocol, target: Target, look: Look, seconds: float
) -> ProbeFault | None:
    try:
        async with asyncio.timeout(seconds):
            await look.greeted(protocol, target, seconds)
    except TimeoutError:
        return NetworkFault(Code.CONNECTION_TIMED_OUT, "no greeting in time")
    except ProbeFault as fault:
        return fault
    return None


def _suggest(target: Target | None) -> Suggestion | None:
    if target is None:
        return None
    return Suggestion(host=target.host, port=target.port, security=target.security)
