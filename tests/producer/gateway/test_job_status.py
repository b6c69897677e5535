"""`GET /jobs/{id}` and its report."""

import pytest

from producer.contract.names import Queue
from producer.gateway.answers import status_of
from producer.gateway.negotiation import best_type
from tests.support.gateway import BODY, RESULT, TEST_PATH

pytestmark = pytest.mark.redis_server
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
async def job(gateway, crm, worker):
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=ASYNC)
    return await worker.take()


async def test_the_report_is_there_with_the_result(gateway, crm, worker, job):
    early = await gateway.get(f"/jobs/{job}/report", auth=crm)
    assert (early.status_code, early.headers["location"]) == (202, f"/jobs/{job}")

    await worker.finish(job, RESULT, {"jobId": job, "items": []})
    report = await gateway.get(f"/jobs/{job}/report", auth=crm)
    assert (report.status_code, report.json()) == (200, {"jobId": job, "items": []})
    assert report.headers["content-location"] == f"/jobs/{job}"


async def test_a_result_of_errors_is_a_200_of_the_job(gateway, crm, worker, job):
    errors = [{"errorCode": "INVALID_REQUEST_DATA", "errorDescription": "", "errorUID": ""}]
    await worker.finish(job, {**RESULT, "errors": errors})
    assert (await gateway.get(f"/jobs/{job}", auth=crm)).status_code == 200


async def test_a_failed_trial_of_settings_is_a_200_of_the_job_and_a_400_in_its_envelope(
    gateway, shop, worker
):
    headers = {**shop, **ASYNC}
    path = "/api/v1/app-integrations/smtp/test"
    taken = await gateway.post(path, json={"host": "mx.example"}, headers=headers)
    failed = {"success": False, "statusCode": 400, "message": "x", "data": None, "errors": []}
    await worker.answer_next(failed, Queue.INTEGRATION_UPDATES)
    answer = await gateway.get(taken.headers["location"], headers=shop)
    assert (answer.status_code, answer.json()) == (200, failed)


async def test_without_a_credential_a_job_is_a_401_problem_that_asks_for_basic(gateway, shop, job):
    for headers in ({}, {**shop, "Auth-Key": "wrong"}):
        answer = await gateway.get(f"/jobs/{job}", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_another_familys_caller_does_not_see_it(gateway, shop, job):
    assert (await gateway.get(f"/jobs/{job}", headers=shop)).status_code == 404


@pytest.mark.parametrize("job_id", ["unknown", "no%20id", "x" * 129, "%FF"])
async def test_an_unknown_job_is_a_404(gateway, crm, worker, job_id):
    answer = await gateway.get(f"/jobs/{job_id}", auth=crm)
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html", "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json, text/html;q=0.9", "application/json"),
        ("text/*;q=0.5, application/json;q=0.1", "text/html"),
        ("application/json;q=0, text/html;q=0.1", "text/html"),
        ("text/html;q=x", "application/json"),
    ],
)
def test_accept_chooses_as_rfc_9110_says(accept, chosen):
    assert best_type(accept, ("application/json", "text/html")) == chosen


async def test_accept_makes_a_page_of_a_job_and_of_nothing_else(gateway, crm, worker, job):
    html = {"Accept": "text/html"}
    page = await gateway.get(f"/jobs/{job}", auth=crm, headers=html)
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-location"] == f"/jobs/{job}"
    assert "Accept" in page.headers["vary"]

    for path in (f"/jobs/{job}/report", "/healthz", "/nothing"):
        answer = await gateway.get(path, auth=crm, headers=html)
        assert "json" in answer.headers["content-type"]


async def test_an_unreadable_report_does_not_keep_the_result_from_its_page(
    gateway, crm, worker, store, job
):
    await worker.finish(job, RESULT)
    for stored in ("no JSON", "[1]", "[" * 100_000):
        store.set(f"mailvouch:report:{job}", stored)
        page = await gateway.get(f"/jobs/{job}", auth=crm, headers={"Accept": "text/html"})
        assert page.status_code == 200


async def test_what_is_no_unicode_in_a_result_is_shown_as_a_question_mark(
    gateway, crm, worker, job
):
    """A request may hold half a surrogate pair, and an echo of it comes back."""
    item = {"dealerEmail": "a\ud800b", "outcome": "FAILURE", "errors": [], "warnings": []}
    await worker.finish(job, {**RESULT, "emailCredentialsResponses": [item]})
    page = await gateway.get(f"/jobs/{job}", auth=crm, headers={"Accept": "text/html"})
    form = await gateway.get("/", params={"job": job, "item": "1"}, auth=crm)
    assert (page.status_code, form.status_code) == (200, 200)
    assert 'value="a?b"' in form.text


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ({"statusCode": 404}, 404),
        ({"statusCode": "many"}, 500),
        ({"statusCode": 99}, 500),
        ({"statusCode": None}, 500),
        ({}, 200),
        ({"errors": None}, 200),
        ({"errors": ["x", 1]}, 200),
        ({"errors": [{"errorCode": []}]}, 400),
        ({"errors": [{"errorCode": "WORKER_FAILED"}]}, 500),
    ],
)
def test_a_result_of_any_shape_has_a_status(result, status):
    assert status_of(result) == status


async def test_the_page_of_a_waiting_job_says_where_no_worker_runs(gateway, crm, silent_worker):
    taken = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=ASYNC)
    html = {"Accept": "text/html"}
    where = taken.headers["location"]
    assert "No worker runs now." in (await gateway.get(where, auth=crm, headers=html)).text
    await silent_worker.beat()
    assert "No worker runs" not in (await gateway.get(where, auth=crm, headers=html)).text
