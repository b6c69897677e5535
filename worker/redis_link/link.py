"""Redis as the tasks of one process see it: calls that wait until they are answered.

Calls made in the same moment, or while an exchange is on its way, travel in one round trip: with
500 jobs in flight that is the difference between 2,000 round trips a second and 50. A time-out is
an outage like any other: the call is made again until Redis is back. So every call must be one that
may be repeated; what must not (a fetch) has its own connection.

A call that Redis refuses for now (no memory, no permission) waits by itself and holds up nobody; so
does one that ends each connection, as what is larger than an operator or a proxy allows.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import redis.asyncio
from redis.exceptions import ResponseError

from worker.redis_link import backoff
from worker.redis_link.call import Call, Script, Subject, subject_of
from worker.redis_link.connections import CALL_TIMEOUT_SECONDS
from worker.redis_link.pipe import Cut, Outage, Pipe, Word, pack
from worker.redis_link.replies import (
    NO_PERMISSION,
    code_of,
    is_refused_for_now,
    is_wrong_server,
)
from worker.redis_link.trouble import Trouble

__all__ = ["Link", "Script"]

MAX_BATCH_CALLS: Final = 512
"""Calls in one round trip: some 500 scripts hold Redis for about 10 ms."""

MAX_BATCH_BYTES: Final = 1024 * 1024
"""Of one round trip, outwards; a larger call travels alone."""

LEAST_BYTES_PER_SECOND: Final = 128 * 1024
"""Outwards. What is on its way lies in the buffers of systems and proxies and shows no progress: a
call of 3 MB over a slow line is silent for longer than any time-out. Halved with each failure.
"""

MOST_HALVINGS: Final = 3

LARGE_REPLIES_BYTES: Final = 4 * 1024 * 1024
"""What comes in is not known beforehand: after so much the next round trip has half the calls."""


class Link:
    """One connection, used from one event loop."""

    def __init__(
        self,
        pool: redis.asyncio.ConnectionPool,
        *,
        timeout_seconds: float = CALL_TIMEOUT_SECONDS,
    ) -> None:
        self._pipe = Pipe(pool)
        self._timeout_seconds = timeout_seconds
        self._trouble = Trouble()
        self._waiting: deque[Call] = deque()
        self._refused: dict[Call, asyncio.TimerHandle] = {}
        self._flusher: asyncio.Task[None] | None = None
        self._max_calls = MAX_BATCH_CALLS

    async def call(
        self, script: Script, keys: Sequence[str], args: Sequence[Word] = (), *, retry: bool = True
    ) -> Any:
        """Run a script, until Redis has answered; `retry` False: raise Outage instead.

        Raises redis.ResponseError for what Redis refuses for good.
        """
        whole = partial(script.command, keys, args, whole=True)
        subject = Subject(script.name, tuple(keys))
        return await self._submit(script.command(keys, args), subject, retry=retry, whole=whole)

    async def execute(self, *command: Word, retry: bool = True) -> Any:
        """Run a command that may be repeated; as `call`."""
        return await self._submit(pack(*command), subject_of(command), retry=retry)

    def post(self, *command: Word) -> None:
        """Send a command with the next exchange; nobody waits for it, and an outage drops it."""
        future = self._submit(pack(*command), subject_of(command), retry=False)
        future.add_done_callback(_retrieve)

    async def close(self) -> None:
        """Drop the connection and cancel whoever still waits."""
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
        for timer in self._refused.values():
            timer.cancel()
        for call in (*self._waiting, *self._refused):
            call.future.cancel()
        self._waiting.clear()
        self._refused.clear()
        await self._pipe.close()

    def _submit(
        self,
        command: bytes,
        subject: Subject,
        *,
        retry: bool,
        whole: Callable[[], bytes] | None = None,
    ) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(Call(command, subject, future, retried=retry, whole=whole))
        self._start_flusher()
        return future

    def _start_flusher(self) -> None:
        if self._flusher is None:
            self._flusher = asyncio.get_running_loop().create_task(self._flush(), name="link")

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch = self._take_batch()
                if batch and not await self._exchange(batch):
                    await asyncio.sleep(backoff.seconds(self._trouble.failures))
        finally:
            self._flusher = None

    def _take_batch(self) -> list[Call]:
        """Leave out calls that were cancelled; send one that may have ended a connection alone."""
        batch: list[Call] = []
        room = MAX_BATCH_BYTES
        while self._waiting and len(batch) < self._max_calls:
            call = self._waiting[0]
            if not call.future.done():
                room -= len(call.command)
                if batch and (room < 0 or call.is_suspect):
                    break
                batch.append(call)
                room = 0 if call.is_suspect else room
            self._waiting.popleft()
        return batch

    async def _exchange(self, batch: list[Call]) -> bool:
        """Tell whether Redis served us."""
        try:
            replies = await self._pipe.exchange([c.command for c in batch], self._patience(batch))
            self._adapt(len(batch))
            return await self._hand_over(batch, replies)
        except Cut as cut:
            self._suspect(batch, cut)
            return False
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

    def _patience(self, batch: Sequence[Call]) -> float:
        """How many seconds of silence are no outage yet."""
        failures = max(self._trouble.failures, *(call.cuts for call in batch))
        pace: float = LEAST_BYTES_PER_SECOND / 2 ** min(failures, MOST_HALVINGS)
        return self._timeout_seconds + sum(len(call.command) for call in batch) / pace

    async def _hand_over(self, batch: list[Call], replies: list[Any]) -> bool:
        again: list[Call] = []
        wrong_server = None
        for call, reply in zip(batch, replies, strict=True):
            if is_wrong_server(reply):
                wrong_server = reply
            if is_refused_for_now(reply):
                self._put_off(call, reply)
            elif call.settle(reply):
                again.append(call)
            else:
                self._tell(call, reply)
        if wrong_server is not None:
            await self._pipe.close()
            self._postpone(again, Outage(str(wrong_server)))
            return False
        self._waiting.extendleft(reversed(again))
        self._trouble.over()
        return True

    def _suspect(self, batch: list[Call], cut: Cut) -> None:
        """Count a cut against each call; one that went alone waits by itself, as if refused."""
        first, alone = batch[0], batch[0].is_suspect
        for call in batch:
            call.cuts += 1
        if alone and first.retried:
            self._trouble.cut(first.subject, cut)
            self._make_later(first, backoff.seconds(first.cuts, backoff.LONGEST_CUT_PAUSE_SECONDS))
        else:
            self._postpone(batch, cut)

    def _postpone(self, batch: list[Call], outage: Outage) -> None:
        self._trouble.outage(outage)
        for call in batch:
            if not call.retried:
                call.fail(outage)
        self._waiting.extendleft(reversed(batch))

    def _tell(self, call: Call, reply: object) -> None:
        if isinstance(reply, ResponseError):
            if not is_wrong_server(reply):  # that comes here where nobody waits any more
                self._trouble.rejected(call.subject, reply)
        elif not call.retried:
            self._trouble.granted(call.subject)
        elif call.refusals or call.is_suspect:
            self._trouble.accepted(call.subject)

    def _put_off(self, call: Call, error: ResponseError) -> None:
        """Make one call again later; the others go on."""
        if not call.retried and code_of(error) == NO_PERMISSION:
            self._trouble.refused(call.subject, error)
        if not call.retried or call.future.done():
            call.fail(Outage(str(error)))
            return
        self._trouble.refused(call.subject, error)
        call.refusals += 1
        self._make_later(
            call, backoff.seconds(call.refusals, backoff.LONGEST_REFUSED_PAUSE_SECONDS)
        )

    def _make_later(self, call: Call, seconds: float) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, self._make_again, call)
        self._refused[call] = timer

    def _make_again(self, call: Call) -> None:
        del self._refused[call]
        self._waiting.append(call)
        self._start_flusher()

    def _adapt(self, calls: int) -> None:
        """Send fewer calls a round trip while replies are large, and more again afterwards."""
        if self._pipe.received_bytes > LARGE_REPLIES_BYTES:
            self._max_calls = max(1, calls // 2)
        else:
            self._max_calls = min(MAX_BATCH_CALLS, 2 * self._max_calls)


def _retrieve(future: asyncio.Future[Any]) -> None:
    """Look at the exception: else asyncio logs one that was never retrieved."""
    if not future.cancelled():
        future.exception()
