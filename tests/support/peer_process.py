"""Which process of this machine has the other end of a TCP connection on loopback."""

from contextlib import suppress
from pathlib import Path


def process_at(port: int) -> int | None:
    """The process whose connection has this local port; None: it is gone."""
    socket = _socket_at(port)
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if str(descriptor.readlink()) == socket:
                return int(descriptor.parts[2])
    return None


def _socket_at(port: int) -> str:
    """How the socket with this port is named among a process' files; see proc(5), /proc/net/tcp."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[1].partition(":")[2], 16) == port:
            return f"socket:[{words[9]}]"
    return ""
