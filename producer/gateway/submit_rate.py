"""How often a caller submits, over all shards.

Without shards `lua/submit.lua` counts by itself. With shards a job may be in another slot than its
caller's count, so that counting is a step before, and one that made no job is taken back. While
the caller's shard is away the caller is not limited.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from producer.contract.names import Keys
from producer.gateway.lua import source
from producer.gateway.redis_calls import CommandFailedError, RedisCalls
from producer.redis_failures import RedisUnavailableError

COUNT_SECONDS: Final = 1.0

_COUNT: Final = source("count")


@dataclass(frozen=True, slots=True)
class SubmitRate:
    """The count of one caller, in the shard of the caller."""

    calls: RedisCalls
    key: str
    limit: int

    async def seconds_to_wait(self) -> int:
        """Count a submit; return after how long another is allowed, 0 where this one is."""
        if not self.limit:
            return 0
        count, left_ms = await self._count(1) or (0, 0)
        return max(1, -(-left_ms // 1000)) if count > self.limit else 0

    async def take_back(self) -> None:
        """Count it no more: it made no job."""
        if self.limit:
            await self._count(-1)

    async def _count(self, change: int) -> tuple[int, int] | None:
        """Return the count and its milliseconds left; None where the caller's shard is away.

        The job may well be in another shard, which must not wait for this one.
        """
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                count, left_ms = await self.calls.run(_COUNT, [self.key], [str(change)])
        except CommandFailedError:
            raise
        except (RedisUnavailableError, TimeoutError):
            return None
        return count, left_ms


def rate_key(keys: Keys, caller: str) -> str:
    """Return where the submits of a caller are counted."""
    return f"{keys.namespace}:gateway:rate:{caller}"
