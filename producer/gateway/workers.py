"""Whether a worker is there to run what is submitted: one that serves every shard.

A worker that serves fewer leaves jobs unfetched. A shard that is away is left out, so that the jobs
of the others go on.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final

from producer.contract.names import HEARTBEAT_LIFETIME_MS, Keys
from producer.gateway.lua import source
from producer.gateway.redis_calls import RedisCalls, RedisTroubles
from producer.gateway.store import GatewayStore
from producer.redis_failures import RedisUnavailableError

GRACE_SECONDS: Final = 15.0
"""So long the last beat counts: a worker that restarts costs nobody a 503."""

POLL_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 2.0
"""Of one shard among several."""

_WORKERS: Final = source("workers")

Shard = tuple[RedisCalls, Keys]


class Workers:
    """Remembers the last beat of any worker. `run` looks every two seconds."""

    def __init__(self, store: GatewayStore) -> None:
        self._store = store
        self._last_beat: float | None = None
        self._last_count = 0

    async def present(self) -> bool:
        """Tell whether a worker has beaten lately. Raises RedisUnavailableError."""
        if not self._recent():
            await self._look()
        return self._recent()

    async def count(self) -> int:
        """Return how many beat; in a gap between workers how many did before it.

        Raises RedisUnavailableError also where Redis takes no writes, as it is full or a replica.
        """
        await self._look(writing=True)
        return self._last_count if self._recent() else 0

    async def run(self) -> None:
        """Keep looking until cancelled."""
        troubles = RedisTroubles("workers")
        while True:
            try:
                await self._look()
                troubles.over()
            except RedisUnavailableError as error:
                troubles.tell(error)
            await asyncio.sleep(POLL_SECONDS)

    async def _look(self, *, writing: bool = False) -> None:
        count, age = await read_beats(self._store.shards, writing=writing)
        if age is not None:
            self._last_beat = max(self._last_beat or 0.0, monotonic() - age)
        self._last_count = count or self._last_count

    def _recent(self) -> bool:
        return self._last_beat is not None and monotonic() - self._last_beat <= GRACE_SECONDS


async def read_beats(shards: Sequence[Shard], *, writing: bool = False) -> tuple[int, float | None]:
    """Return how many workers beat, and the seconds since the last beat, None without any.

    `writing`: a shard can be asked only where it takes writes. Raises RedisUnavailableError where
    no shard can be asked.
    """
    if len(shards) == 1:
        found = [await _ask(*shards[0], writing=writing)]
    else:
        found = await _ask_living(shards, writing=writing)
    ages = [age for _, age in found]
    return min(count for count, _ in found), None if min(ages) < 0 else max(ages) / 1000


async def _ask_living(shards: Sequence[Shard], *, writing: bool) -> list[tuple[int, int]]:
    replies = await asyncio.gather(*(_ask_in_time(*shard, writing=writing) for shard in shards))
    found = [reply for reply in replies if not isinstance(reply, RedisUnavailableError)]
    if not found:
        raise next(reply for reply in replies if isinstance(reply, RedisUnavailableError))
    return found


async def _ask_in_time(
    calls: RedisCalls, keys: Keys, *, writing: bool
) -> tuple[int, int] | RedisUnavailableError:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await _ask(calls, keys, writing=writing)
    except RedisUnavailableError as error:
        return error
    except TimeoutError:
        return RedisUnavailableError(f"no answer within {ANSWER_SECONDS:.0f} s")


async def _ask(calls: RedisCalls, keys: Keys, *, writing: bool) -> tuple[int, int]:
    names = [keys.heartbeats, *([keys.request("")] if writing else [])]
    count, age = await calls.run(_WORKERS, names, [HEARTBEAT_LIFETIME_MS])
    return count, age
