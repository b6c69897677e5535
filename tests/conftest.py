import gc
import os
import signal
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from tests.support.redis_process import redis_process

# No property fails for the time that it takes: the machine may be busy.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two a core, as far as a small machine goes: most tests wait for a server or a clock."""
    cores = os.cpu_count() or 1
    return max(cores, min(2 * cores, 4))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from walking 6,000 tests, while they are found and afterwards."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes minutes first: at the end, one process would be waited for by all others."""
    items.sort(key=lambda item: -_seconds_allowed(item))


def _seconds_allowed(item: pytest.Item) -> float:
    allowed = item.get_closest_marker("timeout")
    return float(allowed.args[0]) if allowed and item.get_closest_marker("slow") else 0.0


@pytest.fixture
def heard_signals():
    """As in a terminal, though the tests may run under nohup or in a shell's background.

    Those ignore SIGHUP and SIGINT, and every child inherits it.
    """
    default = {signal.SIGHUP: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in default.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def server(tmp_path):
    with redis_process(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client
