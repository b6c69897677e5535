"""What the queue alone asks of Redis: one server, and the shards of a cluster of three primaries.

    python -m bench.shards [JOBS]

Jobs are submitted, fetched, started and finished, and log in nowhere; no login limit is asked.
What counts is the CPU time of each server, which tells how many jobs one core of Redis carries,
whatever else the machine does meanwhile. Jobs a second are those of client, one worker process and
servers on the same cores.
"""

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dramatiq

from bench.measure import cpu_seconds
from producer.client import Client, credential_test
from producer.contract.keyspace import Keyspace, hash_slot_of
from producer.contract.names import Queue
from tests.support.queueing import wait_for
from tests.support.redis_cluster import PRIMARIES, RedisCluster, redis_cluster
from tests.support.redis_process import RedisProcess, redis_process
from worker.queue.broker import AsyncActor, HardenedBroker
from worker.queue.jobs import Jobs, Started, current_jobs
from worker.queue.layout import Layout
from worker.queue.runner import AsyncWorker
from worker.queue.setup import Setup, Shard
from worker.queue.turns import Turns
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link

JOBS: Final = 6000
WAIT_SECONDS: Final = 300
RESULT: Final = b"x" * 3000
"""As long as the result of one item."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was measured: CPU time for each job, of every server in its turn."""

    jobs_per_second: float
    microseconds: Sequence[float]


class Worker:
    """One process' worker over some shards, whose jobs do nothing."""

    def __init__(self, url: str, keyspace: Keyspace) -> None:
        self._url = url
        self.finished = 0
        self._broker = HardenedBroker(url, namespace=keyspace.of_jobs[0])
        self._turns = Turns(shards=keyspace.shards)
        dramatiq.actor(
            self._work,
            broker=self._broker,
            actor_class=AsyncActor,
            actor_name="test_credentials",
            queue_name=Queue.CREDENTIAL_TESTS.value,
        )
        shards = tuple(map(self._shard, keyspace.of_jobs))
        self.worker = AsyncWorker(
            Setup(self._broker, shards, concurrency=1000, shutdown_seconds=10)
        )

    def _shard(self, name: str) -> Shard:
        pool = async_pool(self._url, hash_slot=hash_slot_of(name))
        link, layout = Link(pool), Layout(name)
        jobs = Jobs(
            link, layout, self._broker.broker_id, lambda _: (b"{}", b"{}"), turns=self._turns
        )
        return Shard(layout, pool, link, jobs)

    async def _work(self, job_id: str) -> None:
        jobs = current_jobs.get()
        if isinstance(await jobs.start(job_id), Started):
            await jobs.finish(job_id, RESULT, RESULT)
            self.finished += 1


def measure(url: str, keyspace: Keyspace, servers: Sequence[RedisProcess], jobs: int) -> Run:
    """Run so many jobs."""
    pids = [server.process.pid for server in servers if server.process is not None]
    item = {"dealerEmail": "a@shop.example", "smtpHost": "mx.example", "password": "p" * 20}
    body = {"emailCredentialsRequests": [item]}
    before = [cpu_seconds([pid]) for pid in pids]
    began = time.monotonic()
    worker = Worker(url, keyspace)
    worker.worker.start()
    with Client(url, shards=keyspace.shards) as client:
        client.submit_many(credential_test(body, f"dealer-{number}") for number in range(jobs))
        wait_for(lambda: worker.finished >= jobs, WAIT_SECONDS)
    seconds = time.monotonic() - began
    worker.worker.stop()
    spent = [cpu_seconds([pid]) - past for pid, past in zip(pids, before, strict=True)]
    return Run(jobs / seconds, [1e6 * one / jobs for one in spent])


def main(jobs: int) -> None:
    print("| where | jobs/s | Redis CPU a job, us | of each primary | of each replica |")
    print("| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        with redis_process(Path(folder, "alone")) as server:
            _print("one server", measure(server.url, Keyspace(), [server], jobs), 1)
        with redis_cluster(Path(folder, "cluster")) as cluster:
            for shards in (1, 12):
                _measure_cluster(cluster, shards, jobs)


def _measure_cluster(cluster: RedisCluster, shards: int, jobs: int) -> None:
    keyspace = Keyspace(shards=shards, on_cluster=True)
    run = measure(cluster.url, keyspace, cluster.nodes, jobs)
    _print(f"cluster, {shards} shard{'s' if shards > 1 else ''}", run, PRIMARIES)


def _print(where: str, run: Run, primaries: int) -> None:
    first, others = run.microseconds[:primaries], run.microseconds[primaries:]
    cells = [
        where,
        f"{run.jobs_per_second:.0f}",
        f"{sum(first):.0f}",
        ", ".join(f"{one:.0f}" for one in first),
        ", ".join(f"{one:.0f}" for one in others),
    ]
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else JOBS)
