"""What says that a process lives goes on, whatever comes of one beat."""

import asyncio
from unittest.mock import Mock

from tests.support.waiting import until
from worker.limits.heartbeat import Heartbeats
from worker.limits.limits import Limits
from worker.limits.script_args import LimitKeys
from worker.limits.shards import LimitShard


async def test_a_beat_that_goes_wrong_in_any_way_is_not_the_last(caplog):
    beats = []

    async def call(*words):
        beats.append(words)
        raise TypeError("as ordered")

    shard = LimitShard(Mock(call=call), LimitKeys("test"))
    heartbeats = Heartbeats("me", Limits(life_seconds=0.03))
    heartbeats.start(shard)
    await until(lambda: len(beats) > 2)
    (task,) = heartbeats.tasks.values()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert {one.message for one in caplog.records} == {"limits_heartbeat_failed"}
