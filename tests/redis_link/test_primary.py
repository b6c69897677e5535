"""Sentinels name another primary while the one before it still takes writes."""

import pytest

from tests.support.redis_process import redis_process
from tests.support.redis_sentinel import name_another, sentinel
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link
from worker.redis_link.primary import ways_to_ask

pytestmark = pytest.mark.redis_server


async def close(pool, link):
    """Redis-py leaves what it asks the sentinels over open."""
    await link.close()
    for one in pool.sentinel_manager.sentinels:
        await one.aclose()


async def test_a_primary_that_the_sentinels_no_longer_name_is_told_nothing_more(tmp_path):
    with (
        redis_process(tmp_path / "old") as old,
        redis_process(tmp_path / "new") as new,
        sentinel(tmp_path, old) as url,
        old.client() as before,
        new.client() as after,
    ):
        pool = async_pool(url)
        (ask,) = ways_to_ask([pool])
        link = Link(pool)
        await link.execute("SET", "a", "1")
        name_another(url, new)
        await ask()
        await link.execute("SET", "b", "2")
        assert (before.get("a"), before.get("b")) == (b"1", None)
        assert (after.get("a"), after.get("b")) == (None, b"2")
        await close(pool, link)


async def test_without_an_answer_of_the_sentinels_the_primary_stays_who_it_was(tmp_path):
    with redis_process(tmp_path) as server, server.client() as client:
        with sentinel(tmp_path, server) as url:
            pool = async_pool(url)
            (ask,) = ways_to_ask([pool])
            link = Link(pool)
            await link.execute("PING")
        connections = client.info("stats")["total_connections_received"]
        await ask()
        await link.execute("SET", "a", "1")
        assert client.get("a") == b"1"
        assert client.info("stats")["total_connections_received"] == connections
        await close(pool, link)


def test_where_there_are_no_sentinels_nobody_is_asked():
    assert not list(ways_to_ask([async_pool("redis://127.0.0.1:1/0")]))
