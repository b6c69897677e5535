"""One worker process, several shards of one Redis: all are served, none keeps the others out."""

import time

import dramatiq
import pytest

from producer.contract.envelope import queue_message
from producer.contract.keyspace import Keyspace
from producer.contract.names import Keys, Queue
from tests.support.queueing import wait_for
from worker.queue.broker import AsyncActor, HardenedBroker
from worker.queue.depth import Depth, measure_all
from worker.queue.jobs import Jobs, Started, current_jobs
from worker.queue.layout import Layout
from worker.queue.runner import AsyncWorker
from worker.queue.setup import Setup, Shard
from worker.queue.shard_clients import ShardClient
from worker.queue.turns import Turns
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link

pytestmark = pytest.mark.redis_server

NAMESPACES = Keyspace(shards=3).of_jobs
QUEUE = Queue.CREDENTIAL_TESTS


def submit(client, shard, jobs):
    keys = Keys(NAMESPACES[shard])
    pipe = client.pipeline(transaction=True)
    for job in jobs:
        pipe.set(keys.request(job), "{}")
        pipe.hset(keys.messages(QUEUE), f"rid-{job}", queue_message(QUEUE, job, f"rid-{job}", 0))
        pipe.rpush(keys.queue(QUEUE), f"rid-{job}")
    pipe.execute()


@pytest.fixture
def order():
    """The jobs in the order in which they ended."""
    return []


@pytest.fixture
def worker(server, order):
    """Of three shards, with room for one job at a time."""
    broker = HardenedBroker(server.url, namespace=NAMESPACES[0])
    turns = Turns(shards=len(NAMESPACES))

    def shard(name):
        pool = async_pool(server.url)
        link, layout = Link(pool), Layout(name)
        jobs = Jobs(link, layout, broker.broker_id, lambda _: (b"{}", b"{}"), turns=turns)
        return Shard(layout, pool, link, jobs)

    async def work(job_id):
        jobs = current_jobs.get()
        if isinstance(await jobs.start(job_id), Started):
            order.append(job_id)
            await jobs.finish(job_id, b'{"ok":true}', b"{}")

    dramatiq.actor(
        work, broker=broker, actor_class=AsyncActor, actor_name="test_credentials", queue_name=QUEUE
    )
    shards = tuple(map(shard, NAMESPACES))
    worker = AsyncWorker(Setup(broker, shards, concurrency=1, shutdown_seconds=10))
    yield worker
    broker.close()


def has_results(client, shard, jobs):
    keys = Keys(NAMESPACES[shard])
    return client.exists(*map(keys.result, jobs)) == len(jobs)


def test_every_shard_is_served_and_a_backlog_in_one_keeps_no_other_out(worker, client, order):
    backlog = [f"backlog-{number}" for number in range(100)]
    submit(client, 0, backlog)
    for shard in (1, 2):
        submit(client, shard, [f"single-{shard}"])
    worker.start()
    try:
        wait_for(lambda: has_results(client, 0, backlog))
        wait_for(lambda: all(has_results(client, n, [f"single-{n}"]) for n in (1, 2)))
    finally:
        worker.stop()
    assert [job for job in order if job in backlog] == backlog
    assert max(order.index(f"single-{shard}") for shard in (1, 2)) < len(backlog) / 2


def test_a_worker_that_stops_leaves_nothing_of_itself_in_any_shard(worker, client):
    worker.start()
    layouts = [Layout(name) for name in NAMESPACES]
    wait_for(lambda: all(client.zcard(layout.heartbeats) for layout in layouts))
    worker.stop()
    assert not any(client.zcard(layout.heartbeats) for layout in layouts)


def test_what_waits_is_the_sum_of_all_shards_and_the_oldest_of_them(client):
    submit(client, 0, ["a", "b"])
    submit(client, 2, ["c"])
    layout = Layout(NAMESPACES[2])
    client.zadd(layout.dead(QUEUE), {"letter": 1})
    message = queue_message(QUEUE, "c", "rid-c", int(time.time() * 1000) - 1_000_000)
    client.hset(layout.messages(QUEUE), "rid-c", message)
    shards = [ShardClient(client, Layout(name)) for name in NAMESPACES]
    tests, updates = measure_all(shards, Queue)
    assert (tests.queue, tests.ready, tests.in_flight, tests.dead) == (QUEUE, 3, 0, 1)
    assert tests.oldest_seconds >= 1000
    assert updates == Depth(Queue.INTEGRATION_UPDATES, 0, 0, 0, 0, 0.0)
