"""The main job through real processes: client, Redis, worker, and servers that a test scripts."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from producer.client import credential_test
from tests.support import certificates
from tests.support.queueing import wait_for
from tests.support.servers import serve

CANARY = "Zq7-canary-p4ss"
USER = "dealer@example.com"
GOLDEN = Path(__file__).parents[1] / "golden" / "credential_test_example.json"


async def smtp(wire):
    await wire.line("220 mail.test ESMTP")
    await wire.expect("EHLO ")
    await wire.line("250-mail.test", "250-PIPELINING", "250 AUTH PLAIN LOGIN")
    line = await wire.expect("AUTH PLAIN (.*)")
    good = base64.b64decode(line[1]) == f"\0{USER}\0{CANARY}".encode()
    if not good:
        await wire.line(f"535 5.7.8 wrong: {base64.b64decode(line[1])!r}")
        return
    await wire.line("235 2.7.0 ok")
    await wire.expect("MAIL FROM:<dealer@example.com>")
    await wire.line("250 ok")
    await wire.expect("RSET")
    await wire.line("250 ok")


async def imap(wire):
    await wire.line("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready")
    command = await wire.expect(r"(\w+) AUTHENTICATE PLAIN (.*)")
    if base64.b64decode(command[2]) != f"\0{USER}\0{CANARY}".encode():
        await wire.line(f"{command[1]} NO [AUTHENTICATIONFAILED] wrong {command[2]}")
        return
    await wire.line(f"{command[1]} OK logged in")
    examine = await wire.expect(r"(\w+) EXAMINE")
    await wire.line("* 3 EXISTS", f"{examine[1]} OK [READ-ONLY] done")


@asynccontextmanager
async def both_servers():
    context = certificates.good("localhost", "127.0.0.1")
    async with serve(smtp, tls=context) as outgoing, serve(imap, tls=context) as incoming:
        yield outgoing, incoming


def account(outgoing, incoming, **changes):
    return {
        "dealerEmail": USER,
        "password": CANARY,
        "smtpHost": "127.0.0.1",
        "smtpPort": outgoing.port,
        "smtpUseSSLOrTLS": "true",
        "imapHost": "127.0.0.1",
        "imapPort": str(incoming.port),
        "imapUseSSLOrTLS": "true",
        **changes,
    }


async def run(worker, *items, job_id=None):
    envelope = credential_test({"emailCredentialsRequests": list(items)}, "dealer-1")
    job = await asyncio.to_thread(worker.client.submit, envelope, job_id=job_id)
    return job, await asyncio.to_thread(worker.client.wait, job, 30)


async def test_a_good_account_is_a_success_with_exactly_the_documented_keys(worker):
    async with both_servers() as servers:
        job, result = await run(worker, account(*servers))

    documented = json.loads(GOLDEN.read_text())
    assert list(result) == list(documented)
    (item,) = result["emailCredentialsResponses"]
    assert list(item) == list(documented["emailCredentialsResponses"][0])
    assert (item["outcome"], item["error"], item["errors"]) == ("SUCCESS", "", [])
    report = worker.client.report(job)
    assert {p["code"] for p in report["items"][0].values()} == {"OK"}


async def test_the_request_goes_with_the_result(worker):
    async with both_servers() as servers:
        job, _ = await run(worker, account(*servers))

    assert worker.redis.exists(f"mailvouch:request:{job}") == 0
    assert worker.redis.ttl(f"mailvouch:result:{job}") > 86_000


async def test_a_wrong_password_fails_both_protocols_with_one_login_each(worker):
    async with both_servers() as (outgoing, incoming):
        _, result = await run(worker, account(outgoing, incoming, password="not-" + CANARY))

    (item,) = result["emailCredentialsResponses"]
    assert [e["errorCode"] for e in item["errors"]] == [
        "SMTP_AUTHENTICATION_FAILED",
        "IMAP_AUTHENTICATION_FAILED",
    ]
    assert sum(line.startswith("AUTH") for line in outgoing.commands) == 1
    assert sum("AUTHENTICATE" in line for line in incoming.commands) == 1


async def test_no_secret_is_anywhere_but_in_the_request(worker):
    wrong = "wrong-" + CANARY
    async with both_servers() as servers:
        await run(worker, account(*servers), account(*servers, password=wrong))

    haystack = worker.log.encode()
    for key in worker.redis.scan_iter("*"):
        haystack += key + (worker.redis.dump(key) or b"")
        if worker.redis.type(key) == b"string":
            haystack += worker.redis.get(key)
    for needle in (CANARY, wrong, f"\0{USER}\0{CANARY}", f"\0{USER}\0{wrong}"):
        for disguise in (needle.encode(), base64.b64encode(needle.encode()).rstrip(b"=")):
            assert disguise not in haystack
        assert needle.encode().hex().encode() not in haystack


async def test_the_usual_log_has_the_job_but_neither_its_dialogues_nor_the_queues_steps(worker):
    async with both_servers() as servers:
        job, _ = await run(worker, account(*servers))

    wait_for(lambda: f'"{job}"' in worker.log)
    events = {json.loads(line)["event"] for line in worker.log.splitlines()}
    assert events.isdisjoint({"message_taken", "probe_dialogue", "message_left"})


async def test_one_bad_item_leaves_the_others_unharmed_and_in_order(worker):
    async with both_servers() as servers:
        good = account(*servers)
        _, result = await run(
            worker, {**good, "smtpPort": "no"}, good, 7, {**good, "unknownField": 1}
        )

    outcomes = [item["outcome"] for item in result["emailCredentialsResponses"]]
    assert outcomes == ["FAILURE", "SUCCESS", "FAILURE", "SUCCESS"]
    assert result["errors"] == []


async def test_the_same_job_id_again_gives_the_first_result_without_another_login(worker):
    async with both_servers() as (outgoing, incoming):
        job, first = await run(worker, account(outgoing, incoming))
        _, second = await run(worker, account(outgoing, incoming), job_id=job)

    assert second == first
    assert (outgoing.connections, incoming.connections) == (1, 1)


@pytest.mark.parametrize(
    ("request_text", "code"),
    [
        (b"{not json", "REQUEST_UNREADABLE"),
        (b"[]", "REQUEST_UNREADABLE"),
        (b"\xff\xfe", "REQUEST_UNREADABLE"),
        (b'{"version": 2, "kind": "credential-test", "body": {}}', "INVALID_REQUEST_DATA"),
        (b'{"version": 1, "kind": "weather", "body": {}}', "INVALID_REQUEST_DATA"),
        (b'{"version": 1, "kind": "credential-test"}', "INVALID_REQUEST_DATA"),
        (b'{"version": 1, "kind": "credential-test", "body": []}', "INVALID_REQUEST_DATA"),
        (
            b'{"version": 1, "kind": "credential-test", "body": {"emailCredentialsRequests": []}}',
            "INVALID_REQUEST_DATA",
        ),
        (b'{"version": 1, "kind": "integration-delete", "id": "x"}', "INVALID_REQUEST_DATA"),
        (b"eyJhbGciOiJub25lIn0.a.b.c.d", "REQUEST_UNREADABLE"),
        (None, "REQUEST_EXPIRED"),
    ],
)
async def test_a_request_of_which_nothing_can_be_run_still_ends_with_a_documented_result(
    worker, request_text, code
):
    job = enqueue_raw(worker.redis, request_text)

    result = await asyncio.to_thread(worker.client.wait, job, 30)

    assert set(result) == {"emailCredentialsResponses", "errors", "warnings"}
    assert result["emailCredentialsResponses"] == []
    assert [error["errorCode"] for error in result["errors"]] == [code]
    assert result["errors"][0]["errorDescription"].endswith(".")


async def test_51_items_run_nothing(worker):
    async with both_servers() as (outgoing, incoming):
        _, result = await run(worker, *[account(outgoing, incoming)] * 51)

    assert [error["errorCode"] for error in result["errors"]] == ["INVALID_REQUEST_DATA"]
    assert outgoing.connections == incoming.connections == 0


def enqueue_raw(redis, request_text, queue="credential-tests", actor="test_credentials"):
    """What any Redis client may do (docs/CONTRACT.md section 2)."""
    job, rid = f"raw-{redis.incr('raw')}", f"rid-{redis.incr('raw')}"
    message = {
        "queue_name": queue,
        "actor_name": actor,
        "args": [job],
        "kwargs": {},
        "options": {"redis_message_id": rid},
        "message_id": job,
        "message_timestamp": 1_800_000_000_000,
    }
    with redis.pipeline(transaction=True) as pipe:
        if request_text is not None:
            pipe.set(f"mailvouch:request:{job}", request_text, nx=True, ex=86400)
        pipe.hset(f"mailvouch:{queue}.msgs", rid, json.dumps(message))
        pipe.rpush(f"mailvouch:{queue}", rid)
        pipe.execute()
    return job


@pytest.mark.parametrize(
    "request_text", [b"{not json", b'{"version": 1, "kind": "credential-test", "body": {}}', None]
)
async def test_the_integration_queue_answers_in_its_own_envelope(worker, request_text):
    job = enqueue_raw(worker.redis, request_text, "integration-updates", "update_integration")

    result = await asyncio.to_thread(worker.client.wait, job, 30)

    assert list(result) == ["success", "statusCode", "message", "data", "errors"]
    assert (result["success"], result["data"]) == (False, None)
    assert set(result["errors"][0]) >= {"code", "message", "correlationId"}
