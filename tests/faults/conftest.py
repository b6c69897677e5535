import pytest

from tests.support.fault_world import fault_world


@pytest.fixture
def world():
    with fault_world() as running:
        yield running
