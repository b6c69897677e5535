"""The worker's link to a shard of a cluster: it goes where the slot goes, and waits meanwhile."""

import asyncio

import pytest

from producer.contract.keyspace import hash_slot_of
from tests.support.redis_cluster import redis_cluster
from tests.support.waiting import until
from worker.redis_link.call import Script
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link
from worker.redis_link.replies import code_of, error_of, is_refused_for_now, is_wrong_server

pytestmark = [pytest.mark.redis_server, pytest.mark.slow]

PUT_BOTH = Script("put_both", "redis.call('MSET', KEYS[1], '1', KEYS[2], '2') return 1")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
async def open_link(cluster):
    opened = []

    def make(key):
        link = Link(async_pool(cluster.url, hash_slot=hash_slot_of(key)), timeout_seconds=2)
        opened.append(link)
        return link

    yield make
    for link in opened:
        await link.close()


async def test_a_link_goes_where_its_slot_goes(cluster, open_link, caplog):
    key = "{link}:1"
    link = open_link(key)
    await link.execute("SET", key, "before")
    target = cluster.other_primary(key)
    await asyncio.to_thread(cluster.move_slot, key, target)
    assert await link.execute("GET", key) == b"before"
    assert target.ask("GET", key) == b"before"
    assert [record.message for record in caplog.records] == ["redis_away", "redis_back"]


async def test_a_link_goes_to_the_replica_that_takes_over(cluster, open_link):
    key = "{failover}:1"
    link, owner = open_link(key), cluster.owner(key)
    await link.execute("SET", key, "before")
    replica = cluster.nodes[(cluster.nodes.index(owner) + 3) % 6]
    await asyncio.to_thread(replica.ask, "CLUSTER", "FAILOVER")
    await until(lambda: cluster.owner(key) is replica)
    await link.execute("SET", key, "after")
    assert replica.ask("GET", key) == b"after"


async def test_a_script_waits_until_a_slot_that_moves_has_arrived(cluster, open_link, caplog):
    keys = ["{moving}:1", "{moving}:2"]
    link = open_link(keys[0])
    await link.execute("SET", keys[0], "there before")
    target = cluster.other_primary(keys[0])
    await asyncio.to_thread(cluster.begin_to_move, keys[0], target)
    putting = asyncio.create_task(link.call(PUT_BOTH, keys))
    await until(lambda: any(record.message == "redis_refuses" for record in caplog.records))
    await asyncio.to_thread(cluster.move_slot, keys[0], target)
    assert await putting == 1
    assert target.ask("MGET", *keys) == [b"1", b"2"]


async def test_who_does_not_wait_hears_that_a_slot_moves(cluster, open_link):
    key = "{impatient}:1"
    link = open_link(key)
    await asyncio.to_thread(cluster.begin_to_move, key, cluster.other_primary(key))
    with pytest.raises(Exception, match="ASK"):
        await link.execute("SET", key, "x", retry=False)


def test_what_a_script_hears_of_a_key_that_has_gone_with_its_slot_means_again(cluster):
    key = "{gone}:1"
    cluster.owner(key).ask("SET", key, "there")
    source = cluster.begin_to_move(key, cluster.other_primary(key))
    text = "redis.call('GET', KEYS[1]) return redis.call('GET', '{gone}:2')"
    with source.client() as client, pytest.raises(Exception, match="non local key") as caught:
        client.eval(text, 1, key)
    refusal = error_of(f"ERR {caught.value}")
    assert code_of(refusal) == "ASK"
    assert is_refused_for_now(refusal)


@pytest.mark.parametrize("word", ["MOVED 1 127.0.0.1:1", "CLUSTERDOWN The cluster is down"])
def test_another_node_may_serve_what_this_one_does_not(word):
    assert is_wrong_server(error_of(word))
