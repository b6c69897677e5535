from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import redis
import redis.asyncio

from producer.records.brands import add_brand
from producer.records.store import StoreKeys
from producer.records.subscribers import add_subscriber
from tests.support.gateway import NAMESPACE, StandIn, running_gateway, settings
from tests.support.redis_process import RedisProcess, redis_process


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with redis_process(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def store(server) -> Iterator[redis.Redis]:
    with server.client() as client:
        client.flushall()
        yield client


@pytest.fixture
def crm(store) -> httpx.BasicAuth:
    """A subscriber for every dealer."""
    return httpx.BasicAuth("crm", add_subscriber(store, NAMESPACE, "crm", []).password)


@pytest.fixture
def shop(store) -> dict[str, str]:
    """The headers of a brand."""
    made = add_brand(store, StoreKeys(NAMESPACE), "https://shop.example")
    return {"Brand-URL": "https://shop.example/", "Auth-Key": made.auth_key}


@pytest.fixture
async def silent_worker(store, server) -> AsyncIterator[StandIn]:
    """A worker that never beats."""
    client = redis.asyncio.Redis(port=server.port)
    yield StandIn(client)
    await client.aclose()


@pytest.fixture
async def worker(silent_worker) -> StandIn:
    await silent_worker.beat()
    return silent_worker


@pytest.fixture
async def gateway(store, server) -> AsyncIterator[httpx.AsyncClient]:
    async with running_gateway(settings(server.url)) as client:
        yield client
