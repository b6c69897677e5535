"""`integration-test`: settings are tried with the same engine, and nothing is stored."""

import pytest

from producer.contract.codes import Code
from producer.contract.names import MASK, Kind
from tests.support.integration_world import BODY, BRAND, found

pytestmark = pytest.mark.redis_server

SETTINGS = {name: BODY[name] for name in ("host", "port", "username", "password", "useTls")}


async def test_settings_that_work_answer_true_and_store_nothing(world):
    outcome = await world.run(Kind.INTEGRATION_TEST, {**SETTINGS, "name": 7, "status": "what"})

    assert (outcome.result.success, outcome.result.status_code) == (True, 200)
    assert outcome.result.data is True
    (plan,) = world.engine.plans
    assert (plan.target.host, plan.target.port) == (BODY["host"], BODY["port"])
    assert world.redis.hgetall(world.keys.records(BRAND)) == {}


async def test_settings_that_do_not_work_answer_with_the_probes_code(world):
    world.engine.result = found(Code.CONNECTION_REFUSED, "Nothing listens.")

    outcome = await world.run(Kind.INTEGRATION_TEST, SETTINGS, verification="off")

    assert (outcome.result.success, outcome.result.status_code) == (False, 400)
    assert [error.code for error in outcome.result.errors] == ["SMTP_CONNECTION_REFUSED"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"password": MASK}, "PasswordRequired"),
        ({"port": "587"}, "InvalidField"),
        ({"host": None}, "InvalidField"),
    ],
)
async def test_what_cannot_be_tried_is_a_400_before_any_network(world, change, code):
    outcome = await world.run(Kind.INTEGRATION_TEST, {**SETTINGS, **change})

    assert outcome.result.status_code == 400
    assert [error.code for error in outcome.result.errors] == [code]
    assert world.engine.plans == []


async def test_a_wrong_key_is_a_401(world):
    outcome = await world.run(Kind.INTEGRATION_TEST, SETTINGS, auth_key="no")

    assert outcome.result.status_code == 401
    assert world.engine.plans == []
