"""`Idempotency-Key`: the same key, caller, path and body are the same job; anything else a 409."""

import asyncio
import json

import httpx
import pytest

from producer.records.subscribers import add_subscriber, revoke_subscriber
from tests.support.gateway import BODY, NAMESPACE, RESULT, TEST_PATH, running_gateway, settings

pytestmark = pytest.mark.redis_server

SECRET = "Zq7-canary-p4ss"
WITH_SECRET = {"emailCredentialsRequests": [{"smtpHost": "mx.example", "password": SECRET}]}
OTHER_DEALER = TEST_PATH.replace("dealer-1", "dealer-2")
ASYNC = {"Prefer": "respond-async"}


def key(value, **more):
    return {"Idempotency-Key": value, **more}


@pytest.mark.parametrize("given", ["job.1:a_b-C", '"job.1:a_b-C"'])
async def test_the_key_becomes_the_job_id(gateway, crm, worker, given):
    answer = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key(given, **ASYNC))
    assert answer.headers["location"] == "/jobs/job.1:a_b-C"
    assert await worker.take() == "job.1:a_b-C"


async def test_the_same_request_gets_the_first_result_from_whichever_gateway(
    gateway, server, crm, worker
):
    asked = [
        asyncio.create_task(gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key("k")))
        for _ in range(3)
    ]
    await worker.answer_next()
    answers = [await one for one in asked]
    async with running_gateway(settings(server.url)) as other:
        answers.append(await other.post(TEST_PATH, json=BODY, auth=crm, headers=key("k")))

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, RESULT)] * 4
    assert await worker.queued() == 0


async def test_another_path_body_or_method_with_the_key_is_a_409(gateway, crm, worker, shop):
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key("k", **ASYNC))
    changed = {"emailCredentialsRequests": [{"smtpHost": "other.example"}]}
    for path, body in ((OTHER_DEALER, BODY), (TEST_PATH, changed)):
        answer = await gateway.post(path, json=body, auth=crm, headers=key("k"))
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["errorCode"] == "IDEMPOTENCY_KEY_REUSED"

    answer = await gateway.delete("/api/v1/app-integrations/smtp/x", headers=shop | key("k"))
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["code"] == "IdempotencyKeyReused"


@pytest.mark.parametrize("finished", [False, True])
async def test_another_caller_gets_neither_the_job_nor_its_result(
    gateway, crm, worker, store, finished
):
    other = httpx.BasicAuth("rival", add_subscriber(store, NAMESPACE, "rival", []).password)
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key("k", **ASYNC))
    if finished:
        await worker.answer_next()

    reused = await gateway.post(TEST_PATH, json=BODY, auth=other, headers=key("k"))
    assert (reused.status_code, reused.json()["emailCredentialsResponses"]) == (409, [])
    for path in ("/jobs/k", "/jobs/k/report", "/jobs/k/events"):
        assert (await gateway.get(path, auth=other)).status_code == 404


async def test_whoever_gets_a_revoked_name_anew_does_not_get_the_jobs_that_came_before(
    gateway, crm, worker, store
):
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key("k", **ASYNC))
    revoke_subscriber(store, NAMESPACE, "crm")
    anew = httpx.BasicAuth("crm", add_subscriber(store, NAMESPACE, "crm", []).password)

    assert (await gateway.get("/jobs/k", auth=crm)).status_code == 401
    assert (await gateway.get("/jobs/k", auth=anew)).status_code == 404


@pytest.mark.parametrize("finished", [False, True])
async def test_a_job_that_came_by_redis_is_nobodys(gateway, crm, worker, finished):
    await worker.redis.set(worker.keys.request("direct"), json.dumps({"version": 1}))
    if finished:
        await worker.finish("direct", RESULT)

    reused = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key("direct"))
    assert reused.status_code == 409
    assert (await gateway.get("/jobs/direct", auth=crm)).status_code == 404


async def test_a_job_whose_result_expired_is_unknown_and_runs_again_for_its_caller(
    gateway, crm, worker
):
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key("k", **ASYNC))
    await worker.answer_next()
    await worker.redis.delete(worker.keys.result("k"), worker.keys.report("k"))

    assert (await gateway.get("/jobs/k", auth=crm)).status_code == 404
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key("k", **ASYNC))
    assert await worker.take() == "k"


async def test_an_id_that_a_redis_client_took_after_the_result_expired_is_its_own(
    gateway, crm, worker
):
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key("k", **ASYNC))
    await worker.answer_next()
    await worker.redis.delete(worker.keys.result("k"), worker.keys.report("k"))
    await worker.redis.set(worker.keys.owner("k"), "f" * 64)
    await worker.redis.set(worker.keys.result("k"), json.dumps(RESULT))

    assert (await gateway.get("/jobs/k", auth=crm)).status_code == 404
    reused = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key("k"))
    assert reused.status_code == 409


async def test_no_key_of_redis_holds_what_a_password_could_be_guessed_from(
    gateway, crm, worker, store
):
    """Marks of the same request differ between callers: their key is the caller's secret."""
    other = httpx.BasicAuth("rival", add_subscriber(store, NAMESPACE, "rival", []).password)
    for auth, one in ((crm, "a"), (other, "b")):
        await gateway.post(TEST_PATH, json=WITH_SECRET, auth=auth, headers=key(one, **ASYNC))
        await worker.answer_next()
    marks = {store.hget(f"{NAMESPACE}:gateway:job:{one}", "mark") for one in ("a", "b")}

    assert len(marks) == 2
    for name in store.scan_iter():
        assert SECRET.encode() not in store.dump(name), name
