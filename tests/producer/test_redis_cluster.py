"""Clients of a cluster, against a real one: whoever serves the slot is found, and found again."""

import pytest

from producer.contract.keyspace import slot_of
from producer.redis_clients import connect, connect_async
from producer.redis_url import parse_redis_url
from tests.support.redis_cluster import redis_cluster

pytestmark = [pytest.mark.redis_server, pytest.mark.slow]

KEYS = ["{a}:1", "{b}:1", "{c}:1", "{d}:1", "{e}:1"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def test_a_slot_is_reckoned_as_the_server_reckons_it(cluster):
    names = ["key", "{mailvouch}:result:1", "{mailvouch-63}", "a{}b{c}", "{", "é", "foo{{bar}}zap"]
    node = cluster.nodes[0]
    assert [slot_of(name) for name in names] == [node.ask("CLUSTER", "KEYSLOT", n) for n in names]


def test_a_client_writes_wherever_its_slot_is(cluster):
    url = parse_redis_url(cluster.url)
    for key in KEYS:
        with connect(url, slot=slot_of(key)) as client:
            client.pipeline(transaction=True).set(key, "threads").expire(key, 60).execute()
            assert client.get(key) == b"threads"
            assert cluster.owner(key).ask("GET", key) == b"threads"


async def test_an_asyncio_client_does_as_well(cluster):
    url = parse_redis_url(cluster.url)
    for key in KEYS:
        async with connect_async(url, slot=slot_of(key)) as client:
            await client.pipeline(transaction=True).set(key, "asyncio").expire(key, 60).execute()
            assert await client.get(key) == b"asyncio"
