"""`GET /` and `POST /` as HTTP; what is on the page has tests of its own."""

import httpx
import pytest

from producer.records.subscribers import add_subscriber
from tests.support.gateway import NAMESPACE

pytestmark = pytest.mark.redis_server
FIELDS = {
    "dealerUUID": "dealer-1",
    "dealerEmail": "a@shop.example",
    "smtpHost": "mx.example",
    "smtpPassword": "x",
}


async def test_the_page_is_for_subscribers(gateway, crm):
    for method in ("GET", "POST"):
        answer = await gateway.request(method, "/")
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
    page = await gateway.get("/", auth=crm)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_a_form_becomes_a_job_and_leads_to_its_page(gateway, crm, silent_worker):
    answer = await gateway.post("/", data=FIELDS, auth=crm)
    job_id = await silent_worker.take()
    envelope = await silent_worker.request(job_id)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{job_id}")
    assert envelope["dealerUUID"] == "dealer-1"
    (item,) = envelope["body"]["emailCredentialsRequests"]
    assert item["smtpHost"] == "mx.example"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://own.example:8080"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Origin": "http://own.example:8080"}, 303),
        ({"Origin": "https://own.example:8080"}, 403),
        ({"Origin": "http://own.example"}, 403),
        ({"Origin": "http://own.example.evil:8080"}, 403),
        ({"Origin": "http://[::1"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 303),
    ],
)
async def test_a_form_of_another_origin_is_refused(gateway, crm, worker, headers, status):
    sent = {"Host": "own.example:8080", **headers}
    answer = await gateway.post("/", data=FIELDS, auth=crm, headers=sent)
    assert answer.status_code == status
    assert await worker.queued() == (status == 303)


async def test_a_form_of_another_type_is_a_415(gateway, crm, worker):
    for kind in ("multipart/form-data; boundary=x", "text/plain", "application/json"):
        headers = {"Content-Type": kind}
        answer = await gateway.post("/", content=b"a=b", headers=headers, auth=crm)
        assert answer.status_code == 415
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_form_that_is_not_urlencoded_utf_8_is_a_400(gateway, crm, worker):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (b"a=%FF", "a=ü".encode(), b"a=b&" * 500):
        answer = await gateway.post("/", content=content, headers=headers, auth=crm)
        assert answer.status_code == 400
        assert '<form method="post"' in answer.text
        assert "urlencoded" in answer.text


async def test_what_is_wrong_with_a_form_is_said_above_what_was_typed(gateway, crm, worker):
    table = "smtpHost,dealerUUID\na," + "x" * 129
    for wrong in ({"dealerUUID": "x" * 129}, {"dealerUUID": "", "batch": table}):
        answer = await gateway.post("/", data=FIELDS | wrong, auth=crm)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/html")
        assert "dealerUUID must have at most 128 characters." in answer.text
        assert 'value="mx.example"' in answer.text
    assert await worker.queued() == 0


async def test_another_dealer_is_a_403_here_too(gateway, store, worker):
    made = add_subscriber(store, NAMESPACE, "partner", ["dealer-2"])
    answer = await gateway.post("/", data=FIELDS, auth=("partner", made.password))
    assert answer.status_code == 403


async def test_a_blank_dealer_is_the_only_one_and_asked_for_where_there_are_several(
    gateway, store, silent_worker
):
    of_one = add_subscriber(store, NAMESPACE, "one", ["dealer-2"]).password
    of_two = add_subscriber(store, NAMESPACE, "two", ["dealer-2", "dealer-3"]).password
    blank = {**FIELDS, "dealerUUID": " "}
    assert (await gateway.post("/", data=blank, auth=("one", of_one))).status_code == 303
    envelope = await silent_worker.request(await silent_worker.take())
    assert envelope["dealerUUID"] == "dealer-2"

    asked = await gateway.post("/", data=blank, auth=("two", of_two))
    assert asked.status_code == 400
    assert "dealerUUID must name one of your dealers." in asked.text
    assert 'value="mx.example"' in asked.text
    assert await silent_worker.queued() == 0


async def test_an_account_of_an_own_job_is_taken_over_into_the_form(gateway, crm, silent_worker):
    answer = await gateway.post("/", data=FIELDS, auth=crm)
    job_id = await silent_worker.take()
    item = {"dealerEmail": "kept@shop.example", "outcome": "FAILURE"}
    await silent_worker.finish(job_id, {"emailCredentialsResponses": [item]})
    page = await gateway.get(f"/?job={job_id}&item=1", auth=crm)
    assert answer.status_code == 303
    assert "kept@shop.example" in page.text
    assert 'value="dealer-1"' in page.text  # of all that this subscriber may test for


async def test_nobody_elses_job_is_taken_over(gateway, crm, store, silent_worker):
    await gateway.post("/", data=FIELDS, auth=crm)
    job_id = await silent_worker.take()
    item = {"dealerEmail": "kept@shop.example", "outcome": "FAILURE"}
    await silent_worker.finish(job_id, {"emailCredentialsResponses": [item]})
    other = httpx.BasicAuth("other", add_subscriber(store, NAMESPACE, "other", []).password)
    page = await gateway.get(f"/?job={job_id}&item=1", auth=other)
    assert page.status_code == 200
    assert "kept@shop.example" not in page.text


async def test_an_address_chooses_no_field_of_the_form(gateway, crm):
    page = await gateway.get("/?smtpHost=evil.example&job=no-such&item=1", auth=crm)
    assert page.status_code == 200
    assert "evil.example" not in page.text


async def test_a_batch_of_any_depth_is_taken_or_refused_and_never_an_error(gateway, crm, worker):
    """It is read on one stack and written on another."""
    statuses = set()
    for depth in range(800, 1000, 5):
        nested = "[" * depth + "]" * depth
        batch = f'{{"emailCredentialsRequests": [{{"smtpHost": "mx", "odd": {nested}}}]}}'
        answer = await gateway.post("/", data={"batch": batch}, auth=crm)
        statuses.add(answer.status_code)
    assert statuses <= {303, 400}
