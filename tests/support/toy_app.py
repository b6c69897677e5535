"""A worker process whose jobs sleep instead of probing; each start and end is written to Redis.

The envelope is `{"seconds": 0.1, "crash": false}`; with `"hold": true` a job goes on when the key
`toy:go` is there (`queueing.let_go`). The log a list `toy:log` of `start <job id>` and
`end <job id>`. Run as `python -m tests.support.toy_app <redis url> [concurrency] [drain seconds]`;
or, for Dramatiq's own command, as the module `tests.support.toy_app` with TOY_REDIS_URL set.
"""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import dramatiq

from worker.queue.broker import AsyncActor, HardenedBroker
from worker.queue.dramatiq_command import substitute
from worker.queue.failed_job import FailedJob
from worker.queue.jobs import Jobs, Started
from worker.queue.results import Spool
from worker.queue.runner import AsyncWorker, run
from worker.queue.setup import Setup, Shard
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link
from worker.redis_link.pipe import Outage

NAMESPACE = "mailvouch"
LOG = "toy:log"
UNSAYABLE = "unsayable"
"""There is no memory for the error of a job whose id begins with this."""


def error_result(failed: FailedJob) -> tuple[bytes, bytes]:
    if failed.job_id.startswith(UNSAYABLE):
        raise MemoryError
    result = {"queue": failed.queue, "job": failed.job_id, "error": failed.code.value}
    return json.dumps(result).encode(), b"{}"


_waiting: list[asyncio.Task[None]] = []


async def released(link: Link) -> None:
    """Wait until the key `toy:go` is there; one task asks for all."""
    if not _waiting:
        _waiting.append(asyncio.create_task(_watch(link)))
    await asyncio.shield(_waiting[0])


async def _watch(link: Link) -> None:
    while not await link.execute("EXISTS", "toy:go"):  # noqa: ASYNC110 - another process sets it
        await asyncio.sleep(0.05)


async def redis_is_away(link: Link) -> None:
    with contextlib.suppress(Outage):
        while True:
            await link.execute("PING", retry=False)
            await asyncio.sleep(0.05)


async def _misbehave(order: dict[str, Any], attempt: int) -> None:
    if order.get("memory at first") and attempt == 1:
        raise MemoryError
    if order.get("crash"):
        raise RuntimeError("as ordered")
    if order.get("kill"):
        os._exit(9)
    if order.get("break loop"):
        next(task for task in asyncio.all_tasks() if task.get_name() == "janitor").cancel()
        await asyncio.sleep(60)
    if order.get("exit"):
        sys.exit("an actor must not")


def make_setup(url: str, concurrency: int = 1000, shutdown_seconds: float = 30) -> Setup:
    broker = HardenedBroker(url, namespace=NAMESPACE)
    pool = async_pool(url)
    link = Link(pool)
    spool = os.environ.get("TOY_SPOOL")
    jobs = Jobs(
        link,
        broker.layout,
        broker.broker_id,
        error_result,
        spool=Spool(Path(spool), 3600) if spool else None,
    )
    shard = Shard(broker.layout, pool, link, jobs)
    setup = Setup(broker, (shard,), concurrency, shutdown_seconds)

    async def work(job_id: str) -> None:
        job = await jobs.start(job_id)
        if not isinstance(job, Started):
            return
        order = json.loads(job.envelope)
        if not order.get("quiet"):
            await link.execute("RPUSH", LOG, f"start {job_id}")
        if order.get("hold"):
            await released(link)
        if order.get("until redis is away"):
            await redis_is_away(link)
        await asyncio.sleep(order.get("seconds", 0))
        await _misbehave(order, job.attempt)
        if not order.get("quiet") and not order.get("no end"):
            await link.execute("RPUSH", LOG, f"end {job_id}")
        await jobs.finish(job_id, b'{"ok":true}', b"{}")

    for actor, queue in (
        ("test_credentials", "credential-tests"),
        ("update_integration", "integration-updates"),
    ):
        dramatiq.actor(
            work, broker=broker, actor_class=AsyncActor, actor_name=actor, queue_name=queue
        )
    return setup


if __name__ == "__main__":
    toy = make_setup(
        sys.argv[1],
        int(sys.argv[2]) if len(sys.argv) > 2 else 1000,
        float(sys.argv[3]) if len(sys.argv) > 3 else 30,
    )
    sys.exit(run(AsyncWorker(toy)))
elif os.environ.get("TOY_REDIS_URL"):
    substitute(make_setup(os.environ["TOY_REDIS_URL"]))
