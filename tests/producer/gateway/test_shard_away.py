"""One shard's Redis is away: what has to do with the others goes on."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from producer.contract.keyspace import Keyspace
from producer.contract.names import Keys
from producer.gateway.arrivals import Arrivals
from producer.gateway.redis_calls import CommandFailedError
from producer.gateway.submit_rate import SubmitRate
from producer.gateway.workers import read_beats
from producer.redis_failures import RedisUnavailableError

AWAY, LIVING = "s0-job", "s1-job"


class Calls:
    """One shard: what it replies; an exception is raised, None never comes."""

    def __init__(self, reply):
        self.reply = reply

    async def run(self, _script, _names, _words):
        if self.reply is None:
            await asyncio.Event().wait()
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


class Store:
    """Two shards, of which the first is away."""

    keyspace = Keyspace(shards=2)

    async def results(self, job_ids):
        if any(self.keyspace.shard_of_job(job_id) == 0 for job_id in job_ids):
            raise RedisUnavailableError("away")
        return [b"{}" for _ in job_ids]

    @asynccontextmanager
    async def subscription(self):
        raise RedisUnavailableError("away")
        yield


async def test_who_waits_for_a_job_of_a_living_shard_has_its_result():
    arrivals = Arrivals(Store())
    with arrivals.expect(AWAY) as away, arrivals.expect(LIVING) as living:
        running = asyncio.create_task(arrivals.run())
        arrivals.look([AWAY, LIVING])
        assert await asyncio.wait_for(living, 20) == b"{}"
        assert not away.done()
        running.cancel()


@pytest.mark.parametrize("reply", [RedisUnavailableError("away"), None])
async def test_workers_are_counted_in_the_shards_that_can_be_asked(reply):
    shards = [(Calls(reply), Keys("a")), (Calls([3, 1500]), Keys("b")), (Calls([2, 9]), Keys("c"))]
    assert await asyncio.wait_for(read_beats(shards), 20) == (2, 1.5)


async def test_no_workers_are_counted_where_every_shard_is_away():
    away = Calls(RedisUnavailableError("away"))
    for count in (1, 2):
        with pytest.raises(RedisUnavailableError):
            await read_beats([(away, Keys("a"))] * count)


@pytest.mark.parametrize("reply", [RedisUnavailableError("away"), None])
async def test_a_caller_whose_count_is_in_a_shard_that_is_away_is_not_limited(reply):
    rate = SubmitRate(Calls(reply), "key", 1)
    assert await asyncio.wait_for(rate.seconds_to_wait(), 20) == 0
    await asyncio.wait_for(rate.take_back(), 20)


async def test_a_count_that_redis_refuses_is_told():
    with pytest.raises(CommandFailedError):
        await SubmitRate(Calls(CommandFailedError("no", "EVAL", "key")), "key", 1).seconds_to_wait()
