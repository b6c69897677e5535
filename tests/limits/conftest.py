import asyncio

import pytest

from tests.support.gate_probes import in_line
from tests.support.redis_process import redis_process
from worker.limits.gate import RedisGate
from worker.limits.identity import Identity
from worker.limits.limits import Limits
from worker.limits.shards import LimitShards
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with redis_process(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def redis(server):
    client = server.client()
    client.flushall()
    yield client
    client.close()


@pytest.fixture
async def open_gate(server, redis):
    """Makes gates, each as of a process of its own."""
    opened = []

    def make(waiting=in_line, **limits):
        link = Link(async_pool(server.url))
        gate = RedisGate(
            LimitShards({"test": link}), Identity(b"k" * 32), Limits(**limits), waiting
        )
        opened.append(link)
        return gate

    yield make
    for link in opened:
        async with asyncio.timeout(10):
            await link.execute("PING")  # whatever was said before has arrived
        await link.close()
