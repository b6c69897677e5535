"""Ports and addresses that nobody else uses, though other test runs go on beside this one."""

import random
import socket
from contextlib import suppress

_PORTS = range(20000, 32000)
"""Below those that a system gives to clients: nobody's connection happens to have one of these."""

_chance = random.SystemRandom()
"""Not the usual generator: hypothesis seeds it, and two runs would choose alike."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port at which nothing listens."""
    while True:
        port = _chance.choice(_PORTS)
        with socket.socket() as trial, suppress(OSError):
            trial.bind((host, port))
            return port


def free_ports(*names: str) -> dict[str, int]:
    """One for each name, no two alike."""
    ports: set[int] = set()
    while len(ports) < len(names):
        ports.add(free_port())
    return dict(zip(names, ports, strict=True))


def own_address() -> str:
    """An address of loopback, for a server that must have a standard port, such as 465."""
    return f"127.{_chance.randint(16, 254)}.{_chance.randint(0, 254)}.{_chance.randint(1, 254)}"
