"""Redis is there, but refuses a command or holds something foreign: a 503, and the log says which.

Each command and each key by itself: what is whole beside it goes on.
"""

import json

import pytest
import structlog

from producer.contract.names import Queue
from producer.contract.ownership import normalise_brand
from producer.records.store import StoreKeys
from tests.support.gateway import BODY, TEST_PATH, running_gateway, settings

pytestmark = pytest.mark.redis_server
FAMILY = "/api/v1/app-integrations/smtp"
JOB = "mailvouch:gateway:job:k"
QUEUE = "mailvouch:credential-tests"
RATE = "mailvouch:gateway:rate:subscriber:crm:*"
KEYS = StoreKeys("mailvouch")
SHOP = normalise_brand("https://shop.example")
SUBMIT = {"Idempotency-Key": "k", "Prefer": "respond-async"}


@pytest.fixture
def limited(store, server):
    """Makes a Redis user that may do all but some commands; returns its URL."""

    def allow_all_but(*commands):
        rules = ["+@all", *(f"-{command}" for command in commands)]
        store.acl_setuser("limited", enabled=True, passwords=["+pw"], keys=["*"], channels=["*"])
        store.execute_command("ACL", "SETUSER", "limited", *rules)
        return f"redis://limited:pw@127.0.0.1:{server.port}/0"

    yield allow_all_but
    store.acl_deluser("limited")


def troubles(lines):
    """(command, key) of what the log says of Redis."""
    return {
        (line.get("command"), line.get("key"))
        for line in lines
        if line["event"] == "redis_unavailable"
    }


async def submitted(gateway, crm):
    return await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=SUBMIT)


async def listed(gateway, shop):
    return await gateway.get(FAMILY, headers=shop)


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ("HMGET", JOB),
        ("EXISTS", "mailvouch:request:k"),
        ("HSET", JOB),
        ("EXPIRE", JOB),
        ("SET", "mailvouch:request:k"),
        ("RPUSH", QUEUE),
        ("EVAL", JOB),
        ("HGET", "mailvouch:gateway:subscribers"),
    ],
)
async def test_a_submit_whose_command_is_refused_is_a_503_and_leaves_nothing(
    store, limited, crm, worker, command, key
):
    with structlog.testing.capture_logs() as lines:
        async with running_gateway(settings(limited(command.lower()))) as gateway:
            answer = await submitted(gateway, crm)
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["errorCode"] == "SERVICE_UNAVAILABLE"
    assert (command, key) in troubles(lines)
    assert "request_failed" not in {line["event"] for line in lines}
    assert not store.exists(JOB, "mailvouch:request:k", QUEUE, f"{QUEUE}.msgs")


@pytest.mark.parametrize(
    ("command", "key"),
    [
        ("HMGET", JOB),
        ("HSET", f"{QUEUE}.msgs"),
        ("RPUSH", QUEUE),
        ("SET", "mailvouch:owner:k"),
        ("INCR", RATE),
    ],
)
async def test_a_submit_to_a_key_of_another_type_is_a_503_and_works_once_it_is_mended(
    gateway, store, crm, worker, command, key
):
    if key == RATE:
        await gateway.post(TEST_PATH, json=BODY, auth=crm, headers={"Prefer": "respond-async"})
        await worker.take()
        (key,) = (name.decode() for name in store.scan_iter(match=RATE, count=10_000))
    store.delete(key)
    store.zadd(key, {"foreign": 1})
    with structlog.testing.capture_logs() as lines:
        answer = await submitted(gateway, crm)
    assert answer.status_code == 503
    assert troubles(lines) == {(command, key)}
    assert not store.exists("mailvouch:request:k")
    assert [queue for queue in Queue if store.type(f"mailvouch:{queue}") == b"list"] == []

    store.delete(key)
    assert (await submitted(gateway, crm)).status_code == 202
    assert await worker.take() == "k"


@pytest.mark.parametrize("key", ["mailvouch:result:k", "mailvouch:owner:k", JOB])
async def test_a_job_beside_a_key_of_another_type_is_a_503(gateway, store, crm, worker, key):
    await submitted(gateway, crm)
    await worker.answer_next()
    store.delete(key)
    store.zadd(key, {"foreign": 1})
    with structlog.testing.capture_logs() as lines:
        looked = await gateway.get("/jobs/k", auth=crm)
        again = await submitted(gateway, crm)
    assert (looked.status_code, again.status_code) == (503, 503)
    assert {named for _, named in troubles(lines)} == {key}


