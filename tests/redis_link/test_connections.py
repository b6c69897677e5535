import ssl

import pytest
import trustme
from redis.asyncio.connection import SSLConnection
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection

from producer.redis_url import RedisUrlError
from tests.support.async_relay import Relay
from tests.support.redis_process import redis_process
from worker.redis_link.connections import async_pool, sync_client
from worker.redis_link.link import Link


async def ping(url):
    link = Link(async_pool(url))
    try:
        return await link.execute("PING", retry=False)
    finally:
        await link.close()


@pytest.mark.redis_server
async def test_a_unix_socket_is_reached(tmp_path):
    path = tmp_path / "r.sock"
    with redis_process(tmp_path, "--unixsocket", str(path)):
        assert await ping(f"unix://{path}") == b"PONG"
        with sync_client(f"unix://{path}") as client:
            assert client.ping()


@pytest.mark.redis_server
async def test_a_password_and_a_database_are_used(tmp_path):
    with redis_process(tmp_path) as server:
        with server.client() as admin:
            admin.acl_setuser(
                "user", enabled=True, passwords=["+pass"], categories=["+@all"], keys=["*"]
            )
        url = f"redis://user:pass@127.0.0.1:{server.port}/3"
        link = Link(async_pool(url))
        await link.execute("SET", "key", "value")
        await link.close()
        with sync_client(url) as client:
            assert client.get("key") == b"value"


@pytest.mark.redis_server
async def test_tls_is_used_and_the_certificate_checked(tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with redis_process(tmp_path) as server:
        async with Relay(server.port, tls=context) as front:
            url = f"rediss://localhost:{front.port}/0"
            assert await ping(f"{url}?ssl_ca_certs={tmp_path / 'ca.pem'}") == b"PONG"
            with pytest.raises(Exception, match=r"Error|Timeout"):
                await ping(url)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis+sentinel://a,b:1/service", SentinelManagedConnection),
        ("rediss+sentinel://user:pass@a/service/2", SentinelManagedSSLConnection),
        ("rediss://a/0", SSLConnection),
    ],
)
def test_each_scheme_has_its_kind_of_connection(url, kind):
    assert async_pool(url).connection_class is kind


def test_no_client_retries_by_itself():
    with sync_client("redis://127.0.0.1:1/0") as client:
        assert client.get_retry().get_retries() == 0
    assert async_pool("redis://127.0.0.1:1/0").connection_kwargs["retry"].get_retries() == 0


def test_a_url_that_names_no_redis_is_refused_without_being_quoted():
    with pytest.raises(RedisUrlError) as caught:
        async_pool("http://user:hunter2@host/")
    assert "hunter2" not in str(caught.value)
