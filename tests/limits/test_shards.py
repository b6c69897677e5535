"""The limits of a host are one, however many shards there are and whoever asks."""

import asyncio

import pytest

from producer.contract.keyspace import Keyspace
from tests.support.gate_probes import blocked, in_line, probe_of_job
from tests.support.redis_process import free_port
from tests.support.waiting import until
from worker.limits.gate import RedisGate
from worker.limits.identity import Identity
from worker.limits.limits import Limits
from worker.limits.shards import LimitShards
from worker.probing.gate import Admitted
from worker.queue.slots import JobSlot, Slots, current_slot, part, waiting
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link

pytestmark = pytest.mark.redis_server

NAMESPACES = Keyspace(shards=4).of_jobs


@pytest.fixture
async def gates(server, redis):
    """Of two processes."""
    links = [Link(async_pool(server.url)) for _ in range(2 * len(NAMESPACES))]
    half = len(NAMESPACES)
    yield [
        RedisGate(
            LimitShards(dict(zip(NAMESPACES, some, strict=True))),
            Identity(b"k" * 32),
            Limits(host_concurrency=1, life_seconds=1.0),
            in_line,
        )
        for some in (links[:half], links[half:])
    ]
    for link in links:
        await link.close()


async def test_all_that_is_kept_of_a_host_is_in_one_shard(gates, redis):
    for number in range(20):
        admitted = await gates[0].enter(probe_of_job("job", "amy", host=f"h{number}.example"))
        assert isinstance(admitted, Admitted)
    kept = [key.decode() for key in redis.keys("*:limits:places:*")]
    assert len({key.rpartition(":")[2] for key in kept}) == len(kept) == 20
    assert {key.partition(":")[0] for key in kept} == set(NAMESPACES)
    for place in kept:
        namespace, host = place.split(":")[0], place.rpartition(":")[2]
        others = [key.decode() for key in redis.keys(f"*{host}*")]
        assert {key.split(":")[0] for key in others} == {namespace}


async def test_two_processes_share_the_places_of_a_host(gates):
    mine, theirs = gates
    first = await mine.enter(probe_of_job("one", "amy"))
    assert isinstance(first, Admitted)
    second = asyncio.create_task(theirs.enter(probe_of_job("two", "bob")))
    assert await blocked(second)
    mine.leave(first, None)
    assert isinstance(await asyncio.wait_for(second, 10), Admitted)


async def test_a_process_beats_in_every_shard_in_which_it_holds_a_place(gates, redis):
    for number in range(20):
        await gates[0].enter(probe_of_job("job", "amy", host=f"h{number}.example"))
    beats = [redis.zrange(f"{name}:limits:processes", 0, -1) for name in NAMESPACES]
    redis.delete(*(f"{name}:limits:processes" for name in NAMESPACES))

    def beats_in(key, process):
        return redis.zscore(key, process) is not None

    for name, before in zip(NAMESPACES, beats, strict=True):
        process = next(member for member in before if not member.startswith(b"#"))
        await until(lambda key=f"{name}:limits:processes", process=process: beats_in(key, process))


async def test_who_asks_a_shard_that_is_away_gives_the_slot_to_other_jobs():
    away = Link(async_pool(f"redis://127.0.0.1:{free_port()}"))
    gate = RedisGate(LimitShards({"away": away}), Identity(b"k" * 32), Limits(), waiting)
    slots = Slots(1, ["tests"])
    slots.take("tests")
    slot = JobSlot(slots, "tests")

    async def job():
        current_slot.set(slot)
        with part():
            await gate.enter(probe_of_job())

    task = asyncio.create_task(job())
    assert await asyncio.wait_for(slots.wait("tests"), 20) == 1
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
    await away.close()
    assert slots.in_use == 1, "the job has its slot again, as long as it is there"
    slot.leave()
    assert slots.in_use == 0
