"""How long a submit waits, and where its result is afterwards (RFC 7240)."""

import asyncio

import pytest
from starlette.requests import Request

from producer.gateway.intake import _preferences, wait_preference
from tests.support.gateway import BODY, RESULT, TEST_PATH, running_gateway, settings

pytestmark = pytest.mark.redis_server
EMPTY = {"emailCredentialsResponses": [], "errors": [], "warnings": []}


async def until(gateway, line):
    while line not in (await gateway.get("/metrics")).text:
        pass


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("respond-async", "respond-async"),
        ("wait=0", "wait=0"),
        ('foo="a, wait=9", WAIT = "0" ; x=1, wait=7', "wait=0"),
        ("respond-async, wait=0", "respond-async, wait=0"),
    ],
)
async def test_a_preference_not_to_wait_gets_a_202_at_once(gateway, crm, worker, prefer, applied):
    answer = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers={"Prefer": prefer})
    job_id = await worker.take()

    assert (answer.status_code, answer.json()) == (202, EMPTY)
    assert answer.headers["preference-applied"] == applied
    assert answer.headers["location"] == f"/jobs/{job_id}"
    assert answer.headers["content-location"] == f"/jobs/{job_id}"
    assert int(answer.headers["retry-after"]) >= 1


async def test_when_the_time_is_up_a_submit_gets_a_202_and_the_job_goes_on(gateway, crm, worker):
    answer = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers={"Prefer": "wait=1"})
    assert answer.status_code == 202

    where = answer.headers["location"]
    again = await gateway.get(where, auth=crm)
    assert (again.status_code, again.json()) == (202, EMPTY)

    await worker.answer_next()
    done = await gateway.get(where, auth=crm)
    assert (done.status_code, done.json()) == (200, RESULT)
    assert done.headers["content-location"] == where


async def test_the_wait_of_the_settings_holds_where_the_caller_does_not_say(
    store, server, crm, worker
):
    async with running_gateway(settings(server.url, gateway_wait_seconds=0.05)) as client:
        answer = await client.post(TEST_PATH, json=BODY, auth=crm)
        assert answer.status_code == 202
        assert "preference-applied" not in answer.headers

        asked = asyncio.create_task(
            client.post(TEST_PATH, json=BODY, auth=crm, headers={"Prefer": "wait=20"})
        )
        await worker.answer_next()
        await worker.answer_next()
        assert (await asked).status_code == 200


async def test_a_result_that_came_while_nobody_listened_is_found_all_the_same(gateway, crm, worker):
    """The message is published before anybody waits: looking comes after subscribing."""
    key = {"Idempotency-Key": "early"}
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers={**key, "Prefer": "respond-async"})
    await worker.answer_next()
    answer = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=key)
    assert (answer.status_code, answer.json()) == (200, RESULT)


async def test_a_lost_message_costs_a_moment_and_no_result(gateway, crm, worker):
    asked = asyncio.create_task(gateway.post(TEST_PATH, json=BODY, auth=crm))
    job_id = await worker.take()
    await worker.redis.set(worker.keys.result(job_id), '{"errors": []}')  # no PUBLISH

    assert (await asyncio.wait_for(asked, 10)).json() == {"errors": []}


async def test_a_client_that_leaves_does_not_end_its_job_and_is_waited_for_no_longer(
    gateway, crm, worker
):
    asked = asyncio.create_task(gateway.post(TEST_PATH, json=BODY, auth=crm))
    job_id = await worker.take()
    asked.cancel()
    async with asyncio.timeout(10):
        await until(gateway, "mailvouch_gateway_waiting 0.0")
    assert await worker.request(job_id)


def test_preferences_are_read_as_rfc_7240_writes_them():
    assert _preferences('a, B="x, y;z" ; p="q,r", c=1;d, =bad, a=2, wait') == {
        "a": "",
        "b": "x, y;z",
        "c": "1",
        "wait": "",
    }
    assert _preferences('"' * 2000 + "," * 2000) == {}


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (b"wait=3601", 3600),
        (b"wait=99999999999", 3600),
        (b"wait=" + b"9" * 5000, 3600),
        (b"wait=000000000000", 0),
        (b"wait=-1", 7),
        (b"wait=+1", 7),
        (b"wait=1.5", 7),
        (b"wait=1e3", 7),
        (b"wait=NaN", 7),
        ("wait=\u0663".encode(), 7),
    ],
)
def test_no_wait_is_longer_than_an_hour_and_what_is_no_number_is_not_asked(asked, seconds):
    request = Request({"type": "http", "headers": [(b"prefer", asked)]})
    assert wait_preference(request, 7).seconds == seconds
