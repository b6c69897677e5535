import asyncio

import pytest
from redis.exceptions import ResponseError

from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link, Script
from worker.redis_link.pipe import Outage, is_outage

pytestmark = pytest.mark.redis_server

ECHO = Script("echo", "return {KEYS[1], ARGV[1]}")
PUT = Script("put", "redis.call('SET', KEYS[1], ARGV[1]) return 1")


@pytest.fixture
async def link(server):
    link = Link(async_pool(server.url), timeout_seconds=0.5)
    yield link
    await link.close()


async def test_a_script_that_redis_does_not_know_is_made_known(link, client):
    assert await link.call(ECHO, ["key"], ["word"]) == [b"key", b"word"]
    client.script_flush()
    assert await link.call(ECHO, ["key"], [7]) == [b"key", b"7"]
    assert client.script_exists(ECHO.sha) == [True]


async def test_calls_of_one_moment_travel_together(link, client):
    await link.execute("PING")
    before = client.info("stats")["total_reads_processed"]
    replies = await asyncio.gather(*(link.execute("ECHO", str(n)) for n in range(500)))
    reads = client.info("stats")["total_reads_processed"] - before
    assert replies == [str(n).encode() for n in range(500)]
    assert reads < 20


async def test_an_error_is_its_own_calls_and_nobody_elses(link, client):
    client.lpush("list", "x")
    first, bad, last = await asyncio.gather(
        link.execute("ECHO", "1"),
        link.execute("GET", "list"),
        link.execute("ECHO", "2"),
        return_exceptions=True,
    )
    assert isinstance(bad, ResponseError)
    assert (first, last) == (b"1", b"2")


async def test_calls_wait_until_redis_is_back(link, server, client):
    await link.execute("SET", "a", "1")
    server.kill()
    waiting = asyncio.gather(*(link.call(PUT, [f"key-{n}"], [n]) for n in range(50)))
    await asyncio.sleep(0.5)
    assert not waiting.done()
    await asyncio.to_thread(server.start)
    assert await waiting == [1] * 50
    assert client.exists(*(f"key-{n}" for n in range(50))) == 50


async def test_a_redis_that_hangs_is_an_outage(link, server):
    await link.execute("PING")
    server.freeze()
    waiting = asyncio.ensure_future(link.call(ECHO, ["key"], ["word"]))
    await asyncio.sleep(1.2)
    assert not waiting.done()
    server.thaw()
    assert await waiting == [b"key", b"word"]


async def test_who_asks_not_to_wait_hears_of_the_outage(link, server):
    server.kill()
    with pytest.raises(Outage):
        await link.execute("PING", retry=False)


async def test_a_redis_that_is_full_is_an_outage_for_what_it_refuses_only(link, client):
    client.config_set("maxmemory", "1")
    command = asyncio.ensure_future(link.execute("SET", "key", "value"))
    script = asyncio.ensure_future(link.call(PUT, ["other"], ["value"]))
    assert await link.execute("GET", "key") is None
    await asyncio.sleep(0.3)
    assert not command.done()
    assert not script.done()
    client.config_set("maxmemory", "0")
    assert (await command, await script) == (b"OK", 1)


def test_what_redis_six_says_of_a_command_in_a_script_is_understood():
    text = "Error running script (call to f_1): @user_script:1: -READONLY You can't write"
    assert is_outage(ResponseError(text))
    assert not is_outage(ResponseError("Error running script: -ERR value is not an integer"))


async def test_a_master_that_became_a_replica_is_an_outage(link, client):
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    waiting = asyncio.ensure_future(link.call(PUT, ["key"], ["value"]))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    client.execute_command("REPLICAOF", "NO", "ONE")
    assert await waiting == 1


async def test_a_call_that_was_given_up_is_not_made(link, server, client):
    server.kill()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await link.execute("SET", "given-up", "1")
    other = asyncio.ensure_future(link.execute("SET", "other", "1"))
    await asyncio.to_thread(server.start)
    await other
    assert not client.exists("given-up")


async def test_who_still_waits_when_the_link_closes_is_cancelled(link, server):
    server.kill()
    waiting = asyncio.ensure_future(link.execute("PING"))
    await asyncio.sleep(0.1)
    await link.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_outage_is_told_once_and_so_is_its_end(server):
    told = []
    link = Link(async_pool(server.url), timeout_seconds=0.5, on_outage=told.append)
    server.kill()
    waiting = asyncio.ensure_future(link.execute("PING"))
    await asyncio.sleep(0.5)
    await asyncio.to_thread(server.start)
    await waiting
    await link.close()
    assert told == [True, False]


@pytest.mark.parametrize("word", [None, object(), "half \ud800"])
async def test_what_is_no_word_is_told_to_who_asks_and_hurts_nobody_else(link, word):
    other = asyncio.ensure_future(link.execute("ECHO", "other"))
    with pytest.raises((TypeError, ValueError)):
        await link.execute("ECHO", word)
    with pytest.raises((TypeError, ValueError)):
        await link.call(ECHO, ["key"], [word])
    assert await other == b"other"


async def test_what_is_posted_travels_with_the_next_call_in_order(link, client):
    await link.execute("PING")
    before = client.info("stats")["total_reads_processed"]
    link.post("SET", "posted", "1")
    assert await link.execute("GET", "posted") == b"1"
    assert client.info("stats")["total_reads_processed"] - before == 2  # ours, and this INFO


async def test_what_is_posted_while_redis_is_away_is_dropped_without_a_word(server, caplog):
    outages = asyncio.Queue()
    link = Link(async_pool(server.url), on_outage=outages.put_nowait)
    await link.execute("PING")
    server.kill()
    link.post("LPUSH", "posted", "1")
    waiting = asyncio.ensure_future(link.execute("PING"))
    assert await outages.get()
    await asyncio.to_thread(server.start)
    await waiting
    assert await link.execute("EXISTS", "posted") == 0
    await link.close()
    assert "never retrieved" not in caplog.text


async def test_what_redis_refuses_of_a_post_hurts_nobody(link, client):
    client.set("text", "x")
    link.post("LPUSH", "text", "1")
    assert await link.execute("PING") == b"PONG"
