"""`python -m bench.gateway`, about a minute: what the HTTP gateway takes, ratios of one run.

Everything shares the machine: the gateway, Redis, the workers, the client. Prints a table, and
writes gateway.md beside this package.
"""

import argparse
import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx

from bench.contenders import HERE
from bench.gateway.load import BODY, answer, request
from bench.machine import Program, wait_until
from bench.report import machine, spread, table
from producer.async_client import AsyncClient
from producer.client import credential_test
from tests.support.ports import free_port
from tests.support.redis_process import RedisProcess, redis_process
from tests.support.threads import beside
from tests.support.worker_process import running_worker, worker_environment

FILE: Final = HERE / "gateway.md"
PATH: Final = "/communications/dealers/bench/email-credentials/test"
ROOT: Final = Path(__file__).parents[2]

PAIRS: Final = 200
WAITERS: Final = 2000
CONNECTIONS: Final = 100
REQUESTS: Final = 1500
ROUNDS: Final = 3


class Site:
    """A gateway beside a Redis that runs; `authorization` is a subscriber's."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
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
        wait_until(self.ready, "the gateway")

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def megabytes(self) -> float:
        status = Path(f"/proc/{self.program.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.program.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def gateway(folder: Path, environment: dict[str, str]) -> Iterator[Site]:
    found = Site(folder, environment)
    try:
        yield found
    finally:
        found.program.stop()


@contextmanager
def site(processes: int) -> Iterator[tuple[Site, dict[str, str]]]:
    """A worker of so many processes with its embedded Redis, and a gateway."""
    with tempfile.TemporaryDirectory(prefix="mv-") as name:
        folder = Path(name)
        environment = worker_environment(
            folder,
            PROCESSES=str(processes),
            HOST_CONCURRENCY="0",
            LOGIN_FAILURE_LIMIT="0",
            GATEWAY_REQUESTS_PER_MINUTE="0",
            LOG_LEVEL="WARNING",
        )
        with running_worker(folder, environment) as worker, gateway(folder, environment) as found:
            yield found, {**environment, "MAILVOUCH_REDIS_URL": worker.url}


async def latencies(found: Site, redis_url: str) -> tuple[float, float]:
    """The median of a raw submit and wait, and of a request, in milliseconds, in turns."""
    octets = request(PATH, found.authorization)
    envelope = credential_test(json.loads(BODY), "bench")
    reader, writer = await asyncio.open_connection("127.0.0.1", found.port)
    raw, http = [], []
    async with AsyncClient(redis_url) as client:
        for _ in range(PAIRS):
            began = time.perf_counter()
            await client.wait(await client.submit(envelope), 30)
            raw.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            writer.write(octets)
            await answer(reader)
            http.append((time.perf_counter() - began) * 1000)
    writer.close()
    return median(raw), median(http)


def load(port: int, path: str, authorization: str) -> dict[str, Any]:
    words = (str(port), str(CONNECTIONS), str(REQUESTS), path, authorization)
    done = subprocess.run(
        [sys.executable, "-m", "bench.gateway.load", *words],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def direct(redis_url: str) -> float:
    """Jobs a second of the workers alone, submitted without the gateway."""
    envelope = credential_test(json.loads(BODY), "bench")
    async with AsyncClient(redis_url) as client:
        began = time.perf_counter()
        jobs = await client.submit_many(envelope for _ in range(REQUESTS))
        for job in reversed(jobs):
            if await client.fetch(job) is None:
                await client.wait(job, 120)
        return REQUESTS / (time.perf_counter() - began)


@contextmanager
def instant_site() -> Iterator[Site]:
    """A gateway whose jobs end at once: a Redis, and a stand-in for the worker."""
    with tempfile.TemporaryDirectory(prefix="mv-") as name, redis_process(Path(name)) as server:
        folder = Path(name)
        environment = worker_environment(
            folder, REDIS_URL=server.url, GATEWAY_REQUESTS_PER_MINUTE="0", LOG_LEVEL="WARNING"
        )
        command = [sys.executable, "-m", "bench.gateway.instant_worker", server.url]
        with Program(command, environment, folder), gateway(folder, environment) as found:
            yield found


@contextmanager
def hello() -> Iterator[int]:
    """Starlette's own hello."""
    port = free_port()
    command = [sys.executable, "-m", "bench.gateway.hello", str(port)]
    with Program(command, {**os.environ, "PYTHONPATH": str(ROOT)}, ROOT):
        wait_until(lambda: listens(port), "hello")
        yield port


