import asyncio
import time
from statistics import median

import pytest
from redis.exceptions import ResponseError

from tests.support.async_relay import Relay
from tests.support.redis_process import redis_process
from tests.support.waiting import until
from worker.redis_link.call import Script, key_pattern
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link
from worker.redis_link.pipe import Outage
from worker.redis_link.replies import error_of, is_outage, is_wrong_server

pytestmark = pytest.mark.redis_server

ECHO = Script("echo", "return {KEYS[1], ARGV[1]}")
GET = Script("get", "return redis.call('GET', KEYS[1])")
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


class Unwritable(Script):
    """Its text cannot be sent: an error of ours between a reply and what it means."""

    def command(self, keys, args, *, whole=False):
        if whole:
            raise MemoryError
        return super().command(keys, args)


async def test_an_error_of_ours_is_told_to_all_who_wait_for_the_exchange(link):
    calls = [link.call(Unwritable("no", "return 1"), []), link.execute("PING")]
    async with asyncio.timeout(30):
        heard = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(one) for one in heard] == [MemoryError, MemoryError]
        assert await link.execute("PING") == b"PONG"


async def test_calls_of_one_moment_travel_together(link, client):
    await link.execute("PING")
    before = client.info("stats")["total_reads_processed"]
    replies = await asyncio.gather(*(link.execute("ECHO", str(n)) for n in range(500)))
    reads = client.info("stats")["total_reads_processed"] - before
    assert replies == [str(n).encode() for n in range(500)]
    assert reads < 20


async def test_an_error_is_its_own_calls_and_nobody_elses(link, client, caplog):
    client.lpush("list", "x")
    first, bad, last = await asyncio.gather(
        link.execute("ECHO", "1"),
        link.execute("GET", "list"),
        link.execute("ECHO", "2"),
        return_exceptions=True,
    )
    assert isinstance(bad, ResponseError)
    assert (first, last) == (b"1", b"2")
    (told,) = caplog.records
    assert (told.message, told.command, told.keys) == ("redis_rejects", "GET", "list")
    assert "WRONGTYPE" in told.reason


async def test_what_redis_quotes_of_a_call_is_not_told(link, caplog):
    with pytest.raises(ResponseError):
        await link.execute("NOSUCH", "key", "canary-secret")
    assert [one.message for one in caplog.records] == ["redis_rejects"]
    assert "canary-secret" not in caplog.records[0].reason


def refusals(client, code):
    """How often Redis has answered with an error, over all its clients."""
    return client.info("errorstats").get(f"errorstat_{code}", {}).get("count", 0)


async def test_calls_wait_until_redis_is_back(link, server, client, caplog):
    await link.execute("SET", "a", "1")
    server.kill()
    waiting = asyncio.gather(*(link.call(PUT, [f"key-{n}"], [n]) for n in range(50)))
    await until(lambda: bool(caplog.records))
    assert not waiting.done()
    await asyncio.to_thread(server.start)
    assert await waiting == [1] * 50
    assert client.exists(*(f"key-{n}" for n in range(50))) == 50


async def test_a_redis_that_hangs_is_an_outage(link, server, caplog):
    await link.execute("PING")
    server.freeze()
    waiting = asyncio.ensure_future(link.call(ECHO, ["key"], ["word"]))
    await until(lambda: bool(caplog.records))
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
    await until(lambda: refusals(client, "OOM") >= 4)
    assert not command.done()
    assert not script.done()
    client.config_set("maxmemory", "0")
    assert (await command, await script) == (b"OK", 1)


def test_what_redis_six_says_of_a_command_in_a_script_is_understood():
    text = "Error running script (call to f_1): @user_script:1: -READONLY You can't write"
    assert is_outage(ResponseError(text))
    assert not is_outage(
        ResponseError("Error running script (call to f_1): @user_script:1: -ERR no integer")
    )


async def test_a_master_that_became_a_replica_is_an_outage(link, client):
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    waiting = asyncio.ensure_future(link.call(PUT, ["key"], ["value"]))
    await until(lambda: refusals(client, "READONLY") >= 2)
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


async def test_who_still_waits_when_the_link_closes_is_cancelled(link, server, caplog):
    server.kill()
    waiting = asyncio.ensure_future(link.execute("PING"))
    await until(lambda: bool(caplog.records))
    await link.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_an_outage_is_told_once_and_so_is_its_end(link, server, caplog):
    server.kill()
    waiting = asyncio.ensure_future(link.execute("PING"))
    await until(lambda: link._trouble.failures >= 3)
    await asyncio.to_thread(server.start)
    await waiting
    away, back = caplog.records
    assert (away.message, back.message) == ("redis_away", "redis_back")
    assert away.reason.startswith(f"127.0.0.1:{server.port}: ConnectionError ")


