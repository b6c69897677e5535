"""The page for operators: queues, workers, failures by code, dead letters. It only reads."""

import json
import re
import time

import httpx
import pytest

from producer.contract.flaws import Flaw
from producer.gateway.shard_overview import MOST_LETTERS
from producer.records.subscribers import add_subscriber
from tests.support.gateway import BODY, NAMESPACE, RESULT, TEST_PATH, running_gateway, settings
from worker.queue.message import Poison, describe

pytestmark = pytest.mark.redis_server
DEAD = "mailvouch:credential-tests.XQ"
HEARTBEATS = "mailvouch:__heartbeats__"
ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def operator(store):
    return httpx.BasicAuth("op", add_subscriber(store, NAMESPACE, "op", []).password)


@pytest.fixture
async def open_gateway(store, server):
    chosen = settings(server.url, gateway_operators="op, night-shift")
    async with running_gateway(chosen) as client:
        yield client


def rows(page):
    """The cells of each row of the page's tables, without their markup."""
    found = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in found]
    return [
        [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in row] for row in cells if row
    ]


async def looked(client, operator):
    answer = await client.get("/operations", auth=operator)
    assert answer.status_code == 200
    return answer.text


def probe(code):
    return {"code": code, "serverReply": "535 hunter2", "phase": "auth"}


async def test_there_is_no_such_page_unless_the_settings_name_operators(gateway, crm):
    assert (await gateway.get("/operations", auth=crm)).status_code == 404


async def test_it_is_for_operators_alone(open_gateway, crm, operator):
    statuses = [
        (await open_gateway.get("/operations", auth=auth)).status_code
        for auth in (None, httpx.BasicAuth("op", "wrong"), crm, operator)
    ]
    assert statuses == [401, 401, 403, 200]
    assert (await open_gateway.post("/operations", auth=operator)).status_code == 405
    assert (await open_gateway.head("/operations", auth=operator)).status_code == 200


async def test_a_revoked_operator_is_out(open_gateway, operator, store):
    await looked(open_gateway, operator)
    store.hdel("mailvouch:gateway:subscribers", "op")
    assert (await open_gateway.get("/operations", auth=operator)).status_code == 401


async def test_it_counts_what_waits_and_runs(open_gateway, crm, operator, worker, store):
    for _ in range(3):
        await open_gateway.post(TEST_PATH, json=BODY, auth=crm, headers=ASYNC)
    store.lpop("mailvouch:credential-tests")  # fetched, and not acknowledged
    store.hset("mailvouch:credential-tests.DQ.msgs", "later", "{}")
    found = {row[0]: row[1:] for row in rows(await looked(open_gateway, operator))}
    assert found["credential-tests"][:4] == ["2", "1", "1", "0"]
    assert found["credential-tests"][4].endswith(" s")
    assert found["integration-updates"] == ["0", "0", "0", "0", "none"]


async def test_it_shows_each_worker_and_whether_it_lives(open_gateway, operator, store):
    assert "No worker runs" in await looked(open_gateway, operator)
    now_ms = time.time() * 1000
    store.zadd(HEARTBEATS, {"young": now_ms, "old": now_ms - 600_000, "ahead": now_ms + 600_000})
    found = {row[0]: row[1:] for row in rows(await looked(open_gateway, operator))}
    assert found["young"][1] == "✔ lives"
    assert found["old"] == ["10 min ago", "✘ silent"]
    assert found["ahead"][1] == "✘ silent"


