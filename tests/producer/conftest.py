from collections.abc import Iterator

import pytest
import redis

from producer.client import Client
from tests.support.redis_server import embedded_redis


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with embedded_redis() as server:
        yield server.url


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def client(store: redis.Redis, redis_url: str) -> Iterator[Client]:
    with Client(redis_url) as client:
        yield client
