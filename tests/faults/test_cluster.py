"""Jobs over the shards of a real cluster: three primaries, a replica of each."""

import pytest

from tests.support.cluster_world import SHARDS, cluster_world, primary_dies, slot_moves

pytestmark = [pytest.mark.redis_server, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def world():
    with cluster_world() as world:
        yield world


def test_jobs_of_every_shard_get_their_results(world):
    jobs = [f"s{shard}-job-{number}" for shard in range(SHARDS) for number in range(10)]
    with world.workers():
        world.submit_all(jobs)
        world.await_all(jobs)
        world.await_order()
    assert world.outcomes(jobs) == {"SUCCESS": len(jobs)}
    assert set(world.times_logged_in()) == {1}


def test_every_job_has_one_result_when_a_primary_dies_under_load(world):
    figures = primary_dies(world)
    assert figures["outcomes"] == {"SUCCESS": figures["jobs"]}


def test_every_job_has_one_result_when_a_slot_moves_under_load(world):
    figures = slot_moves(world)
    assert figures["outcomes"] == {"SUCCESS": figures["jobs"]}
    assert set(figures["logins"]) == {1}
