"""Following the primary that sentinels name, also while the one before it still takes writes.

Where it did not die (`SENTINEL FAILOVER`, or it was slow for a while), the sentinels name another
and tell it so only some ten seconds later. Then it copies the other's data over its own: all that
it was told in between is lost, results and ends of jobs among it. So the sentinels are asked again
and again, and a connection to a server that they no longer name is left.
"""

from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial

import redis.asyncio
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.exceptions import RedisError


def ways_to_ask(
    pools: Iterable[redis.asyncio.ConnectionPool],
) -> Iterable[Callable[[], Coroutine[None, None, None]]]:
    """For each pool with sentinels: what is to be called again and again."""
    return (partial(_ask, pool) for pool in pools if isinstance(pool, SentinelConnectionPool))


def leads_elsewhere(
    pool: redis.asyncio.ConnectionPool, connection: redis.asyncio.Connection
) -> bool:
    """Tell whether a connection is to a server that the sentinels no longer name."""
    if not isinstance(pool, SentinelConnectionPool):
        return False
    return pool.master_address not in (None, (connection.host, connection.port))


async def _ask(pool: SentinelConnectionPool) -> None:
    """Have the pool note whom they name now; where none can tell, it stays who it was."""
    with suppress(RedisError, OSError):
        await pool.get_master_address()
