"""Which addresses may be dialled: those of the public internet, by our own table.

`ipaddress.is_global` is no such table: depending on the Python version it lets cloud metadata
services, multicast, and IPv4 addresses wrapped in IPv6 pass.

The table is the one source: `deploy/refused_ranges.py` writes it into the NetworkPolicy and the
systemd unit, which refuse the same ranges a second time.
"""

from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

REFUSED_V4: Final = {
    IPv4Network("0.0.0.0/8"): "this host",
    IPv4Network("10.0.0.0/8"): "private",
    IPv4Network("100.64.0.0/10"): "carrier NAT; 100.100.100.200 is Alibaba's metadata service",
    IPv4Network("127.0.0.0/8"): "loopback",
    IPv4Network("168.63.129.16/32"): "Azure's host services, in public address space",
    IPv4Network("169.254.0.0/16"): "link-local; 169.254.169.254 is most clouds' metadata service",
    IPv4Network("172.16.0.0/12"): "private",
    IPv4Network("192.0.0.0/24"): "protocol assignments; 192.0.0.192 is Oracle's metadata service",
    IPv4Network("192.0.2.0/24"): "documentation",
    IPv4Network("192.31.196.0/24"): "AS112",
    IPv4Network("192.52.193.0/24"): "AMT",
    IPv4Network("192.88.99.0/24"): "6to4 relays",
    IPv4Network("192.168.0.0/16"): "private",
    IPv4Network("192.175.48.0/24"): "AS112",
    IPv4Network("198.18.0.0/15"): "benchmarks",
    IPv4Network("198.51.100.0/24"): "documentation",
    IPv4Network("203.0.113.0/24"): "documentation",
    IPv4Network("224.0.0.0/4"): "multicast",
    IPv4Network("240.0.0.0/4"): "reserved, broadcast",
}
"""IANA's IPv4 special-purpose registry (RFC 6890), and what clouds put into public space."""

GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All that is allocated for the internet: mapped, NAT64, ULA, link-local, site-local, multicast
and the rest fall away by themselves."""

REFUSED_V6: Final = {
    IPv6Network("2001::/23"): "Teredo, ORCHID, benchmarks: IPv4 in disguise or no host at all",
    IPv6Network("2001:db8::/32"): "documentation",
    IPv6Network("2002::/16"): "6to4: IPv4 in disguise",
    IPv6Network("2620:4f:8000::/48"): "AS112",
    IPv6Network("3fff::/20"): "documentation",
}
"""Within GLOBAL_V6: IANA's IPv6 special-purpose registry (RFC 6890)."""

_TEREDO: Final = IPv6Network("2001::/32")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
_LOCAL_NAT64: Final = IPv6Network("64:ff9b:1::/48")
_ENDING_IN_V4: Final = (
    *IPv6Network("::/96").address_exclude(IPv6Network("::/127")),  # compatible; not :: and ::1
    IPv6Network("::ffff:0:0:0/96"),  # translated (RFC 2765)
    IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
)

_NAT64_OCTETS: Final = {
    48: (6, 7, 9, 10),
    56: (7, 9, 10, 11),
    64: (9, 10, 11, 12),
    96: (12, 13, 14, 15),
}
"""Length of a NAT64 prefix -> where the IPv4 address stands behind it (RFC 6052 section 2.2)."""

_ISATAP: Final = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")
"""How an interface identifier begins that ends in an IPv4 address (RFC 5214 section 6.1)."""


def unwrap(address: Address) -> Address:
    """The IPv4 address that the kernel dials where `address` is an IPv4-mapped one."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """Tell whether `address`, unwrapped, belongs to the public internet."""
    if isinstance(address, IPv4Address):
        return not _inside(address, REFUSED_V4)
    if address.scope_id is not None:
        return False
    return address in GLOBAL_V6 and not _inside(address, REFUSED_V6)


def embedded(address: Address, prefix_length: int) -> frozenset[IPv4Address]:
    """The IPv4 addresses that a translator or tunnel on the way may make of an IPv6 one.

    `prefix_length`: of the network that an operator opened and that `address` is in. It tells how
    long the prefix of a NAT64 there is; one that is none of RFC 6052's stands for any of them.
    """
    if isinstance(address, IPv4Address):
        return frozenset()
    return frozenset(_embedded(address, prefix_length))


def _embedded(address: IPv6Address, prefix_length: int) -> Iterator[IPv4Address]:
    octets = address.packed
    if address in _SIX_TO_FOUR:
        yield IPv4Address(octets[2:6])
    elif address in _TEREDO:
        yield IPv4Address(octets[4:8])  # the server
        yield IPv4Address(bytes(octet ^ 0xFF for octet in octets[12:]))  # the client
    elif address in _LOCAL_NAT64:
        lengths = [prefix_length] if prefix_length in _NAT64_OCTETS else [*_NAT64_OCTETS]
        for length in lengths:
            yield IPv4Address(bytes(octets[place] for place in _NAT64_OCTETS[length]))
    elif _inside(address, _ENDING_IN_V4) or octets[8:12] in _ISATAP:
        yield IPv4Address(octets[12:])


def network_around(address: Address, prefix_length: int) -> Network:
    """The network of that size that `address` is in."""
    return ip_network((address.packed, prefix_length), strict=False)


def _inside(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def as_address(host: str) -> Address | None:
    """The address that `host` is a literal of, in its one canonical spelling; None for a name."""
    try:
        return unwrap(ip_address(host))
    except ValueError:
        return None
