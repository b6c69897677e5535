"""Jobs over the shards of a real cluster: three primaries, a replica of each."""

import pytest

from tests.support.cluster_world import cluster_world, primary_dies, primary_hangs, slot_moves
from tests.support.fault_table import row
from tests.support.fault_world import names
from tests.support.redis_cluster import PRIMARIES, SHORT_NODE_TIMEOUT_MS
from worker.limits.identity import Identity
from worker.process import keys

pytestmark = [pytest.mark.redis_server, pytest.mark.slow, pytest.mark.timeout(300)]


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


def test_jobs_that_need_no_shard_that_is_away_end_though_many_others_wait_for_it():
    with cluster_world() as world:
        without_a_shard(world)


def without_a_shard(world):
    cluster, shards = world.cluster, world.keyspace.shards
    for node in cluster.nodes:
        node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
    gone = cluster.owner(world.keyspace.of_jobs[0])
    lost = {
        shard for shard, name in enumerate(world.keyspace.of_jobs) if cluster.owner(name) is gone
    }
    identity = Identity(keys.limits_secret_of([world._store_key]))
    hosts = {
        int(identity.host(host)[:8], 16) % shards: host
        for host in (f"127.0.0.{number}" for number in range(2, 100))
    }
    living = [job for job in names("job", 200) if world.shard_of(job) not in lost]
    waiting, free = living[:40], living[40:60]
    with world.workers(CONCURRENCY="10"):
        for node in (cluster.nodes[cluster.nodes.index(gone) + PRIMARIES], gone):
            node.kill()
        for job in waiting:
            world.submit(job, world.account(job, host=hosts[min(lost)]))
        for job in free:
            world.submit(job, world.account(job, host=hosts[min(set(hosts) - lost)]))
        world.await_all(free)
        assert not world.results(waiting)
