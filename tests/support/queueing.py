"""Handing in jobs as a foreign client would, and waiting for what becomes of them."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import redis

from producer.contract.envelope import queue_message
from producer.contract.names import Queue
from tests.support.redis_process import RedisProcess

NS = "mailvouch"
WAIT_SECONDS = 100.0
RUN_PREFIXES = (f"{NS}:running:", f"{NS}:attempts:")


def submit(
    client: redis.Redis,
    jobs: Iterable[str],
    *,
    queue: Queue = Queue.CREDENTIAL_TESTS,
    prefix: str = "rid-",
    **order: Any,
) -> None:
    """Submit each job by the contract's transaction; `order` tells the toy actor what to do."""
    pipe = client.pipeline(transaction=True)
    for job in jobs:
        rid = prefix + job
        pipe.set(f"{NS}:request:{job}", json.dumps(order), nx=True, ex=86400)
        message = queue_message(queue, job, rid, int(time.time() * 1000))
        pipe.hset(f"{NS}:{queue}.msgs", rid, message)
        pipe.rpush(f"{NS}:{queue}", rid)
    pipe.execute()


def wait_for(condition: Callable[[], bool], seconds: float = WAIT_SECONDS) -> float:
    """Wait until a condition holds; return after how many seconds. Redis may be away meanwhile."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if condition():
                return time.monotonic() - began
        except redis.RedisError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"not so within {seconds} seconds")


def finished(client: redis.Redis, jobs: Iterable[str]) -> int:
    names = [f"{NS}:result:{job}" for job in jobs]
    return int(client.exists(*names))


def wait_for_results(
    client: redis.Redis, jobs: Iterable[str], seconds: float = WAIT_SECONDS
) -> float:
    jobs = list(jobs)
    try:
        return wait_for(lambda: finished(client, jobs) == len(jobs), seconds)
    except AssertionError:
        raise AssertionError(f"{finished(client, jobs)} of {len(jobs)} in {seconds} s") from None


def result(client: redis.Redis, job: str) -> dict[str, Any]:
    raw = client.get(f"{NS}:result:{job}")
    assert isinstance(raw, bytes), f"no result of {job}"
    return dict(json.loads(raw))


def let_go(client: redis.Redis) -> None:
    """Let the jobs that were submitted with `hold=True` go on."""
    client.set("toy:go", "1")


def starts(client: redis.Redis) -> dict[str, int]:
    """How often the toy actor began each job."""
    counts: dict[str, int] = {}
    for line in client.lrange("toy:log", 0, -1):
        word, _, job = line.decode().partition(" ")
        if word == "start":
            counts[job] = counts.get(job, 0) + 1
    return counts


def residue(client: redis.Redis) -> dict[str, Any]:
    """What must be empty when all jobs have ended."""
    keys = [key.decode() for key in client.scan_iter(count=1000)]
    return {
        "acks": [key for key in keys if "__acks__" in key],
        "running": [key for key in keys if key.startswith(RUN_PREFIXES)],
        "requests": [key for key in keys if key.startswith(f"{NS}:request:")],
        "messages": sum(client.hlen(f"{NS}:{queue}.msgs") for queue in Queue),
        "waiting": sum(client.llen(f"{NS}:{queue}") for queue in Queue),
    }


CLEAN = {"acks": [], "running": [], "requests": [], "messages": 0, "waiting": 0}


@contextmanager
def toy_worker(
    server: RedisProcess, *, concurrency: int = 1000, shutdown_seconds: float = 30
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of its own process group, listed in the heartbeats when this returns."""
    client = server.client()
    before = set(client.zrange(f"{NS}:__heartbeats__", 0, -1))
    process = subprocess.Popen(
        [
            sys.executable,
            *("-m", "tests.support.toy_app"),
            *(server.url, str(concurrency), str(shutdown_seconds)),
        ],
        start_new_session=True,
    )
    try:
        wait_for(lambda: bool(set(client.zrange(f"{NS}:__heartbeats__", 0, -1)) - before))
        yield process
    finally:
        process.kill()
        process.wait()
        client.close()
