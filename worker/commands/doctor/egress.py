"""The way out to a mail server: DNS, our own policy, the five ports. Connects, and says nothing."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

from worker.commands.doctor.check import Check, fail, ok, warn
from worker.probing.errors import TargetFault
from worker.probing.ports import STANDARD_PORT
from worker.probing.wire.addresses import Address
from worker.probing.wire.egress import EgressPolicy
from worker.probing.wire.host import read_host
from worker.settings import Settings

MAIL_PORTS: Final = sorted(set(STANDARD_PORT.values()))
CONNECT_SECONDS: Final = 8.0


def check_egress(settings: Settings, host: str | None) -> Iterator[Check]:
    """Every check of one host; without a host there is nothing to try."""
    if host is None:
        yield warn("egress", "not tried", "doctor --host smtp.example.com tries DNS and all ports")
        return
    try:
        addresses = _addresses(host)
    except (OSError, UnicodeError) as error:
        yield fail("dns", f"{host}: {error}", "check the name, /etc/resolv.conf, and port 53")
        return
    yield ok("dns", f"{host} is {', '.join(map(str, addresses))}")
    yield _check_policy(settings, host, addresses)
    with ThreadPoolExecutor(len(MAIL_PORTS)) as pool:
        yield from pool.map(lambda port: _check_port(host, port), MAIL_PORTS)


def _addresses(host: str) -> list[Address]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return sorted({ip_address(str(entry[4][0])) for entry in found}, key=str)


def _check_policy(settings: Settings, host: str, addresses: list[Address]) -> Check:
    policy = EgressPolicy(settings.allow_networks, settings.allow_ports)
    try:
        policy.judge(read_host(host), addresses)
    except TargetFault as fault:
        return fail(
            "egress policy",
            f"probes of {host} are refused: {fault.code}, for {fault.note or fault.detail}",
            "only public addresses are probed; exceptions: MAILVOUCH_ALLOW_NETWORKS",
        )
    return ok("egress policy", f"{host} may be probed")


def _check_port(host: str, port: int) -> Check:
    name = f"port {port}"
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except ConnectionRefusedError:
        return ok(name, f"{host} answers and serves nothing there; the way is free")
    except TimeoutError:
        return warn(
            name,
            f"no answer in {CONNECT_SECONDS:.0f} s",
            f"if {host} is known to serve {port}: a firewall, or the provider, blocks the way out",
        )
    except OSError as error:
        return fail(name, error.strerror or str(error), "check routes and the firewall")
    return ok(name, "open")
