"""The private seams of Dramatiq 2.2 that we lean on, and why: a new version must pass here first.

Each "stock ..." test shows what the hardening is for. One that fails says that Dramatiq has mended
it, and that ours may go.
"""

import asyncio
import inspect
import json

import dramatiq
import dramatiq.cli
import fakeredis
import pytest
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import DecodeError
from dramatiq.message import Message

from worker.queue.broker import AsyncActor, HardenedBroker
from worker.queue.layout import Layout

QUEUE = "credential-tests"
LAYOUT = Layout("mailvouch")


@pytest.fixture
def client():
    return fakeredis.FakeRedis()


@pytest.fixture
def stock(client):
    broker = RedisBroker(client=client, namespace="mailvouch")
    broker.declare_queue(QUEUE)
    return broker


@pytest.fixture
def ours():
    broker = HardenedBroker("redis://127.0.0.1:1/0", namespace="mailvouch")  # never connected
    broker.declare_queue(QUEUE)
    return broker


def message(**fields):
    return Message(queue_name=QUEUE, actor_name="test_credentials", **fields)


def job_message():
    return message(args=("job",), kwargs={}, options={})


def test_the_command_looks_the_worker_up_by_name_when_it_needs_it():
    source = inspect.getsource(dramatiq.cli.worker_process)
    assert "worker = Worker(broker, queues=args.queues, worker_threads=args.threads)" in source
    assert "worker.stop(timeout=args.worker_shutdown_timeout)" in source
    assert source.index("importlib.import_module(module)") < source.index("Worker(broker")
    assert dramatiq.cli.Worker is dramatiq.Worker


def test_the_commands_default_number_of_threads_is_known():
    assert dramatiq.cli.make_argument_parser().parse_args(["module"]).threads == 8


def test_the_layout_is_dramatiqs(stock, client):
    sent = stock.enqueue(job_message())
    stock.do_fetch(QUEUE, 1)
    redis_message_id = sent.options["redis_message_id"].encode()
    assert client.smembers(LAYOUT.acks(stock.broker_id, QUEUE)) == {redis_message_id}
    assert client.zscore(LAYOUT.heartbeats, stock.broker_id) is not None
    stock.do_nack(QUEUE, redis_message_id)
    assert client.zrange(LAYOUT.dead(QUEUE), 0, -1) == [redis_message_id]
    assert client.hkeys(LAYOUT.dead_messages(QUEUE)) == [redis_message_id]


def test_the_actor_class_is_given_the_coroutine_function(ours):
    async def work(job_id):
        await asyncio.sleep(0)

    actor = dramatiq.actor(work, broker=ours, actor_class=AsyncActor, queue_name=QUEUE)
    assert actor.coroutine is work
    assert ours.get_actor("work") is actor


def test_stock_asks_for_keys_in_its_maintenance_and_ours_never_maintains(stock, ours):
    assert stock.maintenance_chance > 0
    assert b'redis.call("keys"' in inspect.getmodule(RedisBroker)._scripts["dispatch"]
    assert not any(ours._should_do_maintenance("fetch") for _ in range(1000))


def test_stock_loses_the_neighbours_of_a_message_that_it_cannot_decode(stock, client):
    good = stock.enqueue(job_message())
    client.hset(LAYOUT.messages(QUEUE), "bad", "{")
    client.rpush(LAYOUT.queue(QUEUE), "bad")
    stock.enqueue(job_message())
    consumer = stock.consume(QUEUE, prefetch=3, timeout=1)
    assert next(consumer).message_id == good.message_id
    with pytest.raises(DecodeError):
        next(consumer)
    assert client.scard(LAYOUT.acks(stock.broker_id, QUEUE)) == 3
    assert client.zcard(LAYOUT.dead(QUEUE)) == 0


def test_stock_wraps_a_coroutine_so_that_it_needs_a_thread(stock):
    async def work(job_id):
        await asyncio.sleep(0)

    actor = dramatiq.actor(work, broker=stock, queue_name=QUEUE)
    with pytest.raises(RuntimeError, match="Global event loop thread not set"):
        actor("job")


def test_dramatiqs_message_is_the_contracts():
    fields = json.loads(job_message().encode())
    assert set(fields) == {
        *("queue_name", "actor_name", "args", "kwargs", "options"),
        *("message_id", "message_timestamp"),
    }
