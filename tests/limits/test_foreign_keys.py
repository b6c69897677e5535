"""Somebody else writes over a key of the limits: no probe fails, and the operator is told."""

import asyncio

import pytest

from tests.support.gate_probes import blocked, probe_of_job
from worker.limits.script_args import LimitKeys
from worker.probing.gate import Admitted

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(60)]


def the_keys(gate):
    return dict(
        zip(("account", "places", "waiting", "processes"), keys_of_a_probe(gate), strict=True)
    )


def keys_of_a_probe(gate):
    return LimitKeys("test").enter(gate._claim(probe_of_job()))


@pytest.mark.parametrize("name", ["account", "places", "waiting", "processes"])
async def test_a_probe_enters_and_leaves_all_the_same(open_gate, redis, caplog, name):
    gate = open_gate(host_concurrency=1)
    key = the_keys(gate)[name]
    redis.set(key, "foreign")
    first = await gate.enter(probe_of_job())
    assert isinstance(first, Admitted)
    redis.delete(key)
    redis.set(key, "foreign")
    gate.leave(first, None)
    assert isinstance(await gate.enter(probe_of_job(secret="b")), Admitted)
    told = [one for one in caplog.records if one.message == "redis_rejects"]
    assert {one.command for one in told} <= {"enter", "leave"}
    assert all("test:limits:*" in one.keys and "WRONGTYPE" in one.reason for one in told)
    assert told
    assert {one.keys for one in caplog.records if one.message == "limits_key_deleted"} == {
        "test:limits:*"
    }


async def test_what_is_no_time_in_an_account_counts_as_over(open_gate, redis):
    gate = open_gate()
    redis.hset(the_keys(gate)["account"], mapping={"refused:x": "?", "flight:smtp": "", "y": "z"})
    assert isinstance(await gate.enter(probe_of_job()), Admitted)


async def test_who_waits_is_served_though_the_list_of_those_who_wait_is_foreign(open_gate, redis):
    gate, other = open_gate(host_concurrency=1), open_gate(host_concurrency=1)
    inside = await other.enter(probe_of_job("a", "amy"))
    first = asyncio.create_task(gate.enter(probe_of_job("b", "amy", "b")))
    assert await blocked(first)
    second = asyncio.create_task(gate.enter(probe_of_job("c", "bob")))
    assert await blocked(second)
    redis.delete(the_keys(gate)["waiting"])
    redis.set(the_keys(gate)["waiting"], "foreign")
    second.cancel()
    assert await blocked(first)
    other.leave(inside, None)
    assert isinstance(await asyncio.wait_for(first, 30), Admitted)
