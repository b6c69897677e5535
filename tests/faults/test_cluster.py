"""Jobs over the shards of a real cluster: three primaries, a replica of each."""

import pytest

from tests.support.cluster_world import cluster_world, primary_dies, primary_hangs, slot_moves
from tests.support.fault_table import row
from tests.support.redis_cluster import SHORT_NODE_TIMEOUT_MS

pytestmark = [pytest.mark.redis_server, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.mark.parametrize("scenario", [primary_dies, primary_hangs])
def test_every_job_has_one_result_without_a_primary_under_load(record_property, scenario):
    with cluster_world(node_timeout_ms=SHORT_NODE_TIMEOUT_MS) as world:
        measured = scenario(world)
    record_property("row", row(scenario.__name__, measured))
    assert measured["outcomes"] == {"SUCCESS": measured["jobs"]}


def test_every_job_has_one_result_when_a_slot_moves_under_load(record_property):
    with cluster_world() as world:
        measured = slot_moves(world)
    record_property("row", row("slot_moves", measured))
    assert measured["outcomes"] == {"SUCCESS": measured["jobs"]}
    assert set(measured["logins"]) == {1}
