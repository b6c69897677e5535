"""What the gateway answers is what /openapi.json says: status, media type, headers."""

import asyncio

import httpx
import pytest

from producer.gateway.form_request import FORM_FIELDS
from tests.support.gateway import BODY, TEST_PATH

pytestmark = pytest.mark.redis_server

FAMILY = "/api/v1/app-integrations/smtp"
ASYNC = {"Prefer": "respond-async"}
OF_THE_CONNECTION = {"date", "content-type", "content-length", "connection", "transfer-encoding"}
ANSWER_400 = {
    "success": False,
    "statusCode": 400,
    "message": "x",
    "data": None,
    "errors": [{"code": "SMTP_DNS_NOT_FOUND", "message": "x", "correlationId": "x"}],
}


@pytest.fixture
async def check(gateway):
    """Send a request to a path of the description; fail where the answer is not declared."""
    description = (await gateway.get("/openapi.json")).json()

    async def send(method: str, template: str, path: str = "", **given) -> httpx.Response:
        answer = await gateway.request(method, path or template, **given)
        operation = description["paths"][template][method.lower()]
        declared = operation["responses"].get(str(answer.status_code))
        assert declared is not None, f"{method} {template}: {answer.status_code}"
        names = {name.lower() for name in declared["headers"]} | OF_THE_CONNECTION
        assert not set(answer.headers) - names
        if answer.content:
            assert answer.headers["content-type"].partition(";")[0] in declared["content"]
        return answer

    return send


async def test_the_answers_of_a_test_are_declared(check, crm, worker):
    template = "/communications/dealers/{dealerUUID}/email-credentials/test"
    taken = await check("POST", template, TEST_PATH, json=BODY, auth=crm, headers=ASYNC)
    await worker.answer_next()
    key = {"Idempotency-Key": taken.headers["location"].removeprefix("/jobs/"), "Prefer": "wait=1"}
    done = await check("POST", template, TEST_PATH, json=BODY, auth=crm, headers=key)
    none = await check("POST", template, TEST_PATH, json=BODY)
    wrong = await check("POST", template, TEST_PATH, json={}, auth=crm)
    reused = await check("POST", template, TEST_PATH, json=BODY | {"x": 1}, auth=crm, headers=key)
    statuses = [answer.status_code for answer in (taken, done, none, wrong, reused)]
    assert statuses == [202, 200, 401, 400, 409]


async def test_the_answers_of_a_job_are_declared(check, crm, worker):
    template = "/communications/dealers/{dealerUUID}/email-credentials/test"
    taken = await check("POST", template, TEST_PATH, json=BODY, auth=crm, headers=ASYNC)
    place = taken.headers["location"]
    statuses = []
    for ended in (False, True):
        if ended:
            await worker.answer_next()
        for part in ("", "/report", *(["/events"] if ended else [])):
            for method in ("GET", "HEAD"):
                answer = await check(method, f"/jobs/{{id}}{part}", place + part, auth=crm)
                statuses.append(answer.status_code)
    assert statuses == [202] * 4 + [200] * 6
    page = await check("GET", "/jobs/{id}", place, auth=crm, headers={"Accept": "text/html"})
    assert "vary" in page.headers
    for path, status in (("/jobs/%FF", 400), ("/jobs/none", 404)):
        assert (await check("GET", "/jobs/{id}", path, auth=crm)).status_code == status


async def test_an_integrations_error_that_a_worker_found_says_where_its_job_is(
    check, gateway, shop, worker
):
    key = shop | {"Idempotency-Key": "k"}
    given = {"json": {"host": "mx.example"}, "headers": key | ASYNC}
    await check("POST", f"{FAMILY}/test", **given)
    await worker.finish("k", ANSWER_400)
    answer = await check("POST", f"{FAMILY}/test", json={"host": "mx.example"}, headers=key)
    assert (answer.status_code, answer.headers["content-location"]) == (400, "/jobs/k")


async def test_the_answers_for_one_integration_are_declared(check, shop):
    for path, status in ((f"{FAMILY}/none", 404), (f"{FAMILY}/%FF", 400)):
        answer = await check("GET", f"{FAMILY}/{{id}}", path, headers=shop)
        assert answer.status_code == status


async def test_the_answers_of_the_page_and_the_service_are_declared(check, crm, worker):
    for path in ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
        for method in ("GET", "HEAD"):
            assert (await check(method, path, auth=crm)).status_code == 200
    for data, status in (({"smtpHost": "mx.example"}, 303), ({"smtpPort": "0"}, 400)):
        assert (await check("POST", "/", data=data, auth=crm)).status_code == status


async def test_a_request_that_nobody_can_answer_has_a_declared_answer_too(check):
    """Its length is announced in two ways, or its credential is there twice."""
    twice = [("Authorization", "Basic YTpi"), ("Authorization", "Basic YTpj")]
    unclear = [("Content-Length", "1"), ("Transfer-Encoding", "chunked")]
    for path in ("/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"):
        given = twice if path == "/" else unclear
        answer = await check("GET", path, headers=[*given, ("Connection", "close")], content=b"")
        assert (answer.status_code, path) == (400, path)
    form = [*twice, ("Content-Type", "application/x-www-form-urlencoded")]
    assert (await check("POST", "/", headers=form, content=b"")).status_code == 400


async def test_a_gateway_of_which_a_part_has_ended_says_what_is_declared(check):
    (arrivals,) = [task for task in asyncio.all_tasks() if "Arrivals.run" in repr(task)]
    arrivals.cancel()
    await asyncio.wait({arrivals})
    assert (await check("GET", "/healthz")).json() == {"status": "failed"}


async def test_every_field_of_the_form_is_declared(gateway):
    schemas = (await gateway.get("/openapi.json")).json()["components"]["schemas"]
    assert set(FORM_FIELDS) <= set(schemas["TestForm"]["properties"])
