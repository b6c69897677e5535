"""One connection to Redis on the event loop: many commands out, as many replies in.

Below redis-py's client, on its connection: a client takes a connection from a pool, checks it and
gives it back for each call, and its pipeline wraps every reply in a time-out of its own; that costs
more than the rest of the queue together. redis-py connects and says hello; the octets after that
are written and read here, so that a time-out can tell a peer that is silent from one that is slow.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import hiredis
import redis.asyncio
from redis.exceptions import RedisError

from worker.redis_link.primary import leads_elsewhere
from worker.redis_link.replies import error_of, is_outage

__all__ = ["Cut", "Outage", "Pipe", "Word", "is_outage", "pack"]

CHUNK_BYTES: Final = 64 * 1024
"""What goes out or comes in at once; each is progress."""

Word = str | bytes | int | float


class Outage(Exception):
    """Redis does not answer, or not now. Whether the commands were executed is not known."""


class Cut(Outage):
    """Redis had greeted us; then it ended the connection, or fell silent, over these commands."""


def pack(*words: Word) -> bytes:
    """A command as it goes over the wire.

    Raises TypeError, ValueError for what is no word (None) or no text (half a surrogate pair):
    here, to who asks, and not in the middle of an exchange, where others wait for theirs.
    """
    # The stub says: a tuple of one.
    packed: bytes = hiredis.pack_command(words)  # type: ignore[arg-type]
    return packed


class Pipe:
    """Not for use by two tasks at once."""

    def __init__(self, pool: redis.asyncio.ConnectionPool) -> None:
        self._pool = pool
        self._connection: Any = None
        self._greeted = False
        self._replies = _reply_reader()
        self.received_bytes = 0
        """Of the last exchange."""

    async def exchange(self, commands: Sequence[bytes], seconds: float) -> list[Any]:
        """Send packed commands, return their replies; an error reply is returned, not raised.

        Raises Outage where nothing went out or came in for `seconds`; connecting has as long.
        """
        try:
            async with asyncio.timeout(seconds) as limit:
                return await self._exchange(commands, _extension(limit, seconds))
        except (RedisError, OSError, TimeoutError, EOFError) as error:
            outage = Cut if self._greeted else Outage
            await self.close()
            raise outage(f"{_place(self._pool)}: {_cause(error)}") from error
        except BaseException:
            # Cancelled half-way: the replies that are still to come belong to nobody.
            await self.close()
            raise

    async def _exchange(self, commands: Sequence[bytes], extend: Callable[[], None]) -> list[Any]:
        if self._connection is not None and leads_elsewhere(self._pool, self._connection):
            await self.close()
        if self._connection is None:
            self._connection = self._pool.make_connection()
            await self._connection.connect()
            self._greeted = True
            self._replies = _reply_reader()
        await self._write(b"".join(commands), extend)
        return await self._read(len(commands), extend)

    async def _write(self, octets: bytes, extend: Callable[[], None]) -> None:
        writer: asyncio.StreamWriter = self._connection._writer  # noqa: SLF001 - a guarded seam
        for start in range(0, len(octets), CHUNK_BYTES):
            if start:
                extend()
            writer.write(octets[start : start + CHUNK_BYTES])
            await writer.drain()

    async def _read(self, count: int, extend: Callable[[], None]) -> list[Any]:
        reader: asyncio.StreamReader = self._connection._reader  # noqa: SLF001 - a guarded seam
        replies: list[Any] = []
        self.received_bytes = 0
        while True:
            while len(replies) < count and (reply := self._replies.gets()) is not _INCOMPLETE:
                if not isinstance(reply, hiredis.PushNotification):
                    replies.append(reply)
            if len(replies) == count:
                return replies
            if self.received_bytes:
                extend()
            octets = await reader.read(CHUNK_BYTES)
            if not octets:
                raise EOFError
            self.received_bytes += len(octets)
            self._replies.feed(octets)

    async def close(self) -> None:
        """Drop the connection; the next exchange opens a new one."""
        connection, self._connection, self._greeted = self._connection, None, False
        if connection is not None:
            await connection.disconnect(nowait=True)


def _place(pool: redis.asyncio.ConnectionPool) -> str:
    """Where Redis is, without user and password."""
    options = pool.connection_kwargs
    host = options.get("host")
    if (nodes := options.get("nodes")) is not None:
        return f"the node of the cluster that serves slot {nodes.hash_slot}"
    found: str | None = options.get("path") or (f"{host}:{options.get('port')}" if host else None)
    return found or "the primary that the sentinels name"


def _cause(error: Exception) -> str:
    """Why there is no answer. What redis-py raises while it connects quotes the server alone."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, EOFError):
        return "the connection was closed"
    return f"{type(error).__name__} {error}".strip()


_INCOMPLETE: Final = object()


def _reply_reader() -> hiredis.Reader:
    return hiredis.Reader(
        protocolError=redis.exceptions.InvalidResponse,
        replyError=error_of,
        notEnoughData=_INCOMPLETE,
    )


def _extension(limit: asyncio.Timeout, seconds: float) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def extend() -> None:
        limit.reschedule(loop.time() + seconds)

    return extend
