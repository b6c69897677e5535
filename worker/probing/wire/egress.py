"""Who may be dialled: a tenant names the host, which must not be one of the operator's network.

Everything that the policy forbids gets one answer, in text and in time: a port, a name or an
address that is refused cannot be told from another, so nothing inside can be mapped from outside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from producer.contract.codes import Code
from worker.probing.errors import TargetFault
from worker.probing.wire.addresses import (
    Address,
    Network,
    embedded,
    is_public,
    unwrap,
)
from worker.probing.wire.host import Host

MAX_ADDRESSES: Final = 16

_SPECIAL_NAMES: Final = (
    *("localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home"),
    *("lan", "home.arpa", "onion"),
)
"""RFC 6761, 6762, 7686, 8375, and what private zones are usually called; `invalid` is none."""


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """`allow_networks`: dialled although not public. `allow_ports`: the only ones dialled.

    An opened IPv6 network opens no IPv4 one: what stands embedded in an address of NAT64, 6to4,
    Teredo or ISATAP has to be public, or opened itself. A prefix of an operator's own NAT64 cannot
    be told from other networks: an operator who opens one opens what lies behind it.
    """

    allow_networks: Sequence[Network]
    allow_ports: Sequence[range]

    def require_port(self, port: int) -> None:
        """Raise TargetFault TARGET_NOT_ALLOWED unless the port is on the list."""
        if not any(port in ports for ports in self.allow_ports):
            raise not_allowed(f"port {port} is not among MAILVOUCH_ALLOW_PORTS")

    def judge(self, host: Host, addresses: Iterable[Address]) -> tuple[Address, ...]:
        """The addresses to dial, unwrapped. Raises TargetFault TARGET_NOT_ALLOWED.

        One bad address spoils the target: mixed answers are how DNS rebinding looks.
        """
        judged = tuple(dict.fromkeys(map(unwrap, addresses)))
        special = is_special(host)
        for one in judged:
            if self._opted_in(one):
                continue
            if special:
                raise not_allowed(special_name(host))
            if not is_public(one):
                rule = f"{one} is no public address, nor in MAILVOUCH_ALLOW_NETWORKS"
                raise not_allowed(rule)
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


def not_allowed(rule: str) -> TargetFault:
    """The one answer. `rule` and its setting are for the operator alone."""
    detail = "this host and port may not be connected to"
    return TargetFault(Code.TARGET_NOT_ALLOWED, detail, note=rule)


def special_name(host: Host) -> str:
    """The rule against a name of a private zone."""
    return f"{host.name} is a private name, and no address of it is in MAILVOUCH_ALLOW_NETWORKS"


def is_special(host: Host) -> bool:
    """Tell whether the name is one of a private zone, wherever it may point."""
    if host.literal is not None:
        return False
    return "." not in host.name or f".{host.name}".endswith(
        tuple(f".{special}" for special in _SPECIAL_NAMES)
    )