def listens(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/")
    except httpx.TransportError:
        return False
    return True


async def waiting_megabytes(found: Site) -> tuple[float, float]:
    """Memory before and with many requests that wait: nobody answers."""
    octets = request(PATH, found.authorization)
    before = found.megabytes()
    writers = []
    for _ in range(WAITERS):
        _, writer = await asyncio.open_connection("127.0.0.1", found.port)
        writer.write(octets)
        writers.append(writer)
    async with httpx.AsyncClient(timeout=120) as client:
        waiting = f"mailvouch_gateway_waiting {WAITERS:.1f}"
        while waiting not in (await client.get(f"{found.url}/metrics")).text:
            pass
    with_waiters = found.megabytes()
    for writer in writers:
        writer.close()
    return before, with_waiters


@contextmanager
def silent_site() -> Iterator[Site]:
    """A gateway beside a worker that beats and takes nothing."""
    with tempfile.TemporaryDirectory(prefix="mv-") as name, redis_process(Path(name)) as server:
        folder = Path(name)
        environment = worker_environment(
            folder,
            REDIS_URL=server.url,
            GATEWAY_REQUESTS_PER_MINUTE="0",
            GATEWAY_WAIT_SECONDS="600",
            LOG_LEVEL="WARNING",
        )
        with beating(server), gateway(folder, environment) as found:
            yield found


def beating(server: RedisProcess) -> AbstractContextManager[None]:
    """A heartbeat every two seconds; one that is far ahead counts for nobody."""

    def beat(ended: threading.Event) -> None:
        with server.client() as client:
            while not ended.is_set():
                client.zadd("mailvouch:__heartbeats__", {"silent": time.time() * 1000})
                ended.wait(2)

    return beside(beat)


def rate(measured: dict[str, Any]) -> float:
    return REQUESTS / float(measured["seconds"])


def measure() -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    with site(1) as (found, environment):
        raw, http = asyncio.run(latencies(found, environment["MAILVOUCH_REDIS_URL"]))
    rows.append(("submit and wait, p50 ms: Redis client / HTTP", f"{raw:.1f} / {http:.1f}", ""))
    rows.append(("added by the gateway, p50 ms", f"{http - raw:.1f}", "5"))
    with silent_site() as found:
        before, after = asyncio.run(waiting_megabytes(found))
    rows.append((f"RSS idle / with {WAITERS} waiting, MB", f"{before:.0f} / {after:.0f}", "120"))
    rows.append(("for each of them, kB", f"{(after - before) * 1024 / WAITERS:.0f}", ""))
    bare, through, cpu = [], [], []
    with hello() as port, instant_site() as found:
        for _ in range(ROUNDS):
            bare.append(rate(load(port, "/hello", "-")))
            began = found.cpu_seconds()
            through.append(rate(load(found.port, PATH, found.authorization)))
            cpu.append((found.cpu_seconds() - began) / REQUESTS * 1000)
    rows.append(("bare Starlette hello, requests/s", spread(bare), ""))
    rows.append(("gateway, jobs that end at once, requests/s", spread(through), ""))
    rows.append(("gateway, CPU ms a request", spread(cpu, 2), ""))
    rows.append(("share of bare Starlette", f"{median(through) / median(bare):.2f}", ""))
    alone, with_gateway = [], []
    with site(2) as (found, environment):
        for _ in range(ROUNDS):
            alone.append(asyncio.run(direct(environment["MAILVOUCH_REDIS_URL"])))
            with_gateway.append(rate(load(found.port, PATH, found.authorization)))
    rows.append(("two worker processes alone, refused connections, jobs/s", spread(alone), ""))
    rows.append(("the same through the gateway, jobs/s", spread(with_gateway), ""))
    return rows


def main() -> None:
    argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__).parse_args()
    began, before = time.monotonic(), os.getloadavg()[0]
    rows = measure()
    text = (
        "# Measured: the HTTP gateway\n\n"
        f"`python -m bench.gateway` on {machine()}, {time.monotonic() - began:.0f} s, load average "
        f"before it {before:.1f}. Gateway, Redis, workers and client share the machine; "
        f"{CONNECTIONS} connections where nothing else is said.\n\n"
        f"{table(('', 'measured', 'target'), rows)}"
    )
    print(text)
    FILE.write_text(text)


if __name__ == "__main__":
    main()