@pytest.mark.parametrize(
    ("key", "write"),
    [
        ("mailvouch:gateway:subscribers", lambda store, key: store.hset(key, "crm", "{")),
        ("mailvouch:gateway:subscribers", lambda store, key: store.hset(key, "crm", "[]")),
        (JOB, lambda store, key: store.hset(key, "kind", "foreign")),
        (JOB, lambda store, key: store.hset(key, "total", "many")),
        ("mailvouch:result:k", lambda store, key: store.set(key, "no JSON")),
    ],
)
async def test_what_is_stored_and_none_of_ours_is_a_503(gateway, store, crm, worker, key, write):
    await submitted(gateway, crm)
    await worker.answer_next()
    write(store, key)
    with structlog.testing.capture_logs() as lines:
        answer = await gateway.get("/jobs/k", auth=crm, headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert {named for _, named in troubles(lines)} == {key}


@pytest.mark.parametrize(
    ("key", "command"),
    [
        (KEYS.auth_keys(SHOP), "HMGET"),
        (KEYS.brands, "SISMEMBER"),
        (KEYS.records(SHOP), "HGETALL"),
        (KEYS.default(SHOP), "GET"),
        (KEYS.catalogue, "HVALS"),
    ],
)
async def test_the_integrations_beside_a_key_of_another_type_are_a_503(
    gateway, store, shop, command, key
):
    store.delete(key)
    store.zadd(key, {"foreign": 1})
    with structlog.testing.capture_logs() as lines:
        answer = await listed(gateway, shop)
    assert answer.status_code == 503
    assert answer.json()["errors"][0]["code"] == "ServiceUnavailable"
    assert troubles(lines) == {(command, key)}


@pytest.mark.parametrize("command", ["hmget", "time", "sismember", "hgetall", "get", "hvals"])
async def test_the_integrations_without_a_command_are_a_503(limited, shop, command):
    with structlog.testing.capture_logs() as lines:
        async with running_gateway(settings(limited(command))) as gateway:
            answer = await listed(gateway, shop)
    assert answer.status_code == 503
    assert command.upper() in {named for named, _ in troubles(lines)}


async def test_an_integration_that_is_unreadable_is_a_503(gateway, store, shop):
    store.hset(KEYS.records(SHOP), "one", json.dumps({"no": "record"}))
    with structlog.testing.capture_logs() as lines:
        answer = await listed(gateway, shop)
    assert answer.status_code == 503
    assert len(troubles(lines)) == 1


@pytest.mark.parametrize("command", ["psubscribe", "mget"])
async def test_a_wait_without_a_command_is_told_in_the_log_once(limited, crm, worker, command):
    """Results come by PSUBSCRIBE at once, else by MGET every two seconds."""
    with structlog.testing.capture_logs() as lines:
        async with running_gateway(settings(limited(command))) as gateway:
            wait = {"Idempotency-Key": "k", "Prefer": "wait=1"}
            answer = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=wait)
    assert answer.status_code == 202
    said = [line for line in lines if line["event"] == "redis_unavailable"]
    assert [line["command"] for line in said] == [command.upper()]


async def test_readiness_without_the_heartbeats_is_a_503(gateway, store, worker):
    store.delete("mailvouch:__heartbeats__")
    store.set("mailvouch:__heartbeats__", "foreign")
    with structlog.testing.capture_logs() as lines:
        answer = await gateway.get("/readyz")
    assert answer.status_code == 503
    assert troubles(lines) <= {("EVAL", "mailvouch:__heartbeats__")}


async def test_one_queue_that_is_broken_stops_no_other(gateway, store, crm, shop, worker):
    store.set(QUEUE, "foreign")
    assert (await submitted(gateway, crm)).status_code == 503
    headers = {**shop, "Prefer": "respond-async"}
    taken = await gateway.post(f"{FAMILY}/test", json={"host": "mx.example"}, headers=headers)
    assert taken.status_code == 202
    assert await worker.queued(Queue.INTEGRATION_UPDATES) == 1
