"""pymap, an IMAP server in Python, with one account in memory."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.peers import (
    PASSWORD,
    USER,
    Peer,
    directory,
    running,
    write_certificate,
)
from tests.support.ports import free_ports


@contextmanager
def pymap() -> Iterator[Peer]:
    ports = free_ports("imap")
    with directory() as path:
        chain, key = write_certificate(path)
        command = [
            sys.executable,
            "-c",
            "from pymap.main import main; main()",
            "--host",
            "127.0.0.1",
        ]
        command += ["--port", str(ports["imap"]), "--cert", str(chain), "--key", str(key)]
        command += ["--no-service", "admin", "--no-service", "managesieve"]
        command += ["dict", "--demo-data", "--demo-user", USER, "--demo-password", PASSWORD]
        log_file = path / "pymap.log"
        peer = Peer(path, ports, log_file.with_suffix(".output"))
        with running(command, ports, log_file):
            yield peer
