"""Which addresses may be dialled: those of the public internet, by our own table.

`ipaddress.is_global` is no such table: depending on the Python version it lets cloud metadata
services, multicast, and IPv4 addresses wrapped in IPv6 pass.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_FORBIDDEN_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier NAT; 100.100.100.200 is Alibaba's metadata service
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local; 169.254.169.254 is the metadata service of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is Oracle's metadata service
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "168.63.129.16/32",  # Azure's host services, in public address space
    )
)

_GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All that is allocated for the internet: mapped, NAT64, ULA, link-local, site-local, multicast
and the rest fall away by themselves."""

_FORBIDDEN_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # Teredo, ORCHID, benchmarks: IPv4 in disguise or no host at all
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: IPv4 in disguise
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


def unwrap(address: Address) -> Address:
    """The IPv4 address that the kernel dials where `address` is an IPv4-mapped one."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """Tell whether `address`, unwrapped, belongs to the public internet."""
    if isinstance(address, IPv4Address):
        return not _inside(address, _FORBIDDEN_V4)
    if address.scope_id is not None:
        return False
    return address in _GLOBAL_V6 and not _inside(address, _FORBIDDEN_V6)


def _inside(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def as_address(host: str) -> Address | None:
    """The address that `host` is a literal of, in its one canonical spelling; None for a name."""
    try:
        return unwrap(ip_address(host))
    except ValueError:
        return None
