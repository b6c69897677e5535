"""Jobs over the shards of a real cluster: three primaries, a replica of each."""

import pytest

from tests.support.cluster_world import cluster_world, primary_dies, primary_hangs, slot_moves
from tests.support.fault_table import row

pytestmark = [pytest.mark.redis_server, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def world():
    with cluster_world() as world:
        yield world


@pytest.mark.parametrize("scenario", [primary_dies, primary_hangs])
def test_every_job_has_one_result_without_a_primary_under_load(world, record_property, scenario):
    measured = scenario(world)
    record_property("row", row(scenario.__name__, measured))
    assert measured["outcomes"] == {"SUCCESS": measured["jobs"]}


def test_every_job_has_one_result_when_a_slot_moves_under_load(world, record_property):
    measured = slot_moves(world)
    record_property("row", row("slot_moves", measured))
    assert measured["outcomes"] == {"SUCCESS": measured["jobs"]}
    assert set(measured["logins"]) == {1}
