"""What the store keeps of a job answers the brand that submitted it, nobody else."""

import json

import pytest

from producer.contract.names import Kind
from producer.records.store import StoreKeys
from tests.support.integration_world import BODY, OTHER_BRAND, World

pytestmark = pytest.mark.redis_server


async def test_an_id_that_another_brand_used_updates_the_own_record_and_shows_none_of_theirs(
    world: World,
):
    """The result may have expired; what the store keeps for a redelivery lives on."""
    theirs = await world.create(username="them@shop.example")
    mine = await world.create(brand=OTHER_BRAND, username="me@rival.example")
    await world.update(theirs, username="them@shop.example", job_id="x")

    outcome = await world.update(mine, brand=OTHER_BRAND, name="mine", job_id="x")

    answer = json.loads(outcome.result.to_bytes())
    assert (answer["statusCode"], answer["data"]["id"]) == (200, mine)
    assert answer["data"]["name"] == "mine"
    assert b"them@shop.example" not in outcome.result.to_bytes()
    assert world.record(mine, OTHER_BRAND).name == "mine"
    assert world.record(theirs).username == "them@shop.example"


async def test_an_id_that_another_brand_used_creates_deletes_and_is_denied_as_any_id(world: World):
    theirs = await world.create()
    for kind, body in ((Kind.INTEGRATION_CREATE, BODY), (Kind.INTEGRATION_DELETE, None)):
        await world.run(kind, body, record_id=theirs, job_id="x")
        outcome = await world.run(
            kind, body, record_id=theirs, brand=OTHER_BRAND, job_id="x", auth_key="wrong"
        )
        assert outcome.result.status_code == 401
    outcome = await world.run(
        Kind.INTEGRATION_DELETE, record_id="none", brand=OTHER_BRAND, job_id="x"
    )
    assert outcome.result.status_code == 404


async def test_the_same_brand_is_given_its_first_answer(world: World):
    record_id = await world.create()
    first = await world.update(record_id, name="first", job_id="x")
    again = await world.update(record_id, name="second", job_id="x")
    assert again.result == first.result


def test_brand_and_id_never_run_into_each_other():
    keys = StoreKeys("mv-test")
    assert keys.job("a:b", "c") != keys.job("a", "b:c")
