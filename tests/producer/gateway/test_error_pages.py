"""Errors for people: a page for who opens an address in a browser, JSON for every program."""

import httpx
import pytest

from producer.records.subscribers import add_subscriber
from tests.support.gateway import BODY, NAMESPACE, TEST_PATH, running_gateway, settings

pytestmark = pytest.mark.redis_server
CHROMIUM = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "none",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def shown(answer, status, words):
    """It is a page of ours that says what is wrong, with the headers that pages have."""
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "text/html; charset=utf-8",
    )
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert f"HTTP {status}" in answer.text
    assert words in answer.text
    assert '<html lang="en">' in answer.text
    assert answer.text.count("<h1>") == 1


async def test_nothing_at_an_address_is_a_page(gateway):
    shown(await gateway.get("/nothing", headers=CHROMIUM), 404, "There is nothing at this address.")


async def test_a_wrong_method_is_a_page_that_still_names_the_right_ones(gateway):
    answer = await gateway.post("/healthz", headers=CHROMIUM)
    shown(answer, 405, "This address does not take this method.")
    assert answer.headers["allow"] == "GET, HEAD"


async def test_who_does_not_log_in_is_asked_again_and_told_on_a_page(gateway, crm):
    for auth in (None, httpx.BasicAuth("crm", "wrong")):
        answer = await gateway.get("/", headers=CHROMIUM, auth=auth)
        shown(answer, 401, "log in")
        assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_a_form_of_another_site_is_a_page(gateway, crm, worker):
    foreign = {**CHROMIUM, "Sec-Fetch-Site": "cross-site"}
    data = {"smtpHost": "mx.example"}
    shown(await gateway.post("/", data=data, headers=foreign, auth=crm), 403, "another site")


async def test_a_form_for_another_dealer_comes_back_as_it_was_typed(gateway, store, worker):
    """A browser that goes back shows an empty one."""
    made = add_subscriber(store, NAMESPACE, "s", ["dealer-1", "dealer-3"])
    data = {"dealerUUID": "dealer-2", "smtpHost": "mx.example", "password": "pw-1"}
    auth = httpx.BasicAuth("s", made.password)
    answer = await gateway.post("/", data=data, headers=CHROMIUM, auth=auth)
    assert answer.status_code == 403
    assert "<li>dealerUUID: This user may not" in answer.text
    assert 'value="mx.example"' in answer.text
    assert 'value="dealer-2"' in answer.text
    assert "pw-1" not in answer.text
    told = await gateway.post("/", data=data, auth=auth)
    assert (told.status_code, told.json()["code"]) == (403, "REQUEST_NOT_AUTHORIZED")
    assert await worker.queued() == 0


async def test_too_many_and_too_large_are_pages(store, server, crm, worker):
    few = settings(server.url, gateway_requests_per_minute=1, gateway_max_body_bytes=100)
    async with running_gateway(few) as gateway:
        data = {"smtpHost": "mx.example"}
        await gateway.post("/", data=data, auth=crm, headers=CHROMIUM)
        answer = await gateway.post("/", data=data, auth=crm, headers=CHROMIUM)
        shown(answer, 429, f"Wait {answer.headers['retry-after']} seconds")
        large = {"smtpHost": "x" * 200}
        shown(await gateway.post("/", data=large, auth=crm, headers=CHROMIUM), 413, "Split")


async def test_without_redis_it_is_a_page_that_says_when_to_come_back(tmp_path):
    async with running_gateway(settings("redis://127.0.0.1:1")) as gateway:
        answer = await gateway.get("/", headers=CHROMIUM, auth=httpx.BasicAuth("a", "b"))
        shown(answer, 503, f"Wait {answer.headers['retry-after']} seconds")


async def test_an_unknown_job_is_a_page_for_whoever_accepts_one(gateway, crm):
    answer = await gateway.get("/jobs/none", auth=crm, headers={"Accept": "text/html"})
    shown(answer, 404, "no such job")


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, {"Accept": "text/html"}])
async def test_programs_are_told_in_json_whatever_they_accept(gateway, crm, headers):
    for path in ("/nothing", "/jobs/none/report", "/static/none", "/"):
        method = "DELETE" if path == "/" else "GET"
        answer = await gateway.request(method, path, auth=crm, headers=headers)
        assert answer.status_code in (404, 405)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_an_endpoint_keeps_its_shape_also_for_a_browser(gateway, crm, shop):
    tested = await gateway.post(TEST_PATH, json=BODY, headers=CHROMIUM)
    assert tested.json()["errors"][0]["errorCode"] == "NULL_CREDENTIALS"
    listed = await gateway.get("/api/v1/app-integrations/smtp", headers=CHROMIUM)
    assert listed.json()["statusCode"] == 401


async def test_the_page_quotes_nothing_of_the_request(gateway, crm):
    answer = await gateway.get("/<script>alert(1)</script>?q=<b>", headers=CHROMIUM)
    assert "alert(1)" not in answer.text
    assert answer.status_code == 404
