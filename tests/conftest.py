import gc
import os
import signal
from collections.abc import Generator, Iterator
from itertools import groupby, islice

import pytest
from hypothesis import HealthCheck, settings

from tests.support.redis_process import redis_process

# No property fails for the time that it takes: the machine may be busy.
settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")

SLOW_SECONDS = 30.0
"""What a slow test that names no time-out counts for."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three a core, as far as a small machine goes: most tests wait for a server or a clock."""
    cores = os.cpu_count() or 1
    return max(cores, min(3 * cores, 6))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the garbage collector from walking 6,000 tests, while they are found and afterwards."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)  # after `-m` has chosen
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let each process begin with its share of the modules that have slow tests.

    xdist cuts the list into equal parts, one for each process; who has done its own takes from the
    end of another's. What takes minutes would be begun last, and one process waited for by all.
    """
    modules = [list(module) for _, module in groupby(items, lambda item: item.path)]
    slow = sorted(filter(_seconds_allowed, modules), key=_seconds_allowed, reverse=True)
    fast = (item for module in modules if not _seconds_allowed(module) for item in module)
    shares: list[list[pytest.Item]] = [
        [] for _ in range(getattr(config, "workerinput", {}).get("workercount", 1))
    ]
    for module in slow:
        min(shares, key=_seconds_allowed).extend(module)
    items[:] = [*_parts(shares, fast, len(items)), *fast]


def _parts(
    shares: list[list[pytest.Item]], fast: Iterator[pytest.Item], left: int
) -> Iterator[pytest.Item]:
    """Fill each share up with fast tests to the part that xdist cuts off."""
    for number, share in enumerate(shares):
        part = left // (len(shares) - number)
        left -= part
        yield from share
        yield from islice(fast, max(0, part - len(share)))


def _seconds_allowed(items: list[pytest.Item]) -> float:
    """What the slow ones among them may take, by the time-outs that they name."""
    slow = [item for item in items if item.get_closest_marker("slow")]
    named = [item.get_closest_marker("timeout") for item in slow]
    return sum(float(one.args[0]) if one else SLOW_SECONDS for one in named)


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
