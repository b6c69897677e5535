"""Machines: network namespaces on one switch, each with an address of its own.

Only namespaces that are made here are touched, and all of them are taken away again; the switch
lives in one of them, so that the machine's own network sees nothing.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NETWORK = "10.99.7"
ROOT = Path(__file__).parents[2]


class Machine:
    def __init__(self, name: str, switch: str, port: str, address: str) -> None:
        self.name, self.address = name, address
        self._switch, self._port = switch, port
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(
        self, command: Sequence[object], log: Path, **environment: str
    ) -> subprocess.Popen[bytes]:
        """Run a program here; nsenter becomes the program, so its pid is the program's."""
        with log.open("ab") as out:
            process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.name}", *map(str, command)],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._processes.append(process)
        return process

    def run(self, *command: object) -> str:
        """Run a program here to its end; what it printed."""
        return subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.name}", *map(str, command)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
            timeout=100,
        ).stdout

    def pull_the_plug(self) -> None:
        """Nothing goes in or out, and nobody is told: no reset, no error, silence."""
        _ip("-n", self._switch, "link", "set", self._port, "down")

    def plug_in(self) -> None:
        _ip("-n", self._switch, "link", "set", self._port, "up")

    def kill_everything(self) -> None:
        """What a power cut does to the programs: no drain, no last line to a server."""
        for pid in self._pids():
            os.kill(pid, 9)
        for process in self._processes:
            process.wait(100)

    def _pids(self) -> list[int]:
        # The pids of this namespace: programs started here and what they have started.
        return [int(pid) for pid in _ip("netns", "pids", self.name).split()]


@contextmanager
def machines(*names: str) -> Iterator[list[Machine]]:
    prefix = f"mailvouch-{os.getpid()}"
    switch = f"{prefix}-switch"
    made: list[Machine] = []
    _ip("netns", "add", switch)
    try:
        _ip("-n", switch, "link", "add", "switch", "type", "bridge")
        _ip("-n", switch, "link", "set", "switch", "up")
        for number, name in enumerate(names, start=1):
            made.append(Machine(f"{prefix}-{name}", switch, f"port{number}", f"{NETWORK}.{number}"))
            _connect(made[-1].name, switch, f"port{number}", made[-1].address)
        yield made
    finally:
        for machine in made:
            machine.kill_everything()
            _ip("netns", "delete", machine.name)
        _ip("netns", "delete", switch)


def _connect(name: str, switch: str, port: str, address: str) -> None:
    _ip("netns", "add", name)
    _ip("-n", switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
    _ip("-n", switch, "link", "set", port, "master", "switch", "up")
    _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
    for device in ("lo", "eth0"):
        _ip("-n", name, "link", "set", device, "up")


def _ip(*words: str) -> str:
    return subprocess.run(
        ["ip", *words], check=True, capture_output=True, text=True, timeout=20
    ).stdout
