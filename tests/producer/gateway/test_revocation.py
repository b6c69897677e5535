"""Whose credential is taken away loses what is still open: waits get their 401, streams end."""

import asyncio

import pytest
from pydantic import SecretStr

from producer.contract.keyspace import Keyspace
from producer.gateway.admissions import Admissions
from producer.gateway.callers import BrandCaller, SubscriberCaller
from producer.gateway.claims import SubmitLimits
from producer.gateway.pace import Pace
from producer.gateway.redis_calls import CommandFailedError
from producer.gateway.store import GatewayStore
from producer.records.brands import add_brand, rotate_key
from producer.records.store import StoreKeys
from producer.records.subscribers import (
    Subscriber,
    add_subscriber,
    list_subscribers,
    revoke_subscriber,
)
from producer.redis_url import parse_redis_url
from tests.support.gateway import BODY, NAMESPACE, TEST_PATH, running_gateway, settings

pytestmark = pytest.mark.redis_server
FAMILY = "/api/v1/app-integrations/smtp"
KEYS = StoreKeys(NAMESPACE)


@pytest.fixture
async def gateway(store, server):
    async with running_gateway(settings(server.url), Pace(revocations=0.05)) as client:
        yield client


async def test_a_wait_of_a_revoked_subscriber_is_a_401_and_its_job_goes_on(
    gateway, crm, worker, store
):
    waiting = asyncio.create_task(gateway.post(TEST_PATH, json=BODY, auth=crm))
    job_id = await worker.take()
    revoke_subscriber(store, NAMESPACE, "crm")
    answer = await asyncio.wait_for(waiting, 20)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["errorCode"] == "WRONG_CREDENTIAL"
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert await worker.request(job_id)


async def test_a_stream_of_a_revoked_subscriber_ends_without_the_job(gateway, crm, worker, store):
    taken = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers={"Prefer": "respond-async"})
    async with gateway.stream("GET", f"{taken.headers['location']}/events", auth=crm) as response:
        told = response.aiter_text()
        assert "progress" in await anext(told)
        revoke_subscriber(store, NAMESPACE, "crm")
        rest = "".join([piece async for piece in told])
    assert "event: done" not in rest


async def test_a_subscriber_added_anew_under_the_name_does_not_keep_the_old_waits(
    gateway, crm, worker, store
):
    waiting = asyncio.create_task(gateway.post(TEST_PATH, json=BODY, auth=crm))
    await worker.take()
    revoke_subscriber(store, NAMESPACE, "crm")
    add_subscriber(store, NAMESPACE, "crm", [])
    assert (await asyncio.wait_for(waiting, 20)).status_code == 401


async def test_a_brand_whose_key_was_rotated_without_grace_loses_its_waits(
    gateway, shop, worker, store
):
    given = {"json": {"host": "mx.example"}, "headers": shop}
    waiting = asyncio.create_task(gateway.post(f"{FAMILY}/test", **given))
    await worker.take("integration-updates")
    rotate_key(store, KEYS, "https://shop.example", grace_seconds=0)
    answer = await asyncio.wait_for(waiting, 20)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "Unauthorized")


@pytest.fixture
async def watching(store, server):
    opened = GatewayStore(parse_redis_url(server.url), Keyspace(), SubmitLimits(60, 60, 0))
    yield Admissions(opened, 0.05)
    await opened.close()


async def revoked_now(watching, caller):
    with watching.watch(caller) as revoked:
        await watching.look()
        return revoked.done()


@pytest.mark.parametrize(
    ("had", "has", "expected"),
    [
        (["a"], ["a"], False),
        (["a"], ["b", "a"], False),
        (["a"], [], False),
        (["a", "b"], ["a"], True),
        ([], ["a"], True),
    ],
)
async def test_fewer_dealers_end_what_is_open_and_more_do_not(watching, store, had, has, expected):
    add_subscriber(store, NAMESPACE, "s", has)
    (stored,) = list_subscribers(store, NAMESPACE)
    held = SubscriberCaller(Subscriber("s", stored.digest, tuple(had) or None), SecretStr("x"))
    assert await revoked_now(watching, held) is expected


async def test_a_key_that_was_rotated_with_a_grace_keeps_its_waits(watching, store):
    made = add_brand(store, KEYS, "https://shop.example")
    caller = BrandCaller(made.brand, made.brand, SecretStr(made.auth_key))
    assert not await revoked_now(watching, caller)
    rotate_key(store, KEYS, made.brand, grace_seconds=60)
    assert not await revoked_now(watching, caller)
    rotate_key(store, KEYS, made.brand, grace_seconds=0)
    assert await revoked_now(watching, caller)


async def test_one_unreadable_record_keeps_nobody_else_from_being_sent_away(
    watching, store, crm, shop
):
    (stored,) = list_subscribers(store, NAMESPACE)
    brand = BrandCaller("shop.example", "shop.example", SecretStr(shop["Auth-Key"]))
    with (
        watching.watch(brand) as unknown,
        watching.watch(SubscriberCaller(stored, SecretStr("x"))) as revoked,
    ):
        store.set(KEYS.auth_keys("shop.example"), "no hash")
        revoke_subscriber(store, NAMESPACE, "crm")
        with pytest.raises(CommandFailedError):
            await watching.look()
        assert (unknown.done(), revoked.done()) == (False, True)


async def test_one_look_asks_once_for_all_requests_of_a_caller(watching, store, crm):
    (stored,) = list_subscribers(store, NAMESPACE)
    caller = SubscriberCaller(stored, SecretStr("x"))
    before = store.info("commandstats").get("cmdstat_hget", {"calls": 0})["calls"]
    with watching.watch(caller), watching.watch(caller), watching.watch(caller):
        await watching.look()
    assert store.info("commandstats")["cmdstat_hget"]["calls"] == before + 1
