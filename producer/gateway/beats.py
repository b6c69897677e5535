"""How many workers serve every shard: those with fewer leave jobs lying.

A shard that is away is left out, so that the jobs of the others go on.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from producer.contract.names import HEARTBEAT_LIFETIME_MS, Keys
from producer.gateway.lua import source
from producer.gateway.redis_calls import RedisCalls
from producer.redis_failures import RedisUnavailableError

ANSWER_SECONDS: Final = 2.0
"""Of one shard among several. A beat counts for much longer (`workers.GRACE_SECONDS`)."""

_WORKERS: Final = source("workers")


Shard = tuple[RedisCalls, Keys]


async def read_beats(shards: Sequence[Shard]) -> tuple[int, float | None]:
    """Return how many workers beat, and the seconds since the last beat, None without any.

    Raises RedisUnavailableError where no shard can be asked.
    """
    if len(shards) == 1:
        found = [await _ask(*shards[0])]
    else:
        found = await _ask_living(shards)
    ages = [age for _, age in found]
    return min(count for count, _ in found), None if min(ages) < 0 else max(ages) / 1000


async def _ask_living(shards: Sequence[Shard]) -> list[tuple[int, int]]:
    replies = await asyncio.gather(*(_ask_in_time(*shard) for shard in shards))
    found = [reply for reply in replies if not isinstance(reply, RedisUnavailableError)]
    if not found:
        raise next(reply for reply in replies if isinstance(reply, RedisUnavailableError))
    return found


async def _ask_in_time(calls: RedisCalls, keys: Keys) -> tuple[int, int] | RedisUnavailableError:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await _ask(calls, keys)
    except RedisUnavailableError as error:
        return error
    except TimeoutError:
        return RedisUnavailableError(f"no answer within {ANSWER_SECONDS:.0f} s")


async def _ask(calls: RedisCalls, keys: Keys) -> tuple[int, int]:
    count, age = await calls.run(_WORKERS, [keys.heartbeats], [HEARTBEAT_LIFETIME_MS])
    return count, age
