"""Real mail servers as peers, each with its files in a directory of its own, all on loopback.

aiosmtpd and pymap come with the test requirements. Dovecot and Postfix are Debian's packages
(`.ci/install-mail-servers`); where they are missing, `missing()` says so.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support import certificates

USER = "tim@mail.test"
PASSWORD = 'pa55 w"rd\\,=1'
"""A blank, a quote, a backslash, a comma and an equals sign: whatever a mechanism must escape."""
OTHER_USER = "jürgen@mail.test"
OTHER_PASSWORD = " Straße 1 "
VICTIMS = tuple(f"victim{number}@mail.test" for number in range(20))
"""One for each test that looks for its own login in a server's log."""
ACCOUNTS = {USER: PASSWORD, OTHER_USER: OTHER_PASSWORD} | dict.fromkeys(VICTIMS, PASSWORD)

DOVECOT = Path("/usr/sbin/dovecot")
DOVECOT_SUBMISSION = Path("/usr/lib/dovecot/submission-login")
POSTFIX_MASTER = Path("/usr/lib/postfix/sbin/master")

_START_SECONDS = 20
_STOP_SECONDS = 10


@dataclass(slots=True)
class Peer:
    """A server that runs. `ports` by what they speak: `imap`, `imaps`, `submission`, ..."""

    directory: Path
    ports: dict[str, int]
    log_file: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def log(self) -> str:
        return self.log_file.read_text("utf-8", "replace") if self.log_file.exists() else ""


def missing(*programs: Path) -> str:
    """Why the servers cannot be started; "" if they can."""
    if os.geteuid() != 0:
        return "the mail servers start as root only"
    absent = [program.name for program in programs if not program.exists()]
    return f"not installed: {', '.join(absent)} (.ci/install-mail-servers)" if absent else ""


@contextmanager
def directory() -> Iterator[Path]:
    """A directory that the servers' own users can get into (pytest's cannot)."""
    path = Path(tempfile.mkdtemp(prefix="mailvouch-"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def write_certificate(path: Path) -> tuple[Path, Path]:
    """Write chain and key for `certificates.NAME`, by the authority that the tests trust."""
    leaf = certificates.authority().issue_cert(certificates.NAME, "localhost", "127.0.0.1")
    chain, key = path / "chain.pem", path / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    key.write_bytes(leaf.private_key_pem.bytes())
    key.chmod(0o600)
    return chain, key


@contextmanager
def running(command: Sequence[str], ports: dict[str, int], log_file: Path) -> Iterator[int]:
    """Run a server in the foreground until its ports answer; stop it by its pid."""
    with log_file.with_suffix(".output").open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_for(process, ports, log_file)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], ports: dict[str, int], log_file: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    for port in ports.values():
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                output = log_file.with_suffix(".output").read_text("utf-8", "replace")
                log = log_file.read_text("utf-8", "replace") if log_file.exists() else ""
                raise RuntimeError(f"{process.args} did not start:\n{output}\n{log}")
            time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


async def mismatches(dovecot: Peer, user: str) -> int:
    """How many wrong passwords Dovecot's log has for `user`, once there was time to write them."""

    def count() -> int:
        lines = dovecot.log().splitlines()
        return sum(f"({user},127.0.0.1" in line and "mismatch" in line for line in lines)

    for _ in range(100):
        if count():
            break
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)  # for one too many to show
    return count()
