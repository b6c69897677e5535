"""`POST …/email-credentials/test`, against a real uvicorn and a real Redis."""

import asyncio
import json

import pytest

from tests.support.gateway import BODY, RESULT, TEST_PATH

pytestmark = pytest.mark.redis_server


@pytest.mark.parametrize("path", [TEST_PATH, TEST_PATH.removeprefix("/communications")])
async def test_a_submit_waits_and_answers_with_the_documented_body(gateway, crm, worker, path):
    asked = asyncio.create_task(gateway.post(path, json=BODY, auth=crm))
    job_id = await worker.answer_next()
    answer = await asked

    assert (answer.status_code, answer.json()) == (200, RESULT)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-location"] == f"/jobs/{job_id}"


async def test_the_worker_gets_dealer_and_body_as_they_were_sent(gateway, crm, worker):
    path = "/dealers/a%2Fb%20%C3%BC/email-credentials/test"
    await gateway.post(path, json=BODY, auth=crm, headers={"Prefer": "respond-async"})
    envelope = await worker.request(await worker.take())

    assert envelope["dealerUUID"] == "a/b ü"
    assert envelope["body"] == BODY


async def test_a_trace_goes_on_in_the_worker(gateway, crm, worker):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for sent, taken in ((trace, trace), ("nonsense", None)):
        headers = {"Prefer": "respond-async", "traceparent": sent}
        await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=headers)
        assert (await worker.request(await worker.take())).get("traceparent") == taken


async def test_a_result_of_failed_accounts_is_a_200_and_one_of_a_bad_request_a_400(
    gateway, crm, worker
):
    for code, status in (("INVALID_REQUEST_DATA", 400), ("WORKER_FAILED", 500)):
        errors = [{"errorCode": code, "errorDescription": "", "errorUID": ""}]
        asked = asyncio.create_task(gateway.post(TEST_PATH, json=BODY, auth=crm))
        await worker.answer_next({**RESULT, "errors": errors})
        answer = await asked
        assert (answer.status_code, answer.json()["errors"]) == (status, errors)


async def test_without_a_credential_it_is_a_401_that_asks_for_basic(gateway, crm):
    for auth, code in ((None, "NULL_CREDENTIALS"), (("crm", "no"), "WRONG_CREDENTIAL")):
        answer = await gateway.post(TEST_PATH, json=BODY, auth=auth)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
        document = answer.json()
        assert document["emailCredentialsResponses"] == []
        assert [error["errorCode"] for error in document["errors"]] == [code]


@pytest.mark.parametrize(
    ("content", "headers", "refusal"),
    [
        (b"{", {}, (400, "INVALID_REQUEST_DATA")),
        (b"[]", {}, (400, "INVALID_REQUEST_DATA")),
        (b"{}", {}, (400, "INVALID_REQUEST_DATA")),
        (b'{"emailCredentialsRequests": []}', {}, (400, "INVALID_REQUEST_DATA")),
        (b'{"emailCredentialsRequests": [NaN]}', {}, (400, "INVALID_REQUEST_DATA")),
        (b"[" * 100_000, {}, (400, "INVALID_REQUEST_DATA")),
        (json.dumps(BODY).encode("utf-16"), {}, (400, "INVALID_REQUEST_DATA")),
        (b"{}", {"Idempotency-Key": "no spaces"}, (400, "INVALID_REQUEST_DATA")),
        (b"{}", {"Idempotency-Key": '""'}, (400, "INVALID_REQUEST_DATA")),
        (b"{}", {"Content-Type": "text/plain"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        (
            b"{}",
            {"Content-Type": "application/json; charset=latin-1"},
            (415, "UNSUPPORTED_MEDIA_TYPE"),
        ),
        (b"{}", {"Content-Encoding": "identity"}, (415, "UNSUPPORTED_MEDIA_TYPE")),
        (b" " * (1024 * 1024 + 1), {}, (413, "REQUEST_TOO_LARGE")),
    ],
)
async def test_a_request_that_cannot_be_read_is_refused_in_the_documented_shape(
    gateway, crm, worker, content, headers, refusal
):
    sent = {"Content-Type": "application/json", **headers}
    answer = await gateway.post(TEST_PATH, content=content, headers=sent, auth=crm)

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["errorCode"]) == refusal
    assert await worker.queued() == 0


async def test_a_missing_content_type_is_a_415(gateway, crm, worker):
    answer = await gateway.post(TEST_PATH, content=json.dumps(BODY), auth=crm)
    assert answer.status_code == 415


async def test_json_with_a_charset_of_utf_8_is_taken(gateway, crm, worker):
    headers = {"Content-Type": 'Application/JSON; charset="UTF-8"', "Prefer": "respond-async"}
    answer = await gateway.post(TEST_PATH, content=json.dumps(BODY), headers=headers, auth=crm)
    assert answer.status_code == 202
