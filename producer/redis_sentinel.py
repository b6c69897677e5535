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
from redis.exceptions import RedisError

ASK_SECONDS: Final = 1.0
ASK_AGAIN_SECONDS: Final = 30.0
"""After no sentinel could tell: to find that out may take seconds for each of them."""


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
    """Likewise for asyncio."""

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
        """Note whom the sentinels name; False: none can tell, it stays who it was."""
        with suppress(RedisError, OSError):
            await self.get_master_address()  # type: ignore[no-untyped-call]
            return True
        return False

    def has_left(self, connection: Any) -> bool:
        """Tell whether a connection is to a server that is no longer named."""
        return self.master_address not in (None, (connection.host, connection.port))
