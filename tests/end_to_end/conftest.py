import pytest

from tests.support.worker_process import running_worker


@pytest.fixture(scope="module")
def worker():
    with running_worker(PROBE_DEADLINE_SECONDS="5") as running:
        yield running
