"""The farm, and one contender at a time with a Redis of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.contenders import REPOSITORY, Contender, environment
from bench.farm import password_of
from bench.machine import Program, wait_until
from tests.support.redis_process import RedisProcess, redis_process

PATIENCE_SECONDS = 120
WARM_UP_JOBS = 200

Job = dict[str, Any]


class Farm:
    """The mail servers: a process of their own. `name` is where clients find them."""

    def __init__(self, directory: Path, address: str = "127.0.0.1", name: str = "") -> None:
        self._directory = directory
        self._name = name or address
        self._program = Program(
            [sys.executable, "-m", "bench.farm", str(directory), address, self._name],
            {**os.environ, "PYTHONPATH": str(REPOSITORY)},
            directory,
        )
        described = directory / "farm.json"
        wait_until(described.exists, "the farm")
        content = json.loads(described.read_text())
        self.ports: dict[str, int] = content["ports"]
        self.ca_file: str = content["ca_file"]
        self.pid = self._program.pid

    def jobs(
        self, count: int, security: str = "implicit", delay_ms: int = 0, first: int = 0
    ) -> list[Job]:
        """Both accounts of one user a job; no user twice: their logins would take turns."""
        return [
            {
                protocol: {
                    "host": self._name,
                    "port": self.ports[f"{protocol}/{security}/{delay_ms}"],
                    "security": security,
                    "user": user,
                    "password": password_of(user.encode()).decode(),
                }
                for protocol in ("smtp", "imap")
            }
            for user in (f"user{number:06d}@example.test" for number in range(first, first + count))
        ]

    def counters(self) -> dict[str, int]:
        """What was counted since the last call."""
        file = self._directory / "counters.json"
        file.unlink(missing_ok=True)
        os.kill(self.pid, signal.SIGUSR1)
        wait_until(file.exists, "the farm's counters")
        counted: dict[str, int] = json.loads(file.read_text())
        return counted

    def stop(self) -> None:
        self._program.stop()


@contextlib.contextmanager
def running_farm(address: str = "127.0.0.1", name: str = "") -> Iterator[Farm]:
    with tempfile.TemporaryDirectory(prefix="bench-farm-") as directory:
        farm = Farm(Path(directory), address, name)
        try:
            yield farm
        finally:
            farm.stop()


class Session:
    """A contender's worker process and its client, on a Redis that nobody else uses."""

    def __init__(
        self, contender: Contender, server: RedisProcess, ca_file: str, concurrency: int
    ) -> None:
        assert server.process is not None
        self._contender = contender
        self._directory = server.directory
        self.redis_url = server.url
        self.redis = server.client()
        self.redis_pid = server.process.pid
        surroundings = environment(server.url, ca_file, concurrency)
        self._client = subprocess.Popen(
            contender.client,
            env=surroundings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.worker = Program(contender.worker_command(concurrency), surroundings, server.directory)
        self._hear()

    def order(self, do: str, jobs: list[Job], **more: Any) -> Any:
        file = self._directory / "jobs.json"
        file.write_text(json.dumps(jobs))
        assert self._client.stdin is not None
        self._client.stdin.write(json.dumps({"do": do, "jobs": str(file), **more}) + "\n")
        self._client.stdin.flush()
        return self._hear()

    def submit(self, jobs: list[Job]) -> None:
        if self.order("bulk", jobs) is None:
            self.order("submit", jobs)

    def warm_up(self, farm: Farm) -> None:
        self.submit(farm.jobs(WARM_UP_JOBS))
        self.finish()

    def finish(self) -> None:
        """Wait until no job is left."""
        try:
            wait_until(lambda: not self._contender.left(self.redis), "all jobs", PATIENCE_SECONDS)
        except TimeoutError:
            print(self.worker.tail())
            raise

    def _hear(self) -> Any:
        assert self._client.stdout is not None
        line = self._client.stdout.readline()
        if not line:
            raise RuntimeError(f"the client of {self._contender.name} has ended")
        return json.loads(line)

    def stop(self) -> None:
        assert self._client.stdin is not None
        self._client.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._client.wait(5)
        self._client.kill()
        self._client.wait()
        assert self._client.stdout is not None
        self._client.stdout.close()
        self.worker.stop()
        self.redis.close()


@contextlib.contextmanager
def session(contender: Contender, farm: Farm, concurrency: int) -> Iterator[Session]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as name,
        # As fast for everybody as Redis can be: what is measured is not its disk.
        redis_process(Path(name), "--appendonly", "no") as server,
    ):
        running = Session(contender, server, farm.ca_file, concurrency)
        try:
            yield running
        finally:
            running.stop()