async def test_failures_are_counted_by_code_over_all_jobs_that_ended(
    open_gateway, operator, worker
):
    await looked(open_gateway, operator)
    for number, codes in enumerate([("OK", "DNS_NOT_FOUND"), ("AUTHENTICATION_FAILED", None)] * 2):
        smtp, imap = (code and probe(code) for code in codes)
        report = {"items": [{"smtp": smtp, "imap": imap}]}
        await worker.finish(f"by-redis-{number}", RESULT, report)
    await worker.finish("unreadable", RESULT, {"items": []})
    page = ""
    while "REQUEST_REFUSED" not in page:  # published, and heard a moment later
        page = await looked(open_gateway, operator)
    found = {row[0]: row[1:] for row in rows(page)}
    assert found["IMAP_DNS_NOT_FOUND"][0] == "2"
    assert found["SMTP_AUTHENTICATION_FAILED"][0] == "2"
    assert found["SMTP_AUTHENTICATION_FAILED"][2] == "by-redis-3"
    assert found["REQUEST_REFUSED"][0] == "1"
    assert "SMTP_OK" not in page
    assert "hunter2" not in page


async def test_dead_letters_are_shown_the_newest_first_and_not_all(open_gateway, operator, store):
    for number in range(MOST_LETTERS + 5):
        poison = Poison("credential-tests", b"m", Flaw.NO_JSON, 9, f"job-{number}")
        store.zadd(DEAD, {f"letter-{number:02}": 1_790_000_000_000 + number * 1000})
        store.hset(f"{DEAD}.msgs", f"letter-{number:02}", describe(poison))
    found = [row for row in rows(await looked(open_gateway, operator)) if row[0][:6] == "letter"]
    assert len(found) == MOST_LETTERS
    assert found[0] == [
        "letter-24",
        "credential-tests",
        "2026-09-21 14:13:44 UTC",
        "job-24",
        "not valid JSON",
    ]


async def test_what_others_wrote_into_redis_is_neither_quoted_nor_run(
    open_gateway, operator, store, worker
):
    """A stock Dramatiq worker stores a message as it came, and that may hold anything."""
    foreign = {
        "args": ["two", "s3cret words"],
        "kwargs": {"password": "s3cret"},
        "options": {"flaw": "s3cret", "traceback": "s3cret"},
    }
    for name, body in {"whole": json.dumps(foreign), "junk": b"\xff s3cret", "list": "[1]"}.items():
        store.zadd(DEAD, {name: 1})
        store.hset(f"{DEAD}.msgs", name, body)
    store.zadd(DEAD, {"gone": 1, "<script>alert(1)</script>": 2})
    store.zadd(HEARTBEATS, {"<b>worker</b>": time.time() * 1000})
    await worker.finish("j", RESULT, {"items": [{"smtp": {"code": "<i>"}, "imap": 7}, 3]})
    page = await looked(open_gateway, operator)
    assert "s3cret" not in page
    assert not re.search(r"<(script>|b>|i>)", page)
    assert len([row for row in rows(page) if row[-1] == "not known"]) == 5


@pytest.mark.parametrize(
    "stamp", ["9" * 400, "-1e308", "1e999", "NaN", "null", '"x"', "true", "[]"]
)
@pytest.mark.parametrize("score", ["inf", "-inf", "1e300", "-1"])
async def test_no_stored_number_is_too_odd_to_be_shown(open_gateway, operator, store, stamp, score):
    store.rpush("mailvouch:credential-tests", "m")
    store.hset("mailvouch:credential-tests.msgs", "m", f'{{"message_timestamp": {stamp}}}')
    store.zadd(DEAD, {"letter": score})
    store.zadd(HEARTBEATS, {"worker": score})
    assert "letter" in await looked(open_gateway, operator)


@pytest.mark.parametrize(
    "key",
    ["mailvouch:credential-tests", "mailvouch:credential-tests.msgs", DEAD, HEARTBEATS],
)
async def test_a_key_of_another_type_is_a_503(open_gateway, operator, store, key):
    store.set(key, "foreign")
    assert (await open_gateway.get("/operations", auth=operator)).status_code == 503


async def test_it_writes_nothing(open_gateway, crm, operator, store, worker):
    await open_gateway.post(TEST_PATH, json=BODY, auth=crm, headers=ASYNC)
    before = {key: store.dump(key) for key in store.keys("*")}
    await looked(open_gateway, operator)
    assert {key: store.dump(key) for key in store.keys("*")} == before
