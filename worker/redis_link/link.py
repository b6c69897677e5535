"""Redis as the tasks of one process see it: calls that wait until they are answered.

Calls made in the same moment, or while an exchange is on its way, travel in one round trip: with
500 jobs in flight that is the difference between 2,000 round trips a second and 50. A time-out is
an outage like any other: the call is made again until Redis is back. So every call must be one that
may be repeated; what must not (a fetch) has its own connection.
"""

import asyncio
import hashlib
import logging
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import redis.asyncio
from redis.exceptions import NoScriptError, ResponseError

from worker.redis_link.connections import CALL_TIMEOUT_SECONDS
from worker.redis_link.pipe import Outage, Pipe, Word, is_outage, pack

MAX_BATCH: Final = 512
"""Calls in one round trip: some 500 scripts hold Redis for about 10 ms."""

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 1.0

_log = logging.getLogger("worker.queue")


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script by name. It must be one that may be run twice with the same arguments."""

    name: str
    source: str = field(repr=False)
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        digest = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        object.__setattr__(self, "sha", digest)

    def command(self, keys: Sequence[str], args: Sequence[Word], *, whole: bool = False) -> bytes:
        """The command that runs it: by its sha, or `whole` where Redis does not know it yet."""
        head = ("EVAL", self.source) if whole else ("EVALSHA", self.sha)
        return pack(*head, len(keys), *keys, *args)


Whole = Callable[[], bytes]
"""Makes the command with the script's whole text: wanted once in the life of a Redis."""


class _Call:
    __slots__ = ("command", "future", "retried", "whole")

    def __init__(
        self, command: bytes, whole: Whole | None, future: asyncio.Future[Any], *, retried: bool
    ) -> None:
        self.command = command
        self.whole = whole
        self.future = future
        self.retried = retried

    def fail(self, error: Exception) -> None:
        """Tell the caller, if it still waits."""
        if not self.future.done():
            self.future.set_exception(error)

    def settle(self, reply: Any) -> bool:
        """Hand the reply over; True where the call has to be made again."""
        if self.future.done() or is_outage(reply):
            return not self.future.done()
        if isinstance(reply, NoScriptError) and self.whole is not None:
            self.command = self.whole()
            return True
        if isinstance(reply, ResponseError):
            self.future.set_exception(reply)
        else:
            self.future.set_result(reply)
        return False


class Link:
    """One per process, used from one event loop. `on_outage(is_out)` hears of changes."""

    def __init__(
        self,
        pool: redis.asyncio.ConnectionPool,
        *,
        timeout_seconds: float = CALL_TIMEOUT_SECONDS,
        on_outage: Callable[[bool], None] | None = None,
    ) -> None:
        self._pipe = Pipe(pool)
        self._timeout_seconds = timeout_seconds
        self._on_outage = on_outage
        self._waiting: deque[_Call] = deque()
        self._flusher: asyncio.Task[None] | None = None
        self._failures = 0

    async def call(
        self, script: Script, keys: Sequence[str], args: Sequence[Word] = (), *, retry: bool = True
    ) -> Any:
        """Run a script, until Redis has answered; `retry` False: raise Outage instead.

        Raises redis.ResponseError for what Redis refuses for good.
        """
        whole = partial(script.command, keys, args, whole=True)
        return await self._submit(script.command(keys, args), whole, retry=retry)

    async def execute(self, *command: Word, retry: bool = True) -> Any:
        """Run a command that may be repeated; as `call`."""
        return await self._submit(pack(*command), None, retry=retry)

    def post(self, *command: Word) -> None:
        """Send a command with the next exchange; nobody waits for it, and an outage drops it."""
        self._submit(pack(*command), None, retry=False).add_done_callback(_retrieve)

    async def close(self) -> None:
        """Drop the connection and cancel whoever still waits."""
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
        for call in self._waiting:
            call.future.cancel()
        self._waiting.clear()
        await self._pipe.close()

    def _submit(self, command: bytes, whole: Whole | None, *, retry: bool) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(_Call(command, whole, future, retried=retry))
        if self._flusher is None:
            self._flusher = loop.create_task(self._flush(), name="link")
        return future

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch = self._take_batch()
                if batch and not await self._exchange(batch):
                    await asyncio.sleep(self._pause())
        finally:
            self._flusher = None

    def _take_batch(self) -> list[_Call]:
        """Who was cancelled meanwhile is left out."""
        batch: list[_Call] = []
        while self._waiting and len(batch) < MAX_BATCH:
            call = self._waiting.popleft()
            if not call.future.done():
                batch.append(call)
        return batch

    async def _exchange(self, batch: list[_Call]) -> bool:
        """Tell whether Redis answered every call."""
        try:
            replies = await self._pipe.exchange(
                [call.command for call in batch], self._timeout_seconds
            )
        except Outage as outage:
            self._postpone(batch, outage)
            return False
        except asyncio.CancelledError:
            self._waiting.extendleft(reversed(batch))
            raise
        except Exception as error:  # noqa: BLE001 - a bug must not leave anybody waiting for ever
            for call in batch:
                call.fail(error)
            return True
        again = [call for call, reply in zip(batch, replies, strict=True) if call.settle(reply)]
        if any(is_outage(reply) for reply in replies):
            self._postpone(again, Outage("Redis answers, but refuses"))
            return False
        self._waiting.extendleft(reversed(again))
        self._recover()
        return True

    def _postpone(self, batch: list[_Call], outage: Outage) -> None:
        self._failures += 1
        if self._failures == 1:
            _log.warning("redis_away", extra={"reason": str(outage)})
            self._tell(is_out=True)
        for call in batch:
            if not call.retried:
                call.fail(outage)
        self._waiting.extendleft(reversed(batch))

    def _recover(self) -> None:
        if self._failures:
            self._failures = 0
            _log.warning("redis_back")
            self._tell(is_out=False)

    def _tell(self, *, is_out: bool) -> None:
        if self._on_outage is not None:
            self._on_outage(is_out)

    def _pause(self) -> float:
        """Double with each failure, a little different in each process."""
        longest: float = FIRST_PAUSE_SECONDS * 2 ** min(self._failures, 10)
        return min(longest, LONGEST_PAUSE_SECONDS) * random.uniform(0.7, 1.0)  # noqa: S311 - jitter


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Look at the exception: else asyncio logs one that was never retrieved."""
    if not future.cancelled():
        future.exception()
