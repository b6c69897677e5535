"""Following the primary that sentinels name: why, `producer.redis_sentinel` says.

A pipe holds its connection for as long as it lasts, so the sentinels are asked beside it.
"""

from collections.abc import Awaitable, Callable, Iterable

import redis.asyncio

from producer.redis_sentinel import AsyncFollowingPool


def ways_to_ask(
    pools: Iterable[redis.asyncio.ConnectionPool],
) -> Iterable[Callable[[], Awaitable[object]]]:
    """For each pool with sentinels: what is to be called again and again."""
    return (pool.ask for pool in pools if isinstance(pool, AsyncFollowingPool))


def leads_elsewhere(
    pool: redis.asyncio.ConnectionPool, connection: redis.asyncio.Connection
) -> bool:
    """Tell whether a connection is to a server that the sentinels no longer name."""
    return isinstance(pool, AsyncFollowingPool) and pool.has_left(connection)
