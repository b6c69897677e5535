"""`PUT /api/v1/app-integrations/smtp/{id}` as a job, on a real store."""

import json

import pytest

from producer.contract.codes import Code
from producer.contract.names import MASK, Kind
from producer.contract.report import Security
from tests.support.integration_world import BODY, BRAND, NOW_MS, OTHER_BRAND, World, found
from worker.jobs.integrations.service import Outcome

pytestmark = pytest.mark.redis_server


def answer(outcome: Outcome):
    return json.loads(outcome.result.to_bytes())


def codes(outcome: Outcome) -> list[str]:
    document = answer(outcome)
    assert document["success"] is False
    assert document["data"] is None
    return [error["code"] for error in document["errors"]]


async def test_an_update_replaces_the_record_and_answers_with_the_documented_data(world):
    record_id = await world.create()
    outcome = await world.update(record_id, name="Renamed", port=465, password="new secret")
    document = answer(outcome)
    assert (document["success"], document["statusCode"], document["errors"]) == (True, 200, [])
    assert document["data"]["name"] == "Renamed"
    assert document["data"]["password"] == MASK
    assert document["data"]["id"] == record_id
    assert document["data"]["status"] == "Active"
    assert world.password(record_id) == "new secret"
    assert world.engine.plans[0].target.security is Security.IMPLICIT_TLS


async def test_what_a_put_leaves_out_falls_back_to_its_default(world):
    record_id = await world.create(useTls=True, isDefault=True, description="old")
    document = answer(
        await world.update(record_id, useTls=..., isDefault=None, description=..., status=...)
    )
    assert document["data"]["useTls"] is False
    assert document["data"]["isDefault"] is False
    assert document["data"]["description"] is None
    assert world.default() is None


@pytest.mark.parametrize("status", ["Inactive", "Active"])
async def test_an_absent_status_keeps_the_stored_one(world, status):
    record_id = await world.create(status=status)
    assert answer(await world.update(record_id, status=...))["data"]["status"] == status


async def test_only_active_settings_are_probed(world):
    record_id = await world.create()
    world.engine.result = found(Code.CONNECTION_REFUSED)
    assert answer(await world.update(record_id, status="0 - Inactive"))["success"] is True
    assert world.engine.plans == []


async def test_settings_that_fail_their_probe_are_not_saved(world):
    record_id = await world.create()
    before = world.record(record_id)
    world.engine.result = found(Code.AUTHENTICATION_FAILED, "The password is wrong.")
    outcome = await world.update(record_id, password="bad one")
    assert answer(outcome)["statusCode"] == 400
    assert codes(outcome) == ["SMTP_AUTHENTICATION_FAILED"]
    assert outcome.result.errors[0].message == "The password is wrong."
    assert outcome.result.errors[0].correlation_id == outcome.correlation_id
    assert outcome.item.smtp is not None
    assert world.record(record_id) == before


async def test_the_warn_policy_saves_and_says_so(world):
    record_id = await world.create()
    world.engine.result = found(Code.AUTHENTICATION_FAILED)
    outcome = await world.update(record_id, password="unproved", verification="warn")
    assert answer(outcome)["success"] is True
    assert outcome.saved_unverified
    assert outcome.codes == ("SMTP_AUTHENTICATION_FAILED",)
    assert outcome.item.smtp.code is Code.AUTHENTICATION_FAILED
    assert world.password(record_id) == "unproved"


async def test_the_off_policy_probes_nothing(world):
    record_id = await world.create()
    assert answer(await world.update(record_id, verification="off"))["success"] is True
    assert world.engine.plans == []


async def test_a_finding_after_a_login_that_worked_does_not_refuse(world):
    record_id = await world.create()
    world.engine.result = found(Code.SENDER_REJECTED)
    outcome = await world.update(record_id)
    assert answer(outcome)["success"] is True
    assert not outcome.saved_unverified


async def test_clear_text_is_refused_where_the_operator_says_so(world):
    record_id = await world.create()
    outcome = await world.update(record_id, useTls=False, allow_cleartext=False)
    assert codes(outcome) == ["SMTP_AUTH_REQUIRES_TLS"]
    assert world.engine.plans == []


