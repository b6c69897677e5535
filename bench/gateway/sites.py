"""A gateway beside the Redis and the worker that a measurement wants."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from bench.contenders import REPOSITORY
from bench.machine import Program, wait_until
from tests.support.ports import free_port
from tests.support.redis_process import RedisProcess, redis_process
from tests.support.threads import beside
from tests.support.worker_process import running_worker, worker_environment

PATH: Final = "/communications/dealers/bench/email-credentials/test"
CONNECTIONS: Final = 100
UNLIMITED: Final = {
    "GATEWAY_REQUESTS_PER_MINUTE": "0",
    "HOST_CONCURRENCY": "0",
    "LOGIN_FAILURE_LIMIT": "0",
    "LOG_LEVEL": "WARNING",
}

Body = dict[str, Any]


class Site:
    """A gateway beside a Redis that runs; `authorization` is a subscriber's."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self.redis_url = environment["MAILVOUCH_REDIS_URL"]
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        added = subprocess.run(
            [sys.executable, "-m", "producer.cli", "subscribers", "add", "bench", "--json"],
            env=environment,
            cwd=folder,
            check=True,
            capture_output=True,
        )
        password = json.loads(added.stdout)["password"]
        encoded = base64.b64encode(f"bench:{password}".encode()).decode()
        self.authorization = f"Basic {encoded}"
        command = [sys.executable, "-m", "producer.cli", "gateway", "--port", str(self.port)]
        self.program = Program(command, environment, folder)
        wait_until(self._ready, "the gateway")

    def load(self, bodies: Sequence[Body]) -> float:
        """Requests a second, each body once; an answer must be a 200."""
        return load(self._folder, self.port, PATH, self.authorization, bodies)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False


def load(folder: Path, port: int, path: str, authorization: str, bodies: Sequence[Body]) -> float:
    """Requests a second over CONNECTIONS that are kept, from a process of its own."""
    file = folder / "bodies"
    file.write_text("\n".join(map(json.dumps, bodies)))
    words = (str(port), str(CONNECTIONS), path, authorization, str(file))
    done = subprocess.run(
        [sys.executable, "-m", "bench.gateway.load", *words],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    return len(bodies) / float(done.stdout)


@contextmanager
def real_site(processes: int, **chosen: str) -> Iterator[Site]:
    """A worker of so many processes with its embedded Redis."""
    with tempfile.TemporaryDirectory(prefix="mv-") as name:
        folder = Path(name)
        environment = worker_environment(folder, PROCESSES=str(processes), **UNLIMITED, **chosen)
        with (
            running_worker(folder, environment) as worker,
            _site(folder, {**environment, "MAILVOUCH_REDIS_URL": worker.url}) as site,
        ):
            yield site


@contextmanager
def instant_site() -> Iterator[Site]:
    """A stand-in for the worker, which ends every job at once."""
    with _bare_redis() as (folder, server, environment):
        command = [sys.executable, "-m", "bench.gateway.instant_worker", server.url]
        with Program(command, environment, folder), _site(folder, environment) as site:
            yield site


@contextmanager
def silent_site() -> Iterator[Site]:
    """A worker that beats and takes nothing."""
    with (
        _bare_redis(GATEWAY_WAIT_SECONDS="600") as (folder, server, environment),
        _beating(server),
        _site(folder, environment) as site,
    ):
        yield site


@contextmanager
def hello(folder: Path) -> Iterator[int]:
    """Run hello.py; give its port."""
    port = free_port()
    command = [sys.executable, "-m", "bench.gateway.hello", str(port)]
    with Program(command, {**os.environ, "PYTHONPATH": str(REPOSITORY)}, folder):
        wait_until(lambda: _listens(port), "hello")
        yield port


@contextmanager
def _site(folder: Path, environment: dict[str, str]) -> Iterator[Site]:
    site = Site(folder, environment)
    try:
        yield site
    finally:
        site.program.stop()


@contextmanager
def _bare_redis(**chosen: str) -> Iterator[tuple[Path, RedisProcess, dict[str, str]]]:
    with tempfile.TemporaryDirectory(prefix="mv-") as name:
        folder = Path(name)
        with redis_process(folder) as server:
            environment = worker_environment(folder, REDIS_URL=server.url, **UNLIMITED, **chosen)
            yield folder, server, environment


def _beating(server: RedisProcess) -> AbstractContextManager[None]:
    """A heartbeat every two seconds; one that is far ahead counts for nobody."""

    def beat(ended: threading.Event) -> None:
        with server.client() as client:
            while not ended.is_set():
                client.zadd("mailvouch:__heartbeats__", {"silent": time.time() * 1000})
                ended.wait(2)

    return beside(beat)


def _listens(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/")
    except httpx.TransportError:
        return False
    return True
