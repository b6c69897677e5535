"""The `/api/v1/app-integrations/smtp` family over HTTP."""

import asyncio

import pytest

from producer.contract.integrations import CatalogueEntry
from producer.contract.names import MASK, Queue
from producer.records.brands import add_brand, rotate_key
from producer.records.integrations import import_integrations
from producer.records.store import StoreKeys
from producer.sealing.at_rest import PasswordVault
from tests.support.gateway import NAMESPACE

pytestmark = pytest.mark.redis_server

PATH = "/api/v1/app-integrations/smtp"
KEYS = StoreKeys(NAMESPACE)
BODY = {
    "appIntegrationId": "gmail",
    "name": "SMTP Integration",
    "host": "smtp.example",
    "port": 587,
    "username": "office",
    "password": "secret word",
    "useTls": True,
}
UPDATED = {
    "success": True,
    "statusCode": 200,
    "message": "The request was successful.",
    "data": None,
    "errors": [],
}


@pytest.fixture
def one(store, shop):
    """The id of a stored integration."""
    entry = CatalogueEntry(type="SMTP", name="Gmail", id="gmail")
    store.hset(KEYS.catalogue, entry.id, entry.model_dump_json(by_alias=True))
    vault = PasswordVault([("k1", b"1" * 32)])
    (record_id,) = import_integrations(store, KEYS, vault, "shop.example", [BODY])
    return record_id


async def answered(request, worker, result):
    asked = asyncio.create_task(request)
    job_id = await worker.take(Queue.INTEGRATION_UPDATES)
    envelope = await worker.request(job_id)
    await worker.finish(job_id, result)
    return await asked, envelope


async def test_a_put_is_a_job_and_its_status_code_the_http_status(gateway, shop, worker):
    for status in (200, 400, 404, 409, 500):
        result = {**UPDATED, "success": status == 200, "statusCode": status}
        put = gateway.put(f"{PATH}/a%2Fb", json=BODY, headers=shop)
        answer, envelope = await answered(put, worker, result)
        assert (answer.status_code, answer.json()) == (status, result)
        assert envelope == {
            "version": 1,
            "kind": "integration-update",
            "id": "a/b",
            "brandUrl": shop["Brand-URL"],
            "authKey": shop["Auth-Key"],
            "body": BODY,
        }


async def test_a_created_integration_has_a_location(gateway, shop, worker):
    result = {**UPDATED, "statusCode": 201, "data": {"id": "a b"}}
    post = gateway.post(PATH, json=BODY, headers=shop)
    answer, envelope = await answered(post, worker, result)
    assert (answer.status_code, answer.headers["location"]) == (201, f"{PATH}/a%20b")
    assert envelope["kind"] == "integration-create"


async def test_delete_and_test_are_jobs_too(gateway, shop, worker):
    delete = gateway.delete(f"{PATH}/x", headers=shop)
    _, envelope = await answered(delete, worker, {**UPDATED, "data": True})
    assert (envelope["kind"], envelope["id"]) == ("integration-delete", "x")

    trial = gateway.post(f"{PATH}/test", json=BODY, headers=shop)
    answer, envelope = await answered(trial, worker, {**UPDATED, "data": True})
    assert (envelope["kind"], envelope["body"]) == ("integration-test", BODY)
    assert answer.json()["data"] is True


async def test_a_submit_that_does_not_wait_gets_the_envelope_with_202(gateway, shop, worker):
    headers = {**shop, "Prefer": "respond-async"}
    answer = await gateway.put(f"{PATH}/x", json=BODY, headers=headers)
    assert answer.status_code == 202
    document = answer.json()
    assert (document["success"], document["statusCode"], document["data"]) == (True, 202, None)

    job = await gateway.get(answer.headers["location"], headers=shop)
    assert (job.status_code, job.json()) == (202, document)


async def test_reading_needs_no_worker_and_shows_no_password(gateway, shop, one):
    listed = await gateway.get(PATH, headers=shop)
    (record,) = listed.json()["data"]
    shown = await gateway.get(f"{PATH}/{one}", headers=shop)

    assert (listed.status_code, listed.json()["success"]) == (200, True)
    assert shown.json()["data"] == record
    assert (record["id"], record["password"]) == (one, MASK)
    assert record["appIntegration"]["name"] == "Gmail"
    assert (await gateway.head(PATH, headers=shop)).content == b""


async def test_another_brands_id_is_a_404_as_an_unknown_one_is(gateway, store, one):
    made = add_brand(store, KEYS, "rival.example")
    rival = {"Brand-URL": "rival.example", "Auth-Key": made.auth_key}
    for record_id in (one, "unknown", "x" * 500):
        answer = await gateway.get(f"{PATH}/{record_id}", headers=rival)
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["code"] == "AppIntegrationSmtpNotFound"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Brand-URL": "shop.example"},
        {"Auth-Key": "x"},
        {"Brand-URL": "shop.example", "Auth-Key": "wrong"},
        {"Brand-URL": "nobody.example", "Auth-Key": "wrong"},
    ],
)
async def test_a_wrong_or_missing_key_is_the_401_envelope(gateway, shop, headers):
    for method, path in (("GET", PATH), ("PUT", f"{PATH}/x"), ("POST", f"{PATH}/test")):
        answer = await gateway.request(method, path, headers=headers)
        assert answer.status_code == 401
        document = answer.json()
        assert (document["success"], document["statusCode"], document["data"]) == (False, 401, None)
        (error,) = document["errors"]
        assert (error["code"], len(error["correlationId"])) == ("Unauthorized", 36)
        assert "www-authenticate" not in answer.headers


async def test_both_keys_of_a_rotation_are_taken_and_own_the_same_jobs(
    gateway, shop, store, worker
):
    headers = {**shop, "Prefer": "respond-async"}
    answer = await gateway.delete(f"{PATH}/x", headers=headers)
    made = rotate_key(store, KEYS, "shop.example")
    for auth_key in (shop["Auth-Key"], made.auth_key):
        job = await gateway.get(answer.headers["location"], headers={**shop, "Auth-Key": auth_key})
        assert job.status_code == 202


async def test_a_body_that_cannot_be_read_is_refused_in_the_envelope(gateway, shop, worker):
    for content, kind, status, code in (
        (b"[]", "application/json", 400, "INVALID_REQUEST_DATA"),
        (b"{}", "text/plain", 415, "UnsupportedMediaType"),
        (b"x" * 1_100_000, "application/json", 413, "RequestTooLarge"),
    ):
        headers = {**shop, "Content-Type": kind}
        answer = await gateway.put(f"{PATH}/x", content=content, headers=headers)
        assert (answer.status_code, answer.json()["statusCode"]) == (status, status)
        assert answer.json()["errors"][0]["code"] == code