@pytest.mark.parametrize(
    ("use_tls", "port", "security"),
    [
        (True, 465, Security.IMPLICIT_TLS),
        (True, 587, Security.STARTTLS),
        (True, 25, Security.STARTTLS),
        (False, 465, Security.CLEARTEXT),
        (None, 25, Security.CLEARTEXT),
    ],
)
async def test_use_tls_and_port_say_how_the_bytes_travel(world, use_tls, port, security):
    record_id = await world.create()
    await world.update(record_id, useTls=use_tls, port=port)
    (plan,) = world.engine.plans
    assert plan.target.security is security
    # Encrypted in any case: which kind the port speaks is found out where the port is not 465.
    assert plan.or_implicit_tls == (bool(use_tls) and port != 465)


class TestMask:
    async def test_it_keeps_the_stored_password_for_the_same_destination(self, world: World):
        record_id = await world.create(password="the old one")
        same_host = f" {BODY['host'].upper()}. "
        outcome = await world.update(record_id, password=MASK, host=same_host, name="Renamed")
        assert answer(outcome)["success"] is True
        assert world.engine.plans[0].credential.secret.get_secret_value() == "the old one"
        assert world.password(record_id) == "the old one"

    async def test_null_use_tls_is_the_false_that_was_stored(self, world: World):
        record_id = await world.create(useTls=False)
        assert answer(await world.update(record_id, password=MASK, useTls=None))["success"] is True

    @pytest.mark.parametrize(
        "change",
        [
            {"host": "smtp.attacker.example"},
            {"port": 465},
            {"username": "other@shop.example"},
            {"username": "OFFICE@shop.example"},
            {"useTls": False},
            {"useTls": ...},
        ],
    )
    @pytest.mark.parametrize("status", ["Active", "Inactive"])
    async def test_it_is_refused_for_any_other_destination(self, world: World, change, status):
        record_id = await world.create()
        before = world.record(record_id)
        outcome = await world.update(record_id, password=MASK, status=status, **change)
        assert codes(outcome) == ["PasswordRequired"]
        assert answer(outcome)["statusCode"] == 400
        assert world.engine.plans == []
        assert world.record(record_id) == before

    async def test_it_is_no_password_for_a_new_record(self, world: World):
        outcome = await world.run(Kind.INTEGRATION_CREATE, {**BODY, "password": MASK})
        assert codes(outcome) == ["PasswordRequired"]

    async def test_a_stored_password_that_no_key_opens_has_to_be_sent_again(self, world: World):
        record_id = await world.create()
        record = world.record(record_id)
        moved = record.model_copy(update={"password": "v1.k9.AAAA"})
        world.redis.hset(world.keys.records(BRAND), record_id, moved.to_text())
        assert codes(await world.update(record_id, password=MASK)) == ["PasswordRequired"]
        assert answer(await world.update(record_id))["success"] is True


class TestAccess:
    @pytest.mark.parametrize("brand", [BRAND, "nobody.example", "", "\ud800.example"])
    @pytest.mark.parametrize("auth_key", ["", "wrong", "\ud800"])
    async def test_a_wrong_key_and_an_unknown_brand_look_the_same(self, world, brand, auth_key):
        record_id = await world.create()
        world.link.calls.clear()
        outcome = await world.update(record_id, brand=brand, auth_key=auth_key, port="no port")
        document = answer(outcome)
        assert document["statusCode"] == 401
        assert document["message"] == "The user is not authorized to access the requested resource."
        assert codes(outcome) == ["Unauthorized"]
        # The same work as well: one read, nothing after it.
        assert len(world.link.calls) == 1

    @pytest.mark.parametrize(
        "spelling", ["https://Shop.Example/", "HTTP://shop.example", " shop.example// "]
    )
    async def test_a_brand_is_the_same_in_every_spelling_of_its_url(self, world, spelling):
        record_id = await world.create()
        key = world.auth_keys[BRAND]
        assert answer(await world.update(record_id, brand=spelling, auth_key=key))["success"]

    async def test_another_brands_record_does_not_exist(self, world):
        record_id = await world.create()
        before = world.record(record_id)
        for outcome in (
            await world.update(record_id, brand=OTHER_BRAND),
            await world.run(Kind.INTEGRATION_DELETE, record_id=record_id, brand=OTHER_BRAND),
        ):
            assert answer(outcome)["statusCode"] == 404
            assert codes(outcome) == ["AppIntegrationSmtpNotFound"]
        assert world.record(record_id) == before
        assert world.record(record_id, OTHER_BRAND) is None

    async def test_another_brands_key_opens_nothing(self, world):
        record_id = await world.create()
        outcome = await world.update(record_id, auth_key=world.auth_keys[OTHER_BRAND])
        assert codes(outcome) == ["Unauthorized"]

    async def test_the_default_of_one_brand_is_not_the_others(self, world):
        first = await world.create(isDefault=True)
        await world.create(brand=OTHER_BRAND, isDefault=True)
        assert world.default() == first


