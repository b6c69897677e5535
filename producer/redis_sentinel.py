"""Pools of connections to the primary that sentinels name, also while the old one takes writes.

Where it did not die (`SENTINEL FAILOVER`, or it was slow for a while), the sentinels name another
and tell it so only some ten seconds later. Then it copies the other's data over its own: all that
it was told in between is lost, jobs and results among it. redis-py asks the sentinels when it
connects; these pools ask again and again, and leave a server that is no longer named.
"""

import time
from contextlib import suppress
from typing import Any, Final

import redis.asyncio.sentinel
import redis.sentinel
from redis.exceptions import RedisError, ResponseError

from producer.redis_url import SentinelUrl

ASK_SECONDS: Final = 1.0
ASK_AGAIN_SECONDS: Final = 30.0
"""After no sentinel could tell: to find that out may take seconds for each of them."""


def of_primary(url: SentinelUrl, sentinels: dict[str, Any], **options: Any) -> redis.Redis:
    """Return a client for threads; `sentinels` is how they are called, `options` how it is."""
    manager = Sentinels(url.hosts, sentinel_kwargs=sentinels)  # type: ignore[no-untyped-call]
    client: redis.Redis = manager.master_for(  # type: ignore[no-untyped-call]
        url.service, connection_pool_class=FollowingPool, **options
    )
    return client


def of_primary_async(
    url: SentinelUrl, sentinels: dict[str, Any], **options: Any
) -> redis.asyncio.Redis:
    """Do as `of_primary` does, for asyncio."""
    manager = AsyncSentinels(url.hosts, sentinel_kwargs=sentinels)  # type: ignore[no-untyped-call]
    client: redis.asyncio.Redis = manager.master_for(
        url.service, connection_pool_class=AsyncFollowingPool, **options
    )
    return client


class Sentinels(redis.sentinel.Sentinel):
    """Ask for the address of the primary.

    It is right some seconds before their list of primaries, which redis-py reads: the list waits
    until all replicas follow the new one.
    """

    def discover_master(self, service_name: str) -> tuple[str, int]:
        listed: tuple[str, int] = super().discover_master(service_name)  # type: ignore[no-untyped-call]
        with suppress(ResponseError):  # not this user's to ask
            # The sentinel that has answered was put first.
            return _address(
                self.sentinels[0].sentinel_get_master_addr_by_name(service_name), listed
            )
        return listed


class AsyncSentinels(redis.asyncio.sentinel.Sentinel):
    async def discover_master(self, service_name: str) -> tuple[str, int]:
        listed: tuple[str, int] = await super().discover_master(service_name)
        with suppress(ResponseError):
            named = await self.sentinels[0].sentinel_get_master_addr_by_name(service_name)
            return _address(named, listed)
        return listed


class FollowingPool(redis.sentinel.SentinelConnectionPool):
    """For threads. Asks before it hands out a connection, where the last answer is old."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]
        self._ask_at = time.monotonic() + ASK_SECONDS  # a first connection asks by itself

    def get_connection(self, *args: Any, **options: Any) -> Any:
        if time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + ASK_AGAIN_SECONDS
            with suppress(RedisError, OSError):
                self.get_master_address()  # type: ignore[no-untyped-call]
                self._ask_at = time.monotonic() + ASK_SECONDS
        return super().get_connection(*args, **options)


class AsyncFollowingPool(redis.asyncio.sentinel.SentinelConnectionPool):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]
        self._ask_at = time.monotonic() + ASK_SECONDS

    async def get_connection(self, *args: Any, **options: Any) -> Any:
        if time.monotonic() >= self._ask_at:
            self._ask_at = time.monotonic() + ASK_AGAIN_SECONDS
            if await self.ask():
                self._ask_at = time.monotonic() + ASK_SECONDS
        return await super().get_connection(*args, **options)  # type: ignore[no-untyped-call]

    async def release(self, connection: Any) -> None:
        """Take it back; one that leads elsewhere connects anew when it is handed out."""
        if self.has_left(connection):
            await connection.disconnect()
        await super().release(connection)

    async def ask(self) -> bool:
        """Note the primary that the sentinels name; False: none can tell, the last one stays."""
        with suppress(RedisError, OSError):
            await self.get_master_address()  # type: ignore[no-untyped-call]
            return True
        return False

    def has_left(self, connection: Any) -> bool:
        """Tell whether a connection is to a server that is no longer named."""
        return self.master_address not in (None, (connection.host, connection.port))


def _address(named: Any, listed: tuple[str, int]) -> tuple[str, int]:
    """The address that a sentinel names, as text; the listed one where it names none."""
    if named is None:
        return listed
    host, port = named
    return host.decode() if isinstance(host, bytes) else host, port
