"""The whole product over a real cluster: three primaries, a replica of each."""

import json

import pytest

from tests.support.cluster_world import SHARDS, cluster_world
from tests.support.integration_world import BRAND

pytestmark = [pytest.mark.redis_server, pytest.mark.slow, pytest.mark.timeout(300)]


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


def test_a_cluster_without_shards_serves_as_one_redis_does():
    jobs = [f"job-{number}" for number in range(20)]
    with cluster_world(shards=1) as world, world.workers():
        world.submit_all(jobs)
        world.await_all(jobs)
        world.await_order()
        assert world.outcomes(jobs) == {"SUCCESS": len(jobs)}


def test_every_command_sees_the_cluster_as_one(world):
    jobs = [f"s{shard}-job" for shard in range(SHARDS)]
    world.submit_all(jobs)
    _, queues = world.command("worker.cli", "queues", "--json")
    assert [queue["ready"] for queue in queues] == [SHARDS, 0]
    with world.workers():
        world.await_all(jobs)
        status, found = world.command("producer.cli", "result", jobs[3], "--json")
        assert (status, found["emailCredentialsResponses"][0]["outcome"]) == (0, "SUCCESS")
        _, told = world.command("worker.cli", "doctor", "--json")
    checks = {check["check"]: check for check in told["checks"]}
    assert checks["cluster"]["state"] == checks["cluster replicas"]["state"] == "ok"
    assert checks["shards"]["text"].startswith(f"{SHARDS} over ")
    assert "with a heartbeat: 1" in checks["workers"]["text"]
    assert all(checks[name]["state"] == "ok" for name in ("redis version", "redis eviction"))


def test_records_are_one_place_for_all_shards(world):
    _, added = world.command("producer.cli", "brands", "add", "shop.example", "--json")
    assert added["brandUrl"] == "shop.example"
    assert world.command("producer.cli", "brands", "list", "--json")[1] != []
    _, subscriber = world.command("producer.cli", "subscribers", "add", "crm", "--json")
    assert subscriber["name"] == "crm"


def test_updates_of_an_integration_run_in_any_shard_and_change_one_record(world):
    record = world.integration()
    with world.workers():
        for shard in range(SHARDS):
            job = world.submit_update(f"s{shard}-update", record, name=f"name {shard}")
            answer = world.client.wait(job, 60)
            assert (answer["success"], answer["data"]["name"]) == (True, f"name {shard}")
    (stored,) = world.redis.hgetall(world.records.records(BRAND)).values()
    assert json.loads(stored)["name"] == f"name {SHARDS - 1}"