class TestCatalogue:
    async def test_an_unknown_entry_is_not_found(self, world):
        record_id = await world.create()
        outcome = await world.update(record_id, appIntegrationId="nothing")
        assert answer(outcome)["statusCode"] == 404
        assert codes(outcome) == ["AppIntegrationNotFound"]

    async def test_an_entry_that_is_not_for_smtp_is_unsupported(self, world):
        record_id = await world.create()
        outcome = await world.update(record_id, appIntegrationId="stripe")
        assert answer(outcome)["statusCode"] == 409
        assert codes(outcome) == ["AppIntegrationUnsupported"]

    async def test_an_unknown_record_is_told_before_an_unknown_entry(self, world):
        outcome = await world.update("nothing", appIntegrationId="nothing")
        assert codes(outcome) == ["AppIntegrationSmtpNotFound"]


class TestBadInput:
    async def test_there_is_one_error_for_each_wrong_field_and_nothing_is_stored(self, world):
        record_id = await world.create()
        before = world.record(record_id)
        outcome = await world.update(record_id, port="587", host="", useTls="yes", name=...)
        messages = [error.message for error in outcome.result.errors]
        assert codes(outcome) == ["InvalidField"] * 4
        assert messages == [
            "name is required.",
            "host must be a string of 1 to 253 printable characters.",
            "port must be an integer from 1 to 65535.",
            "useTls must be true, false or null.",
        ]
        assert world.record(record_id) == before
        assert world.engine.plans == []

    @pytest.mark.parametrize("body", [None, [], "text", 7])
    async def test_a_body_that_is_no_object_is_told_so(self, world, body):
        record_id = await world.create()
        outcome = await world.run(Kind.INTEGRATION_UPDATE, body, record_id=record_id)
        assert answer(outcome)["statusCode"] == 400
        assert codes(outcome) == ["INVALID_REQUEST_DATA"]


class TestCreateAndDelete:
    async def test_a_create_answers_201_with_a_new_id(self, world):
        outcome = await world.run(Kind.INTEGRATION_CREATE, BODY)
        document = answer(outcome)
        assert document["statusCode"] == 201
        assert world.record(document["data"]["id"]) is not None
        assert len(world.engine.plans) == 1

    async def test_a_new_record_without_a_status_is_active(self, world):
        body = {name: value for name, value in BODY.items() if name != "status"}
        outcome = await world.run(Kind.INTEGRATION_CREATE, body)
        assert answer(outcome)["data"]["status"] == "Active"

    async def test_a_delete_answers_true_and_takes_the_default_along(self, world):
        record_id = await world.create(isDefault=True)
        outcome = await world.run(Kind.INTEGRATION_DELETE, record_id=record_id)
        document = answer(outcome)
        assert (document["statusCode"], document["data"]) == (200, True)
        assert world.record(record_id) is None
        assert world.default() is None

    async def test_a_delete_that_was_overtaken_by_an_update_removes_nothing(self, world):
        record_id = await world.create()
        await world.update(record_id, submitted_ms=NOW_MS + 10)
        outcome = await world.run(
            Kind.INTEGRATION_DELETE, record_id=record_id, submitted_ms=NOW_MS + 5
        )
        assert codes(outcome) == ["AppIntegrationConflictSetting"]
        assert world.record(record_id) is not None
