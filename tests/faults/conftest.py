import pytest

from tests.support.fault_table import row
from tests.support.fault_world import fault_world


@pytest.fixture
def measure(record_property):
    """Runs a scenario in a world of its own; what was measured is a row of `bench.faults` too."""

    def run(scenario, **options):
        with fault_world() as world:
            measured = scenario(world, **options)
        record_property("row", row(scenario.__name__, measured))
        return measured

    return run
