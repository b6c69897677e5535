import pytest

from tests.support.redis_process import redis_process


@pytest.fixture
def server(tmp_path):
    with redis_process(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client
