"""Who may be dialled. The tenant names a host; the operator's network must not be its toy.

Everything that the policy forbids gets one answer, in text and in time: a port, a name or an
address that is refused cannot be told from another, so nothing inside can be mapped from outside.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import idna

from producer.contract.codes import Code
from worker.probing.errors import TargetFault
from worker.probing.wire.addresses import (
    Address,
    Network,
    as_address,
    embedded,
    is_public,
    unwrap,
)

MAX_HOST_CHARACTERS: Final = 253
MAX_ADDRESSES: Final = 16

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)\Z")
_NUMBER: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\Z")
"""A last label such as these makes resolvers read the name as an IPv4 address (WHATWG URL, 3.5)."""

_SPECIAL_NAMES: Final = (
    *("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home"),
    *("lan", "home.arpa", "onion", "invalid"),
)
"""RFC 6761, 6762, 7686, 8375, and what private zones are usually called."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host whose syntax is sound. `literal` where it is an address and needs no DNS."""

    name: str
    literal: Address | None = None


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """`allow_networks`: dialled although not public. `allow_ports`: the only ones dialled.

    An opened IPv6 network opens no IPv4 one: what stands embedded in an address of NAT64, 6to4,
    Teredo or ISATAP has to be public, or opened itself. A prefix of an operator's own NAT64 cannot
    be told from other networks: who opens such a one opens what lies behind it.
    """

    allow_networks: Sequence[Network]
    allow_ports: Sequence[range]

    def read_host(self, host: str) -> Host:
        """The host in its canonical form: A-labels, lower case, no trailing dot.

        Raises TargetFault INVALID_FIELD. Looks at nothing but the text.
        """
        bracketed = host.startswith("[") and host.endswith("]")
        literal = as_address(host[1:-1] if bracketed else host)
        if literal is not None:
            return Host(str(literal), literal)
        return Host(_name(host))

    def require_port(self, port: int) -> None:
        """Raise TargetFault TARGET_NOT_ALLOWED unless the port is on the list."""
        if not any(port in ports for ports in self.allow_ports):
            raise not_allowed()

    def judge(self, host: Host, addresses: Iterable[Address]) -> tuple[Address, ...]:
        """The addresses to dial, unwrapped. Raises TargetFault TARGET_NOT_ALLOWED.

        One bad address spoils the target: mixed answers are how DNS rebinding looks.
        """
        judged = tuple(dict.fromkeys(map(unwrap, addresses)))
        special = is_special(host)
        if not all(self._opted_in(one) or (is_public(one) and not special) for one in judged):
            raise not_allowed()
        return judged[:MAX_ADDRESSES]

    def _opted_in(self, address: Address) -> bool:
        scoped = isinstance(address, IPv6Address) and address.scope_id is not None
        if scoped:
            return False
        return any(
            address in network
            and all(self._is_allowed(inner) for inner in embedded(address, network.prefixlen))
            for network in self.allow_networks
        )

    def _is_allowed(self, address: IPv4Address) -> bool:
        return is_public(address) or any(address in network for network in self.allow_networks)


def not_allowed() -> TargetFault:
    """The one answer."""
    return TargetFault(Code.TARGET_NOT_ALLOWED, "this host and port may not be connected to")


def is_special(host: Host) -> bool:
    """Tell whether the name is one of a private zone, wherever it may point."""
    if host.literal is not None:
        return False
    return "." not in host.name or f".{host.name}".endswith(
        tuple(f".{special}" for special in _SPECIAL_NAMES)
    )


def _name(host: str) -> str:
    name = (host.lower() if host.isascii() else _to_ascii(host)).removesuffix(".")
    labels = name.split(".")
    if len(name) > MAX_HOST_CHARACTERS or not all(map(_LABEL.match, labels)):
        raise TargetFault(Code.INVALID_FIELD, "this is not a host name", hint="host")
    if _NUMBER.match(labels[-1]):
        raise TargetFault(Code.INVALID_FIELD, "this is not a host name or an address", hint="host")
    return name


def _to_ascii(host: str) -> str:
    """A-labels by UTS 46; Python's own "idna" codec turns faß.de into fass.de, another's name."""
    try:
        return idna.encode(host, uts46=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""
