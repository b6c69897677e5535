"""The clock of Redis is set back by hours: the times that it had told before are to come."""

import asyncio

import pytest

from producer.contract.codes import Code
from tests.support.gate_probes import blocked, probe_of_job
from tests.support.waiting import until
from worker.limits.lua import HEARTBEAT
from worker.probing.gate import Admitted, Cooldown, Finding

REFUSED = Finding(Code.AUTHENTICATION_FAILED)
HOURS_MS = 3 * 3_600_000
PROCESSES = "test:limits:processes"

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(60)]


def set_back(redis):
    """Every time that is stored is so much later than it was, by the clock that is now."""
    for key in redis.scan_iter():
        if redis.type(key) == b"zset":
            for name in redis.zrange(key, 0, -1):
                redis.zincrby(key, HOURS_MS, name)
        else:
            for name, value in redis.hgetall(key).items():
                at, space, rest = value.partition(b" ")
                redis.hset(key, name, b"%d" % (int(at) + HOURS_MS) + space + rest)


async def refuse(gate, *secrets):
    for secret in secrets:
        gate.leave(await gate.enter(probe_of_job(secret, secret=secret)), REFUSED)


async def test_what_a_dead_process_held_is_free(open_gate, redis):
    dead, heir = (open_gate(host_concurrency=1, life_seconds=1) for _ in "ab")
    await dead.enter(probe_of_job(secret="a"))
    dead._heartbeats.tasks[dead._shards.each[0]].cancel()
    set_back(redis)
    assert isinstance(await asyncio.wait_for(heir.enter(probe_of_job(secret="b")), 30), Admitted)


async def test_the_living_keep_what_they_hold(open_gate, redis):
    living, other = (open_gate(life_seconds=5) for _ in "ab")
    inside = await living.enter(probe_of_job(secret="a"))
    set_back(redis)
    waiting = asyncio.create_task(other.enter(probe_of_job(secret="b")))
    beat = redis.zscore(PROCESSES, living._process)
    await until(lambda: redis.zscore(PROCESSES, living._process) < beat)
    assert await blocked(waiting)
    living.leave(inside, None)
    assert isinstance(await asyncio.wait_for(waiting, 30), Admitted)


async def test_a_cooldown_lasts_no_longer_than_its_window(open_gate, redis):
    gate = open_gate(login_failure_limit=2, login_failure_window_seconds=900)
    await refuse(gate, "a", "b")
    await gate._shards.each[0].link.execute("PING")
    set_back(redis)
    assert (await gate.enter(probe_of_job(secret="c"))).seconds <= 900
    (account,) = redis.keys("*:account:*")
    for value in redis.hvals(account):
        assert int(value.split()[0]) <= 1000 * (redis.time()[0] + 1)
    assert isinstance(await gate.enter(probe_of_job(secret="c")), Cooldown)


async def test_who_waited_before_still_comes_first(open_gate, redis):
    gates = [open_gate(host_concurrency=1) for _ in "abc"]
    inside = await gates[0].enter(probe_of_job("a", "a"))
    first = asyncio.create_task(gates[1].enter(probe_of_job("b", "b")))
    assert await blocked(first)
    set_back(redis)
    (line,) = redis.keys("*:waiting:*")
    await until(lambda: redis.zscore(line, gates[1]._process) < 1000 * (redis.time()[0] + 1))
    second = asyncio.create_task(gates[2].enter(probe_of_job("c", "c")))
    assert await blocked(second)
    gates[0].leave(inside, None)
    done, _ = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED, timeout=30)
    second.cancel()
    assert done == {first}


async def test_the_dead_are_forgotten_once_the_living_have_beaten(open_gate, redis):
    gate = open_gate()
    redis.zadd(PROCESSES, {"dead": 1000 * redis.time()[0] + HOURS_MS})
    await gate._shards.each[0].link.call(HEARTBEAT, [PROCESSES], ["me", 2000, 1000])
    assert b"dead" not in redis.zrange(PROCESSES, 0, -1)
    assert redis.zscore(PROCESSES, "me") is not None
