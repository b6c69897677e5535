"""Order, crashes and redelivery: what the store promises when jobs meet."""

import asyncio
import json
import random

import pytest

from producer.contract.codes import Code
from producer.contract.names import Kind
from tests.support.integration_world import BODY, BRAND, NOW_MS, World, found

pytestmark = pytest.mark.redis_server

CONFLICT = "AppIntegrationConflictSetting"


def _shuffled(count: int) -> list[int]:
    order = list(range(count))
    random.Random(7).shuffle(order)
    return order


async def test_200_updates_at_once_end_with_the_one_submitted_last(world: World):
    record_id = await world.create()
    outcomes = await asyncio.gather(
        *(
            world.update(record_id, name=f"update {n}", submitted_ms=NOW_MS + 1 + n)
            for n in _shuffled(200)
        )
    )
    assert world.record(record_id).name == "update 199"
    for outcome in outcomes:
        assert outcome.result.success or outcome.codes == (CONFLICT,)


async def test_an_overtaken_update_conflicts_and_is_not_even_probed(world: World):
    record_id = await world.create()
    await world.update(record_id, name="later", submitted_ms=NOW_MS + 2)
    world.engine.plans.clear()
    outcome = await world.update(record_id, name="earlier", submitted_ms=NOW_MS + 1)
    assert outcome.result.status_code == 409
    assert outcome.codes == (CONFLICT,)
    assert world.engine.plans == []
    assert world.record(record_id).name == "later"


async def test_of_two_with_one_time_stamp_the_one_that_came_to_the_store_first_is_earlier(world):
    record_id = await world.create()
    probing, gate = asyncio.Event(), asyncio.Event()
    verify = world.engine.verify

    async def slow(job_id, plan):
        if plan.target.port == 25:
            probing.set()
            await gate.wait()
        return await verify(job_id, plan)

    world.engine.verify = slow
    first = asyncio.create_task(world.update(record_id, port=25, submitted_ms=NOW_MS + 1))
    await probing.wait()
    second = await world.update(record_id, port=587, submitted_ms=NOW_MS + 1)
    gate.set()
    assert second.result.success
    assert (await first).codes == (CONFLICT,)
    assert world.record(record_id).port == 587


async def test_an_update_that_failed_its_probe_overtakes_nothing(world: World):
    record_id = await world.create()
    world.engine.result = found(Code.AUTHENTICATION_FAILED)
    await world.update(record_id, submitted_ms=NOW_MS + 9)
    world.engine.result = found(Code.OK)
    assert (await world.update(record_id, submitted_ms=NOW_MS + 5)).result.success


async def test_a_clock_that_is_far_ahead_locks_nobody_out(world: World):
    record_id = await world.create()
    now_ms = int(world.redis.time()[0]) * 1000
    ten_years = 10 * 365 * 24 * 3600 * 1000
    assert (await world.update(record_id, submitted_ms=now_ms + ten_years)).result.success
    assert (await world.update(record_id, submitted_ms=now_ms + 60_000)).result.success


@pytest.mark.parametrize("submitted_ms", [0, -5, 10**30])
async def test_a_time_stamp_that_is_none_counts_as_now(world: World, submitted_ms):
    record_id = await world.create()
    assert (await world.update(record_id, submitted_ms=submitted_ms)).result.success


async def test_one_default_is_left_of_many_that_were_made_at_once(world: World):
    ids = [await world.create(isDefault=False) for _ in range(8)]
    await asyncio.gather(
        *(world.update(one, isDefault=True, submitted_ms=NOW_MS + 1) for one in ids)
    )
    assert world.default() in ids


async def test_a_foreign_key_in_the_place_of_the_default_leaves_no_job_half_done(world: World):
    world.redis.rpush(world.keys.default(BRAND), "foreign")
    record_id = await world.create(isDefault=False)
    assert (await world.update(record_id, isDefault=False)).result.success


async def test_an_update_that_was_decided_on_a_stale_record_is_decided_again(world: World):
    record_id = await world.create(status="Active", password="old")
    verify = world.engine.verify

    async def while_someone_else_saves(job_id, plan):
        world.engine.verify = verify
        await world.update(record_id, submitted_ms=NOW_MS + 1, status="Inactive", password="newer")
        return await verify(job_id, plan)

    world.engine.verify = while_someone_else_saves
    outcome = await world.update(
        record_id, submitted_ms=NOW_MS + 2, status=..., password="********", name="Renamed"
    )
    assert outcome.result.success
    record = world.record(record_id)
    assert (record.name, record.status) == ("Renamed", "Inactive")
    assert world.password(record_id) == "newer"


async def test_a_crash_between_probe_and_save_leaves_everything_as_it_was(world: World):
    record_id = await world.create()
    before = world.record(record_id)
    world.engine.fault = ConnectionError("the worker is gone")
    with pytest.raises(ConnectionError):
        await world.update(record_id, name="half", job_id="j", submitted_ms=NOW_MS + 1)
    assert world.record(record_id) == before
    world.engine.fault = None
    again = await world.update(record_id, name="whole", job_id="j", submitted_ms=NOW_MS + 1)
    assert again.result.success
    assert world.record(record_id).name == "whole"


async def test_a_job_delivered_again_after_its_save_gets_its_answer_and_applies_nothing(world):
    record_id = await world.create()
    first = await world.update(record_id, name="mine", job_id="j", submitted_ms=NOW_MS + 1)
    await world.update(record_id, name="later", submitted_ms=NOW_MS + 2)
    world.engine.plans.clear()
    again = await world.update(record_id, name="mine", job_id="j", submitted_ms=NOW_MS + 1)
    assert again.result.to_bytes() == first.result.to_bytes()
    assert again.item == first.item
    assert world.engine.plans == []
    assert world.record(record_id).name == "later"


async def test_a_create_delivered_again_makes_no_second_record(world: World):
    first = await world.run(Kind.INTEGRATION_CREATE, BODY, job_id="j")
    again = await world.run(Kind.INTEGRATION_CREATE, BODY, job_id="j")
    assert json.loads(again.result.to_bytes()) == json.loads(first.result.to_bytes())
    assert len(world.redis.hkeys(world.keys.records("shop.example"))) == 1


async def test_a_create_that_two_workers_run_at_once_makes_one_record(world: World):
    both = await asyncio.gather(
        *(world.run(Kind.INTEGRATION_CREATE, BODY, job_id="j") for _ in range(2))
    )
    assert both[0].result.to_bytes() == both[1].result.to_bytes()
    assert len(world.engine.plans) == 2
    assert len(world.redis.hkeys(world.keys.records("shop.example"))) == 1


async def test_a_delete_delivered_again_still_answers_true(world: World):
    record_id = await world.create()
    await world.run(Kind.INTEGRATION_DELETE, record_id=record_id, job_id="j")
    again = await world.run(Kind.INTEGRATION_DELETE, record_id=record_id, job_id="j")
    assert again.result.data is True


async def test_a_save_whose_reply_was_lost_may_be_sent_again(world: World):
    record_id = await world.create()
    call = world.link.call

    async def twice(script, keys, args=()):
        if script.name == "commit":
            await call(script, keys, args)
        return await call(script, keys, args)

    world.link.call = twice
    outcome = await world.update(record_id, name="once", submitted_ms=NOW_MS + 1)
    assert outcome.result.success
    assert world.record(record_id).name == "once"


async def test_what_the_store_knows_of_a_job_goes_with_the_job(world: World):
    record_id = await world.create()
    await world.update(record_id, job_id="j")
    assert 0 < world.redis.ttl(world.keys.job(BRAND, "j")) <= 24 * 60 * 60
