"""The worker's clients, for threads and for the event loop. None of them retries by itself.

redis-py would repeat commands that must not be repeated (a fetch), and hide an outage for seconds.
Whether a call may be made again is known to whoever makes it: see `link.py`.
"""

from typing import Final

import redis
import redis.asyncio

from producer.redis_clients import Calling, connect, connect_async
from producer.redis_url import parse_redis_url

CALL_TIMEOUT_SECONDS: Final = 5.0


def sync_client(
    url: str,
    *,
    hash_slot: int = 0,
    max_connections: int = 16,
    timeout_seconds: float = CALL_TIMEOUT_SECONDS,
) -> redis.Redis:
    """A client for threads; a call that finds all connections in use waits for one."""
    calling = Calling(timeout_seconds, retries=0, max_connections=max_connections)
    return connect(parse_redis_url(url), calling, hash_slot=hash_slot)


def async_pool(url: str, *, hash_slot: int = 0) -> redis.asyncio.ConnectionPool:
    """Makes connections for the event loop, with no time-out of their own: see `pipe.py`.

    Opens nothing yet. With Sentinel each new connection asks who the primary is, of a cluster who
    serves the slot.
    """
    calling = Calling(timeout_seconds=None, retries=0)
    return connect_async(parse_redis_url(url), calling, hash_slot=hash_slot).connection_pool
