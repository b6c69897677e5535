"""One connection to Redis on the event loop: many commands out, as many replies in.

Below redis-py's client, on its connection: a client takes a connection from a pool, checks it and
gives it back for each call, and its pipeline wraps every reply in a time-out of its own; that costs
more than the rest of the queue together. Here one deadline holds for the whole exchange.
"""

import asyncio
import re
from collections.abc import Sequence
from typing import Any, Final

import hiredis
import redis.asyncio
from redis.exceptions import (
    ClusterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

Word = str | bytes | int | float

_NOT_NOW: Final = (
    ClusterDownError,
    NoPermissionError,  # an operator can mend it while we run
    OutOfMemoryError,
    ReadOnlyError,  # a failover: this is a replica now
    TryAgainError,
)
_NOT_NOW_WORDS: Final = (
    "BUSY",  # a script runs away
    "MISCONF",  # the disk is full
    "NOREPLICAS",
    "UNBLOCKED",
)
# Redis before 7 wraps what a command in a script was told.
_NOT_NOW_IN_SCRIPT: Final = re.compile(r"Error running script.* -?(OOM|READONLY|MISCONF|NOREPL)")


class Outage(Exception):
    """Redis does not answer, or not now. Whether the commands were executed is not known."""


def is_outage(reply: object) -> bool:
    """Tell whether an error reply means "not now" rather than "not so"."""
    if not isinstance(reply, ResponseError):
        return False
    text = str(reply)
    return (
        isinstance(reply, _NOT_NOW)
        or text.startswith(_NOT_NOW_WORDS)
        or _NOT_NOW_IN_SCRIPT.match(text) is not None
    )


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

    async def exchange(self, commands: Sequence[bytes], seconds: float) -> list[Any]:
        """Send packed commands, return their replies; an error reply is returned, not raised.

        Raises Outage where no full set of replies came within `seconds`, connecting included.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(commands)
        except (RedisError, OSError, TimeoutError, EOFError) as error:
            await self.close()
            raise Outage(type(error).__name__) from error
        except BaseException:
            # Cancelled half-way: the replies that are still to come belong to nobody.
            await self.close()
            raise

    async def _exchange(self, commands: Sequence[bytes]) -> list[Any]:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._pool.make_connection()
            await connection.connect()
        await connection.send_packed_command(commands, check_health=False)
        replies: list[Any] = []
        for _ in commands:
            try:
                replies.append(await connection.read_response())
            except ResponseError as error:
                replies.append(error)
        return replies

    async def close(self) -> None:
        """Drop the connection; the next exchange opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)
