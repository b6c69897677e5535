import asyncio
import json

import pytest

from producer.async_client import AsyncClient
from producer.client import Client, JobState, credential_test
from producer.contract.names import Keys
from producer.contract.progress import Progress
from producer.job_reads import RECHECK_SECONDS
from producer.redis_failures import RedisUnavailableError
from producer.sealing.requests import make_request_keys
from producer.submit_errors import SubmitInterruptedError
from tests.support.redis_server import data_folder
from tests.support.waiting import until

pytestmark = pytest.mark.redis_server

KEYS = Keys()
ENVELOPE = credential_test({"emailCredentialsRequests": []}, dealer_uuid="d-1")
RESULT = {"emailCredentialsResponses": [], "errors": [], "warnings": []}


@pytest.fixture
async def async_client(store, redis_url):
    async with AsyncClient(redis_url) as client:
        yield client


def written(store, job_id: str) -> tuple:
    message = json.loads(store.hvals(KEYS.messages("credential-tests"))[0])
    for varying in ("options", "message_timestamp"):
        del message[varying]
    return store.get(KEYS.request(job_id)), message


async def test_it_writes_what_the_other_client_writes(async_client, store, redis_url):
    assert await async_client.submit(ENVELOPE, job_id="j") == "j"
    ours = written(store, "j")
    store.flushall()
    with Client(redis_url) as client:
        client.submit(ENVELOPE, job_id="j")
    assert ours == written(store, "j")


async def test_many_and_sealed(store, redis_url):
    _, public = make_request_keys()
    async with AsyncClient(redis_url, public_jwk=public) as client:
        job_ids = await client.submit_many([ENVELOPE] * 300)
    assert store.llen(KEYS.queue("credential-tests")) == len(set(job_ids)) == 300
    assert store.get(KEYS.request(job_ids[-1])).startswith(b"eyJ")


async def test_state_result_and_report(async_client, save_result):
    assert await async_client.state("j") is JobState.UNKNOWN
    await async_client.submit(ENVELOPE, job_id="j")
    assert await async_client.state("j") is JobState.WAITING
    assert await async_client.fetch("j") is None
    save_result("j", RESULT, {"version": 1})
    assert await async_client.state("j") is JobState.DONE
    assert await async_client.report("j") == {"version": 1}


def awaited(store, job_id):
    return store.pubsub_numsub(KEYS.done(job_id))[0][1]


async def test_more_can_wait_at_once_than_redis_py_has_connections_of_its_own_accord(
    async_client, store, save_result
):
    job_ids = [f"j{number}" for number in range(120)]
    waiting = [asyncio.create_task(async_client.wait(job_id, 60)) for job_id in job_ids]
    await until(lambda: all(count for _, count in store.pubsub_numsub(*map(KEYS.done, job_ids))))
    for job_id in job_ids:
        save_result(job_id, RESULT)
    assert await asyncio.gather(*waiting) == [RESULT] * 120


async def test_a_lost_subscription_loses_no_result(async_client, store, save_result):
    before_the_slow_look = RECHECK_SECONDS - 1  # it is the new subscription that sees the result
    waiting = asyncio.create_task(async_client.wait("w", before_the_slow_look))
    await until(lambda: awaited(store, "w"))
    save_result("w", RESULT, publish=False)
    store.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    assert await waiting == RESULT


async def test_waiting_ends_at_its_time(async_client):
    with pytest.raises(TimeoutError):
        await async_client.wait("never", 0.2)


async def test_a_redis_that_is_away_is_named():
    with data_folder() as folder:
        async with AsyncClient(f"unix://{folder}/nobody.sock") as client:
            with pytest.raises(RedisUnavailableError, match=r"nobody\.sock"):
                await client.submit(ENVELOPE)
            with pytest.raises(RedisUnavailableError):
                await client.wait("w", 0.1)


async def test_many_with_ids_of_your_own_and_the_account_of_an_interruption(async_client, store):
    job_ids = [f"bulk-{number}" for number in range(300)]
    assert await async_client.submit_many([ENVELOPE] * 300, job_ids=job_ids) == job_ids
    store.config_set("maxmemory", "1")
    try:
        with pytest.raises(SubmitInterruptedError) as caught:
            await async_client.submit_many([ENVELOPE] * 300)
    finally:
        store.config_set("maxmemory", "0")
    assert (caught.value.submitted, len(caught.value.uncertain)) == ((), 256)
    assert len(await async_client.submit_many([ENVELOPE] * 300)) == 300


async def test_a_submit_over_a_connection_that_went_stale_needs_no_second_try(async_client, store):
    await async_client.submit(ENVELOPE)
    store.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await async_client.submit(ENVELOPE, job_id="after")
    assert await async_client.state("after") is JobState.WAITING


async def test_progress_and_workers_are_as_of_the_client(async_client, store, save_result):
    heard = []

    def end(progress):
        heard.append(progress)
        save_result("w", RESULT)

    waiting = asyncio.create_task(async_client.wait("w", 20, on_progress=end))
    await until(lambda: store.pubsub_numsub("mailvouch:progress:w")[0][1])
    store.publish("mailvouch:progress:w", '{"done": 1, "total": 2}')
    assert await waiting == RESULT
    assert heard == [Progress(1, 2)]
    store.zadd("mailvouch:__heartbeats__", {"a": 1000 * store.time()[0], "dead": 1000})
    assert await async_client.workers() == 1
