"""Heartbeats in Redis: the places of a process that sends none for `life_seconds` fall free."""

import asyncio
import logging
from typing import Final

from worker.limits.limits import Limits
from worker.limits.lua import HEARTBEAT
from worker.limits.shards import LimitShard
from worker.redis_link.trouble import log_failure

HEARTBEATS_PER_LIFE: Final = 3
"""Two may get lost."""

_log = logging.getLogger("worker.limits")


class Heartbeats:
    """Of one process, in each shard where it has ever held a place. They end with the loop."""

    def __init__(self, process: str, limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self.tasks: dict[LimitShard, asyncio.Task[None]] = {}

    def start(self, shard: LimitShard) -> None:
        """Beat in this shard from now on."""
        if shard not in self.tasks:
            loop = asyncio.get_running_loop()
            self.tasks[shard] = loop.create_task(self._beat(shard), name="limits-heartbeat")

    async def _beat(self, shard: LimitShard) -> None:
        args = (self._process, self._limits.life_ms, self._limits.hold_ms)
        while True:
            await asyncio.sleep(self._limits.life_seconds / HEARTBEATS_PER_LIFE)
            try:
                await shard.call(HEARTBEAT, [shard.keys.processes], args)
            except Exception as error:  # noqa: BLE001 - without beats its places are given away
                log_failure(_log, "limits_heartbeat_failed", error)
