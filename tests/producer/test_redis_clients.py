"""The ways to a Redis, each against a real one."""

import ssl

import pytest
import redis
from redis.sentinel import MasterNotFoundError

from producer.async_client import AsyncClient
from producer.client import Client, JobState, credential_test
from producer.redis_clients import close, close_async, connect, connect_async, is_primary
from producer.redis_failures import RedisUnavailableError
from producer.redis_url import parse_redis_url
from tests.support.async_relay import Relay
from tests.support.certificates import authority, ca_file
from tests.support.faulty_proxy import FaultyProxy
from tests.support.ports import free_port
from tests.support.redis_process import RedisProcess, redis_process
from tests.support.redis_sentinel import name_another, sentinel
from tests.support.waiting import ends_whenever_cancelled, until

pytestmark = pytest.mark.redis_server

ENVELOPE = credential_test({"emailCredentialsRequests": []})


@pytest.fixture
def primary(tmp_path):
    server = RedisProcess(tmp_path / "primary")
    server.start()
    yield server
    server.kill()


async def test_both_clients_find_the_primary_by_its_sentinels(tmp_path, primary):
    with sentinel(tmp_path, primary) as url:
        with Client(url) as client:
            client.submit(ENVELOPE, job_id="j")
        async with AsyncClient(url) as client:
            assert await client.state("j") is JobState.WAITING
            await client.submit(ENVELOPE, job_id="k")
    with primary.client() as store:
        assert store.llen("mailvouch:credential-tests") == 2


async def test_both_clients_leave_a_primary_that_the_sentinels_no_longer_name(tmp_path, primary):
    """It takes writes for ten seconds more; they would be lost."""
    with (
        redis_process(tmp_path / "new") as promoted,
        promoted.client() as after,
        sentinel(tmp_path, primary) as url,
        Client(url) as client,
    ):
        async with AsyncClient(url) as other:
            client.submit(ENVELOPE, job_id="a")
            await other.submit(ENVELOPE, job_id="b")
            name_another(url, promoted)
            while not after.exists("mailvouch:request:c"):
                client.submit(ENVELOPE, job_id="c")
            while not after.exists("mailvouch:request:d"):
                await other.submit(ENVELOPE, job_id="d")


async def test_a_connection_that_was_in_use_when_the_primary_changed_is_not_used_again(
    tmp_path, primary
):
    with redis_process(tmp_path / "new") as promoted, sentinel(tmp_path, primary) as url:
        client = connect_async(parse_redis_url(url))
        pool = client.connection_pool
        in_use = await pool.get_connection()
        name_another(url, promoted)
        await pool.ask()
        await pool.release(in_use)
        await client.set("a", 1)
        with promoted.client() as after:
            assert after.get("a") == b"1"
        await close_async(client)


def test_sentinels_that_are_away_hold_up_one_call_and_not_the_next(tmp_path, primary):
    with sentinel(tmp_path, primary) as url:
        client = connect(parse_redis_url(url))
        client.set("a", 0)
    pool, asked = client.connection_pool, []

    def nobody(service):
        asked.append(service)
        raise MasterNotFoundError

    pool.sentinel_manager.discover_master = nobody
    pool._ask_at = 0.0
    client.set("a", 1)
    client.set("a", 2)
    assert client.get("a") == b"2"
    assert asked == ["main"]
    close(client)


def test_sentinels_that_are_away_are_named():
    url = f"redis+sentinel://u:s3cret@127.0.0.1:{free_port()}/main"
    with Client(url) as client, pytest.raises(RedisUnavailableError) as caught:
        client.submit(ENVELOPE)
    assert "sentinels of main" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_replica_is_told_from_a_primary(tmp_path, primary):
    replica = RedisProcess(tmp_path / "replica", "--replicaof", "127.0.0.1", str(primary.port))
    replica.start()
    try:
        with Client(replica.url) as client:
            assert client.state("j") is JobState.UNKNOWN
            with pytest.raises(RedisUnavailableError, match="must name the primary"):
                client.submit(ENVELOPE)
    finally:
        replica.kill()


def test_a_demoted_primary_is_told_and_its_connections_are_closed(primary):
    """It goes on answering; only a new connection asks the name anew."""
    with primary.client() as admin, connect(parse_redis_url(primary.url)) as client:
        assert is_primary(client)
        admin.execute_command("REPLICAOF", "127.0.0.1", "1")
        before = admin.info("stats")["total_connections_received"]
        assert client.ping()
        assert not is_primary(client)
        assert client.ping()
        assert admin.info("stats")["total_connections_received"] == before + 1


def test_a_user_that_may_not_ask_for_the_role_takes_the_server_as_it_is(primary):
    with primary.client() as admin:
        admin.acl_setuser("poor", enabled=True, passwords=["+x"], commands=["+ping"], keys=["*"])
        url = f"redis://poor:x@127.0.0.1:{primary.port}/0"
        with connect(parse_redis_url(url)) as client:
            assert is_primary(client)


def test_threads_have_as_many_connections_as_they_use_at_once(primary):
    pool = connect(parse_redis_url(f"redis://127.0.0.1:{primary.port}")).connection_pool
    in_use = [pool.get_connection() for _ in range(120)]
    assert all(connection.is_connected for connection in in_use)
    pool.disconnect()


def test_over_tcp_the_reason_is_said(primary):
    away = f"redis://127.0.0.1:{free_port()}"
    with Client(away) as client, pytest.raises(RedisUnavailableError, match="refused"):
        client.fetch("j")
    with redis.Redis(port=primary.port) as store:
        store.config_set("requirepass", "right")
    with Client(primary.url) as client, pytest.raises(RedisUnavailableError, match="refuses this"):
        client.submit(ENVELOPE)


async def test_who_asks_again_and_again_can_be_cancelled_at_any_moment(primary):
    async with AsyncClient(f"redis://127.0.0.1:{primary.port}/0") as client:
        await client.fetch("j")  # connected
        await ends_whenever_cancelled(lambda: client.fetch("j"))


async def test_closing_waits_for_no_server_that_hangs_and_never_ends_its_tls(tmp_path, primary):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert("localhost").configure_cert(context)
    async with Relay(primary.port, tls=context) as front:
        relay = FaultyProxy(front.port)
        url = f"rediss://localhost:{relay.port}/0?ssl_ca_certs={ca_file(tmp_path)}"
        client = connect_async(parse_redis_url(url))
        connection = await client.connection_pool.get_connection()
        tls = connection._writer.transport._ssl_protocol
        await client.connection_pool.release(connection)
        relay.silence()
        await close_async(client)
        relay.close()
        tls._transport.abort()  # what else asyncio does of itself in half a minute
        await until(lambda: tls._transport is None)  # before the loop ends
