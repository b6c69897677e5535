"""A gateway over several shards of one Redis."""

import asyncio
import time

from producer.async_client import AsyncClient
from producer.client import Client
from producer.contract.keyspace import Keyspace
from producer.contract.names import Keys
from tests.support.gateway import BODY, RESULT, TEST_PATH, StandIn, running_gateway, settings

SHARDS = 4
KEYSPACE = Keyspace(shards=SHARDS)


def keyed(shard, number=0):
    return {"Idempotency-Key": f"s{shard}-key-{number}", "Prefer": "respond-async"}


async def beat(redis, namespaces):
    for name in namespaces:
        await redis.zadd(Keys(name).heartbeats, {"worker": time.time() * 1000})


async def test_a_worker_that_serves_fewer_shards_is_none_to_wait_for(silent_worker, server, crm):
    await beat(silent_worker.redis, KEYSPACE.of_jobs[:2])
    async with running_gateway(settings(server.url, shards=SHARDS)) as gateway:
        refused = await gateway.post(TEST_PATH, json=BODY, auth=crm)
        assert refused.status_code == 503
        with Client(server.url, shards=SHARDS) as client:
            assert client.workers() == 0
        async with AsyncClient(server.url, shards=SHARDS) as client:
            assert await client.workers() == 0
        await beat(silent_worker.redis, KEYSPACE.of_jobs)
        with Client(server.url, shards=SHARDS) as client:
            assert client.workers() == 1
        async with AsyncClient(server.url, shards=SHARDS) as client:
            assert await client.workers() == 1


async def test_a_job_of_each_shard_is_found_and_its_result_heard(silent_worker, server, crm):
    redis = silent_worker.redis
    await beat(redis, KEYSPACE.of_jobs)
    async with running_gateway(settings(server.url, shards=SHARDS)) as gateway:
        for shard in range(SHARDS):
            headers = {"Idempotency-Key": f"s{shard}-key", "Prefer": "wait=30"}
            sending = gateway.post(TEST_PATH, json=BODY, auth=crm, headers=headers)
            waiting = asyncio.create_task(sending)
            job = await StandIn(redis, Keys(KEYSPACE.of_jobs[shard])).answer_next()
            assert (await waiting).json() == RESULT
            assert (await gateway.get(f"/jobs/{job}", auth=crm)).json() == RESULT
            assert (await gateway.get(f"/jobs/{job}/report", auth=crm)).json() == {"jobId": job}


async def test_a_callers_rate_is_one_over_all_shards_and_counts_what_made_a_job(server, crm):
    chosen = settings(server.url, shards=SHARDS, gateway_requests_per_minute=SHARDS)
    async with running_gateway(chosen) as gateway:

        async def submit(shard, number=0):
            headers = keyed(shard, number)
            return (await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=headers)).status_code

        assert [await submit(shard) for shard in (0, 0, 1, 1, 2, 3)] == [202] * 6
        limited = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=keyed(0, 1))
        assert limited.status_code == 429
        assert 1 <= int(limited.headers["Retry-After"]) <= 60
        assert await submit(2) == 202, "a job that is there already is no new one"
