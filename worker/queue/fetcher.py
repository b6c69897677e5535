"""From the list to a task: one fetcher per queue and shard, no polling.

An idle fetcher blocks in Redis on a move of the list's head to where it is. Nothing changes, FIFO
order stays, and the reply says that there is a message, whoever pushed it. The message itself is
then fetched by a script (list to ack set in one step). Blocking on the fetch itself would have to
move the id to a list of our own first: a place that Dramatiq does not know, in which a stalled
worker would hold messages while others are idle.

The peek wakes every idle worker, and one gets the message. The others have made an empty fetch;
they step aside for some milliseconds, the longer the more workers there are and the more often they
lose.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from redis.exceptions import NoScriptError, ResponseError

from worker.queue import lua
from worker.queue.message import MAX_MESSAGE_BYTES
from worker.queue.setup import Setup, Shard
from worker.queue.slots import Slots
from worker.redis_link import backoff
from worker.redis_link.call import Subject
from worker.redis_link.connections import CALL_TIMEOUT_SECONDS
from worker.redis_link.link import Script
from worker.redis_link.pipe import Outage, Pipe, Word, is_outage, pack
from worker.redis_link.replies import is_wrong_server
from worker.redis_link.trouble import Trouble

MOST_PER_FETCH: Final = 64
"""A worker takes a backlog in portions, so that another one gets its share of it."""

BUSY_JOBS: Final = 256
MOST_PER_FETCH_WHEN_BUSY: Final = 16
"""With so many jobs in flight there is work enough, and what begins at one moment is answered at
one moment: with 5,000 in flight the loop's lag had a p99 of 0.07 s instead of 0.2 s. With few in
flight such small portions would cost 8 % more CPU a job.
"""

KEEPS_UP_SECONDS: Final = 0.05
"""A loop whose turn is longer than this is overloaded: new jobs would delay those that run. Among
2,000 jobs that began at once, handshakes outlasted their phase.
"""

LONGEST_HOLD_SECONDS: Final = 2.0
"""How long an overloaded loop puts the next fetch off: other workers may take the messages."""

PEEK_SECONDS: Final = 5
PEEK_GRACE_SECONDS: Final = 3.0
"""A peek that is overdue by this has lost its connection: half-open, or Redis hangs."""

STEP_ASIDE_SECONDS: Final = 0.001
LONGEST_STEP_ASIDE_SECONDS: Final = 0.005
MOST_TO_STEP_ASIDE_FOR: Final = 10
"""For each worker that is there; so 10 workers make 3 fetches a message instead of 10."""

_FETCH = Script("fetch", lua.source("fetch"))
_log = logging.getLogger("worker.queue")

Take = Callable[[str, bytes, bytes | int | None], bool]
"""`(queue, redis message id, message or its size or None)`: start a task; False: no need."""


class Fetcher:
    """Fetches messages of one queue as slots become free, and hands them to `take`."""

    def __init__(
        self,
        queue: str,
        setup: Setup,
        shard: Shard,
        slots: Slots,
        take: Take,
        workers: Callable[[], int],
    ) -> None:
        self.queue = queue
        self._pipe = Pipe(shard.pool)
        self._trouble = Trouble()
        self._layout = shard.layout
        self._few_are_late = shard.jobs.results.few_are_late
        self._broker_id = setup.broker.broker_id
        self._slots = slots
        self._take = take
        self._workers = workers
        self._losses = 0
        self._stopping = False
        self._fetching = False
        self._open = asyncio.Event()
        self._open.set()
        self._task: asyncio.Task[Any] | None = None

    def pause(self) -> None:
        """Fetch no more, until `resume`."""
        self._open.clear()

    def resume(self) -> None:
        self._open.set()

    async def stop(self) -> None:
        """End; a fetch that is on its way is awaited, its messages are taken."""
        self._stopping = True
        if self._task is None:
            return
        if not self._fetching:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._pipe.close()

    async def run(self) -> None:
        """Fetch until `stop`."""
        self._task = asyncio.current_task()
        failures = 0
        woken = False
        while not self._stopping:
            await self._open.wait()
            await self._few_are_late.wait()
            slots = await self._slots.wait(self.queue)
            try:
                most = MOST_PER_FETCH if self._slots.jobs < BUSY_JOBS else MOST_PER_FETCH_WHEN_BUSY
                woken = await self._turn(min(slots, most), woken=woken)
                failures = 0
            except Exception as error:  # noqa: BLE001 - whatever the reply is: the fetcher goes on
                failures += 1
                if failures == 1:
                    _log_trouble(self.queue, error)
                await asyncio.sleep(backoff.seconds(failures))

    async def _turn(self, count: int, *, woken: bool) -> bool:
        """Take what is there; where that is less than `count`, wait until there is more."""
        # Slots are taken before the fetch: the other queue's fetcher may fetch meanwhile.
        self._slots.take(self.queue, count)
        unused = count
        try:
            ids, messages = await self._fetch(count)
            for redis_message_id, message in zip(ids, messages, strict=True):
                unused -= self._take(self.queue, redis_message_id, message)
        finally:
            self._slots.leave(self.queue, unused)
        if len(ids) == count or self._stopping or not self._open.is_set():
            await until_loop_keeps_up(asyncio.get_running_loop().time)
            return False
        self._losses = self._losses + 1 if woken and not ids else 0
        await self._step_aside()
        return await self._peek()

    async def _step_aside(self) -> None:
        """Sleep a little after lost races: the worker that won this message waits for the next."""
        workers = min(self._workers(), MOST_TO_STEP_ASIDE_FOR)
        if self._losses and workers > 1:
            longest = min(
                STEP_ASIDE_SECONDS * 2 ** min(self._losses, 8), LONGEST_STEP_ASIDE_SECONDS
            )
            await asyncio.sleep(random.uniform(0, workers * longest))  # noqa: S311 - jitter

    async def _fetch(self, count: int) -> tuple[Sequence[bytes], Sequence[bytes | int | None]]:
        """Never repeated: the janitor finds the messages of a fetch whose reply was lost."""
        layout = self._layout
        keys = [
            layout.queue(self.queue),
            layout.messages(self.queue),
            layout.acks(self._broker_id, self.queue),
            layout.heartbeats,
        ]
        args: list[Word] = [self._broker_id, count, MAX_MESSAGE_BYTES]
        subject = Subject(_FETCH.name, tuple(keys))
        self._fetching = True
        try:
            try:
                reply = await self._ask(_FETCH.command(keys, args), CALL_TIMEOUT_SECONDS, subject)
            except NoScriptError:
                whole = _FETCH.command(keys, args, whole=True)
                reply = await self._ask(whole, CALL_TIMEOUT_SECONDS, subject)
        finally:
            self._fetching = False
        ids, messages = reply
        return ids, messages

    async def _peek(self) -> bool:
        """Wait until the list has a message, for some seconds."""
        name = self._layout.queue(self.queue)
        command = pack("BLMOVE", name, name, "LEFT", "LEFT", PEEK_SECONDS)
        seconds, subject = PEEK_SECONDS + PEEK_GRACE_SECONDS, Subject("BLMOVE", (name,))
        return await self._ask(command, seconds, subject) is not None

    async def _ask(self, command: bytes, seconds: float, subject: Subject) -> Any:
        (reply,) = await self._pipe.exchange([command], seconds)
        if not isinstance(reply, ResponseError):
            self._trouble.accepted(subject)
        elif not isinstance(reply, NoScriptError) and not is_wrong_server(reply):
            self._trouble.refused(subject, reply)
        if is_outage(reply):
            await self._pipe.close()
            raise Outage(type(reply).__name__)
        if isinstance(reply, ResponseError):
            raise reply
        return reply


async def until_loop_keeps_up(now: Callable[[], float]) -> None:
    """Return after the first turn of the loop that is short; at the latest after the longest hold.

    So the tasks just made have their turns before the next portion. `now` is the loop's clock.
    """
    deadline = now() + LONGEST_HOLD_SECONDS
    while True:
        begun = now()
        await asyncio.sleep(0)
        ended = now()
        if ended - begun < KEEPS_UP_SECONDS or ended > deadline:
            return


def _log_trouble(queue: str, error: Exception) -> None:
    """An outage is everyday; anything else is a bug, and shows where."""
    expected = isinstance(error, Outage | ResponseError)
    _log.warning("fetch_failed", extra={"queue": queue, "reason": type(error).__name__})
    _log.log(logging.DEBUG if expected else logging.ERROR, "fetch_failed_by", exc_info=error)
