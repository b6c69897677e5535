"""The gateway with a certificate of its own (docs/CONTRACT.md section 10, settings)."""

import asyncio
import ssl

import pytest
import structlog

from producer.gateway.pace import Pace
from producer.gateway.serve import KEEP_ALIVE_SECONDS
from tests.support.certificates import authority, trust
from tests.support.gateway import BODY, RESULT, TEST_PATH, running_gateway, settings

pytestmark = pytest.mark.redis_server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The settings that name a certificate for 127.0.0.1 and its key."""
    issued = authority().issue_cert("127.0.0.1")
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    return {"gateway_tls_cert": chain, "gateway_tls_key": key}


async def connect(client, tls=None):
    return await asyncio.open_connection(client.base_url.host, client.base_url.port, ssl=tls)


async def test_over_https_every_answer_says_so(store, server, certificate):
    async with running_gateway(settings(server.url, **certificate)) as client:
        assert client.base_url.scheme == "https"
        for path in ("/healthz", "/nothing", "/static/page.css"):
            answer = await client.get(path)
            assert answer.headers["strict-transport-security"].startswith("max-age=")


async def test_a_client_that_begins_no_handshake_has_the_time_of_a_header(
    store, server, certificate
):
    chosen = settings(server.url, gateway_read_seconds=0.3, **certificate)
    async with running_gateway(chosen) as client:
        reader, writer = await connect(client)
        assert await asyncio.wait_for(reader.read(), 5) == b""  # asyncio's own time is 60 s
        writer.close()


async def test_a_client_that_says_nothing_after_its_handshake_is_closed(store, server, certificate):
    chosen = settings(server.url, gateway_read_seconds=0.3, **certificate)
    async with running_gateway(chosen) as client:
        reader, writer = await connect(client, trust(ssl.create_default_context()))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_client_that_does_not_end_its_tls_does_not_delay_the_end(
    store, server, certificate
):
    """It reads nothing, so no close_notify comes back: asyncio's own time for it is 30 s."""
    patient = settings(server.url, shutdown_seconds=30, **certificate)
    async with asyncio.timeout(10), running_gateway(patient) as client:
        _, writer = await connect(client, trust(ssl.create_default_context()))
        writer.transport.pause_reading()
    writer.transport.abort()


async def test_what_is_no_tls_1_2_is_refused(store, server, certificate):
    async with running_gateway(settings(server.url, **certificate)) as client:
        old = trust(ssl.create_default_context())
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await connect(client, old)


async def test_a_client_that_takes_nothing_of_one_large_answer_is_given_up_over_tls_too(
    store, server, certificate, crm, worker
):
    large = {**RESULT, "warnings": ["x" * 12_000_000]}
    with structlog.testing.capture_logs() as lines:
        patient = settings(server.url, gateway_read_seconds=3600, **certificate)
        async with running_gateway(patient, Pace(stalls=0.1)) as client:
            headers = {"Prefer": "respond-async", "Idempotency-Key": "large"}
            await client.post(TEST_PATH, json=BODY, auth=crm, headers=headers)
            await worker.answer_next(large)
            _, deaf = await connect(client, trust(ssl.create_default_context()))
            deaf.transport.pause_reading()
            request = f"GET /jobs/large HTTP/1.1\r\nHost: x\r\nAuthorization: {crm._auth_header}"
            deaf.write(f"{request}\r\n\r\n".encode())
            async with asyncio.timeout(KEEP_ALIVE_SECONDS - 5):  # then uvicorn closes it anyway
                while "answer_not_taken" not in {line["event"] for line in lines}:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
    deaf.transport.abort()
