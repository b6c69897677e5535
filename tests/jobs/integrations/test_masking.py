"""A token that is user name and password both: sealed at rest, the mask wherever it is shown."""

import json

import pytest

from producer.contract.codes import Code
from producer.contract.names import MASK, Kind
from producer.records import BadInputError
from producer.records.brands import add_brand
from producer.records.integrations import import_integrations, list_integrations, reseal
from producer.sealing.at_rest import PasswordVault
from tests.support.integration_world import BODY, BRAND, World, found

pytestmark = pytest.mark.redis_server

TOKEN = "7Canary-Token-f1e2d3"
SPELLINGS = [TOKEN, TOKEN.upper(), TOKEN.lower(), f" {TOKEN} "]


def stored(world: World) -> bytes:
    """Everything that Redis holds, as one text in lower case."""
    texts = []
    for key in world.redis.keys("*"):
        kind = world.redis.type(key)
        if kind == b"string":
            texts.append(world.redis.get(key))
        elif kind == b"hash":
            texts += [part for pair in world.redis.hgetall(key).items() for part in pair]
    return b"\n".join([*texts, *world.redis.keys("*")]).lower()


def shown(outcome) -> dict:
    return json.loads(outcome.result.to_bytes())


@pytest.mark.parametrize("username", SPELLINGS)
async def test_a_user_name_that_is_the_password_stands_nowhere_in_clear(world: World, username):
    record_id = await world.create()
    outcome = await world.update(record_id, username=username, password=TOKEN)

    assert shown(outcome)["data"]["username"] == MASK
    assert world.engine.plans[-1].credential.user == username
    assert world.record(record_id).username == MASK
    assert TOKEN.lower().encode() not in stored(world) + outcome.result.to_bytes().lower()


@pytest.mark.parametrize("field", ["name", "description"])
async def test_a_name_or_description_that_is_the_password_is_the_mask(world: World, field):
    record_id = await world.create()
    outcome = await world.update(record_id, **{field: TOKEN}, password=TOKEN)

    assert shown(outcome)["data"][field] == MASK
    assert TOKEN.lower().encode() not in stored(world) + outcome.result.to_bytes().lower()


@pytest.mark.parametrize("host", [TOKEN, TOKEN.lower(), f"{TOKEN}."])
async def test_a_host_that_is_the_password_is_asked_of_nobody(world: World, host):
    record_id = await world.create()
    body = {**BODY, "host": host, "password": TOKEN}
    for kind in (Kind.INTEGRATION_UPDATE, Kind.INTEGRATION_CREATE, Kind.INTEGRATION_TEST):
        outcome = await world.run(kind, body, record_id=record_id, verification="warn")
        (error,) = outcome.result.errors
        assert (outcome.result.status_code, error.code) == (400, "InvalidField")
        assert TOKEN.lower() not in error.message.lower()
    assert world.engine.plans == []


async def test_what_was_shown_may_be_sent_back_and_keeps_both(world: World):
    record_id = await world.create(username=TOKEN, password=TOKEN)
    outcome = await world.update(record_id, username=MASK, password=MASK, name="renamed")

    assert shown(outcome)["data"]["username"] == MASK
    login = world.engine.plans[-1].credential
    assert (login.user, login.secret.get_secret_value()) == (TOKEN, TOKEN)
    assert world.password(record_id) == TOKEN
    assert TOKEN.lower().encode() not in stored(world)


async def test_the_token_itself_with_the_masked_password_keeps_it_too(world: World):
    record_id = await world.create(username=TOKEN, password=TOKEN)
    outcome = await world.update(record_id, username=TOKEN, password=MASK)
    assert shown(outcome)["data"]["username"] == MASK


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"username": MASK, "password": "new"}, "InvalidField"),
        ({"username": MASK, "password": MASK, "host": "evil.example"}, "PasswordRequired"),
        ({"username": "other", "password": MASK}, "PasswordRequired"),
    ],
)
async def test_the_mask_keeps_nothing_for_another_login(world: World, changes, code):
    record_id = await world.create(username=TOKEN, password=TOKEN)
    outcome = await world.update(record_id, **changes)
    assert [error.code for error in outcome.result.errors] == [code]
    assert world.engine.plans == []


async def test_the_mask_is_no_user_name_where_none_was_masked(world: World):
    record_id = await world.create()
    outcome = await world.update(record_id, username=MASK, password=MASK)
    assert [error.code for error in outcome.result.errors] == ["PasswordRequired"]
    outcome = await world.run(Kind.INTEGRATION_CREATE, {**BODY, "username": MASK})
    assert [error.code for error in outcome.result.errors] == ["InvalidField"]


async def test_a_refused_update_shows_no_token_either(world: World):
    record_id = await world.create()
    world.engine.result = found(Code.AUTHENTICATION_FAILED, "The server refused it.")
    outcome = await world.update(record_id, username=TOKEN, password=TOKEN)
    assert TOKEN.encode() not in outcome.result.to_bytes() + stored(world)


async def test_a_sealed_user_name_does_not_open_as_the_password_and_the_other_way_round(
    world: World,
):
    record_id = await world.create(username=TOKEN, password=TOKEN)
    record = world.record(record_id)
    swapped = record.model_copy(
        update={"password": record.sealed_username, "sealed_username": record.password}
    )
    world.redis.hset(world.keys.records(BRAND), record_id, swapped.to_text())
    outcome = await world.update(record_id, username=MASK, password=MASK)
    assert [error.code for error in outcome.result.errors] == ["PasswordRequired"]


def test_operators_see_and_import_the_mask_and_reseal_the_user_name(world: World):
    add_brand(world.redis, world.keys, "new.example")
    entry = {**BODY, "username": TOKEN, "password": TOKEN}
    (record_id,) = import_integrations(world.redis, world.keys, world.vault, "new.example", [entry])
    (data,) = list_integrations(world.redis, world.keys, "new.example")
    assert data.username == MASK
    assert TOKEN.lower().encode() not in stored(world)

    both = PasswordVault([("k2", b"2" * 32), ("k1", b"1" * 32)])
    assert reseal(world.redis, world.keys, both).unreadable == ()
    world.vault = PasswordVault([("k2", b"2" * 32)])
    record = world.record(record_id, "new.example")
    opened = world.vault.open(
        record.sealed_username, brand="new.example", record_id=record_id, field="username"
    )
    assert opened.get_secret_value() == TOKEN


@pytest.mark.parametrize(
    "changes",
    [{"username": MASK}, {"host": TOKEN, "password": TOKEN}, {"password": MASK}],
)
def test_an_import_takes_no_mask_and_no_password_for_a_host(world: World, changes):
    add_brand(world.redis, world.keys, "new.example")
    with pytest.raises(BadInputError) as raised:
        import_integrations(
            world.redis, world.keys, world.vault, "new.example", [{**BODY, **changes}]
        )
    assert TOKEN not in str(raised.value)