async def test_an_outage_names_place_and_cause_and_no_password(server, client, caplog):
    client.config_set("requirepass", "right-one")
    link = Link(async_pool(f"redis://:wrong-one@127.0.0.1:{server.port}/0"))
    try:
        waiting = asyncio.ensure_future(link.execute("PING"))
        await until(lambda: bool(caplog.records))
        waiting.cancel()
    finally:
        await link.close()
        client.config_set("requirepass", "")
    reason = caplog.records[0].reason
    assert reason.startswith(f"127.0.0.1:{server.port}: AuthenticationError")
    assert "wrong-one" not in reason


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
    link = Link(async_pool(server.url))
    await link.execute("PING")
    server.kill()
    link.post("LPUSH", "posted", "1")
    with pytest.raises(Outage):
        await link.execute("PING", retry=False)
    await asyncio.to_thread(server.start)
    assert await link.execute("EXISTS", "posted") == 0
    await link.close()
    assert "never retrieved" not in caplog.text


async def test_what_redis_refuses_of_a_post_hurts_nobody(link, client):
    client.set("text", "x")
    link.post("LPUSH", "text", "1")
    assert await link.execute("PING") == b"PONG"


async def test_a_post_that_is_not_permitted_is_told_once_and_so_is_that_it_is_again(
    server, client, caplog
):
    client.execute_command("ACL", "SETUSER", "worker", "on", "nopass", "~*", "+@all")
    link = Link(async_pool(f"redis://worker:x@127.0.0.1:{server.port}/0"))
    for permitted in (True, False, False, True, True):
        client.execute_command("ACL", "SETUSER", "worker", "&*" if permitted else "resetchannels")
        await link.execute("PING")  # who loses a channel may lose the connection
        link.post("PUBLISH", "mailvouch:progress:job-1", "{}")
        await link.execute("PING")
    told = [one for one in caplog.records if one.message in ("redis_refuses", "redis_accepts")]
    assert [one.message for one in told] == ["redis_refuses", "redis_accepts"]
    assert (told[0].command, told[0].keys) == ("PUBLISH", "mailvouch:progress:*")
    await link.close()


async def test_what_is_refused_waits_by_itself_and_holds_up_no_other_call(server, client, caplog):
    client.acl_setuser(
        "worker", enabled=True, passwords=["+x"], categories=["+@all"], keys=["mailvouch:allowed:*"]
    )
    link = Link(async_pool(f"redis://worker:x@127.0.0.1:{server.port}/0"))
    refused = [
        asyncio.ensure_future(link.call(PUT, [f"mailvouch:secret:{n}"], [n])) for n in range(20)
    ]
    alone = Link(async_pool(server.url))
    seconds = {link: [], alone: []}
    for number in range(100):
        for one, took in seconds.items():
            began = time.perf_counter()
            assert await one.execute("SET", f"mailvouch:allowed:{number}", "x") == b"OK"
            took.append(time.perf_counter() - began)
    assert median(seconds[link]) < 10 * median(seconds[alone]), "no pause between"
    await alone.close()
    (record,) = (one for one in caplog.records if one.message == "redis_refuses")
    assert (record.command, record.keys) == ("put", "mailvouch:secret:*")
    assert "NOPERM" in record.reason
    client.acl_setuser("worker", keys=["mailvouch:secret:*"])
    assert await asyncio.gather(*refused) == [1] * 20
    assert caplog.records[-1].message == "redis_accepts"
    await link.close()


def cuts(client):
    """How often Redis has ended a connection for the size of its replies."""
    return client.info("stats")["client_output_buffer_limit_disconnections"]


async def test_a_call_that_ends_each_connection_waits_by_itself(link, client, caplog):
    """What a request of 4 MB does where an operator allows 1 MB; a proxy may do it as well."""
    client.set("mailvouch:request:large", b"x" * 4_000_000)
    client.config_set("client-output-buffer-limit", "normal 1mb 1mb 1")
    large = asyncio.ensure_future(link.call(GET, ["mailvouch:request:large"]))

    async def ask_others():
        return [await link.execute("ECHO", str(number)) for number in range(100)]

    await until(lambda: cuts(client) >= 2)
    others = asyncio.ensure_future(ask_others())
    await until(lambda: others.done() or cuts(client) >= 20)
    assert others.done(), "each of them would wait for another cut"
    assert await others == [str(number).encode() for number in range(100)]
    await until(lambda: "redis_refuses" in caplog.text)
    assert not large.done()
    (told,) = (one for one in caplog.records if one.message == "redis_refuses")
    assert (told.command, told.keys) == ("get", "mailvouch:request:*")
    client.config_set("client-output-buffer-limit", "normal 0 0 0")
    assert len(await large) == 4_000_000
    assert caplog.records[-1].message == "redis_accepts"


