"""A real server process for the session, emptied before each test."""

from collections.abc import AsyncIterator, Iterator

import pytest
import redis

from tests.support.integration_world import NotedLink, World
from tests.support.redis_process import RedisProcess, redis_process


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    with redis_process(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def redis_client(server: RedisProcess) -> Iterator[redis.Redis]:
    with server.client() as client:
        client.flushall()
        yield client


@pytest.fixture
async def world(redis_client: redis.Redis, server: RedisProcess) -> AsyncIterator[World]:
    link = NotedLink(server.url)
    yield World(redis_client, link)
    await link.close()