async def test_a_script_of_which_one_command_is_refused_is_made_again(server, client):
    client.execute_command("ACL", "SETUSER", "worker", "on", "nopass", "~*", "+@all", "-set")
    link = Link(async_pool(f"redis://worker:x@127.0.0.1:{server.port}/0"))
    waiting = asyncio.ensure_future(link.call(PUT, ["key"], ["value"]))
    await until(lambda: bool(client.acl_log()))
    client.execute_command("ACL", "SETUSER", "worker", "+set")
    assert await waiting == 1
    await link.close()


async def test_one_who_does_not_wait_hears_of_a_refusal_at_once(link, client):
    client.config_set("maxmemory", "1")
    with pytest.raises(Outage, match="OOM"):
        await link.execute("SET", "key", "value", retry=False)


async def test_a_demoted_primary_behind_a_name_is_left_for_the_new_one(server, tmp_path):
    """What a name or a sentinel answers has changed; the old server cuts no connection."""
    with redis_process(tmp_path / "new") as promoted, promoted.client() as new:
        front = Relay(server.port)
        async with front:
            link = Link(async_pool(f"redis://127.0.0.1:{front.port}/0"))
            await link.execute("SET", "a", "1")
            front.target = promoted.port
            with server.client() as old:
                old.execute_command("REPLICAOF", "127.0.0.1", str(promoted.port))
            assert await link.call(PUT, ["key"], ["value"]) == 1
            assert new.get("key") == b"value"
            await link.close()


@pytest.mark.parametrize("word", ["READONLY", "MASTERDOWN", "LOADING", "UNBLOCKED", "NOAUTH"])
def test_words_of_a_server_that_cannot_serve_us_close_the_connection(word):
    assert is_wrong_server(error_of(f"{word} some words"))
    assert is_outage(error_of(f"{word} some words"))


async def test_large_calls_travel_in_portions_and_progress_extends_the_time(server, client):
    """20 MB over 10 MB/s take 2 s either way, with a time-out of 1 s for each silence."""
    client.config_set("appendonly", "no")
    for number in range(20):
        client.set(f"large:{number}", b"x" * 1_000_000)
    async with Relay(server.port, bytes_per_second=10_000_000) as slow:
        link = Link(async_pool(f"redis://127.0.0.1:{slow.port}/0"), timeout_seconds=1)
        calls = [link.execute("GET", f"large:{n}", retry=False) for n in range(20)]
        assert {len(reply) for reply in await asyncio.gather(*calls)} == {1_000_000}
        calls = [link.execute("SET", f"back:{n}", b"y" * 1_000_000, retry=False) for n in range(20)]
        assert set(await asyncio.gather(*calls)) == {b"OK"}
        await link.close()


async def test_a_large_call_arrives_over_a_line_that_is_slow_and_hides_it(server, client):
    """1 MB over 1 MB/s: buffers take it all at once, and then nothing comes back for a second."""
    async with Relay(server.port, bytes_per_second=1_000_000) as slow:
        link = Link(async_pool(f"redis://127.0.0.1:{slow.port}/0"), timeout_seconds=0.2)
        assert await link.execute("SET", "large", b"x" * 1_000_000, retry=False) == b"OK"
        await link.close()


async def test_a_peer_that_falls_silent_half_way_is_an_outage(server, client):
    client.set("large", b"x" * 4_000_000)
    async with Relay(server.port, bytes_per_second=2_000_000, stop_after=1_000_000) as slow:
        link = Link(async_pool(f"redis://127.0.0.1:{slow.port}/0"), timeout_seconds=0.5)
        with pytest.raises(Outage):
            await link.execute("GET", "large", retry=False)
        await link.close()


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        ("mailvouch:request:a:b", "mailvouch:request:*"),
        ("mailvouch:limits:account:0f", "mailvouch:limits:*"),
        ("mailvouch:__acks__.0f-1.credential-tests", "mailvouch:__acks__.*"),
        ("mailvouch:credential-tests.msgs", "mailvouch:credential-tests.msgs"),
    ],
)
def test_a_key_is_told_as_the_pattern_that_an_acl_would_need(key, pattern):
    assert key_pattern(key) == pattern
