"""Which queue may start a job now: one number of slots for all queues, and a share for each.

A queue takes any slot that is free. A queue whose own jobs hold less than its share may start one
even when none is free; the others then get no new slot until the total is back below the number.
So one queue can use every slot, and none can shut another out. The total passes the number by one
share at most, and only until the first few jobs end.

A job may run in parts, side by side, and a part may have to wait until it is let in somewhere (in
this worker: a probe at the gate). While all its parts wait, the job gives its slot to another job:
else the jobs for one slow server would hold up all others. When a part is let in, the job goes on
at once, whether or not a slot is free. It must not wait for one: it has just been lent something
that others want, for a limited time. As nobody waits here while holding anything, nothing can
deadlock. The total passes the number by as many jobs as full servers let in, no more than wait, and
nothing new is started until it is back below.

Waiting costs memory, so it has a limit as well (`WAITING_PARTS_PER_SLOT`): for each part that
waits beyond it one waiting job counts as if it had kept its slot.

How many parts a job has nobody knows before it is read. So those of large jobs have a limit of
their own: as many seats as parts may wait. A part without a seat waits, and holds nothing. It gives
its seat away whenever it waits, and goes on at once, as a job does with its slot.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from worker.queue.seats import Seats, Share

SHARE: Final = 0.1
"""A tenth: enough to keep the rarer queue moving, too little to matter when it is in use."""

WAITING_PARTS_PER_SLOT: Final = 10
"""Of each queue. Ten take about as much memory as one job that works (docs/CAPACITY.md)."""

LEAST_ROOM_TO_WAIT: Final = 1000
"""Parts, of each queue: a small number of slots is no reason to hold up others; 12 MB."""

USUAL_PARTS: Final = 2
"""Of a job. A batch has a hundred, each with a socket or two and 26 kB: a thousand batches at once
would be 100,000 sockets and 2.6 GB.
"""


@dataclass(slots=True)
class _Count:
    """The jobs of one queue."""

    working: int = 0
    waiting: int = 0
    waiting_parts: int = 0


class Slots:
    """One per process."""

    def __init__(self, total: int, queues: Iterable[str]) -> None:
        self._total = total
        self._share = max(1, int(total * SHARE))
        self._room = max(total * WAITING_PARTS_PER_SLOT, LEAST_ROOM_TO_WAIT)
        self._counts = {queue: _Count() for queue in queues}
        self.seats = Seats(self._room)
        self._left = asyncio.Event()

    @property
    def in_use(self) -> int:
        """Slots that are taken; more than there are while jobs run beyond the number."""
        return sum(self._used(count) for count in self._counts.values())

    @property
    def jobs(self) -> int:
        """Jobs in hand: those that work and those that wait."""
        return sum(count.working + count.waiting for count in self._counts.values())

    def free(self, queue: str) -> int:
        """How many jobs of `queue` may start now."""
        own = self._used(self._counts[queue])
        return max(0, self._total - self.in_use, self._share - own)

    def take(self, queue: str, count: int = 1) -> None:
        """Start, or be about to start, so many jobs."""
        self._counts[queue].working += count

    def leave(self, queue: str, count: int = 1) -> None:
        """So many jobs have ended, or were not there to be started."""
        self._counts[queue].working -= count
        if count:
            self._left.set()

    def step_aside(self, queue: str, parts: int) -> None:
        """Give the slot of a job away, so many parts of which wait."""
        count = self._counts[queue]
        count.working -= 1
        count.waiting += 1
        count.waiting_parts += parts
        self._left.set()

    def come_back(self, queue: str, parts: int) -> None:
        """Go on with a job that has stepped aside, with so many parts."""
        count = self._counts[queue]
        count.working += 1
        count.waiting -= 1
        count.waiting_parts -= parts
        self._left.set()

    async def wait(self, queue: str) -> int:
        """Wait until jobs of `queue` may start; how many."""
        while not (free := self.free(queue)):
            self._left.clear()
            await self._left.wait()
        return free

    def _used(self, count: _Count) -> int:
        too_many = max(0, count.waiting_parts - self._room)
        return count.working + min(count.waiting, too_many)


class JobSlot:
    """What one job holds, from its message to its end; its parts tell what they do.

    The job has its slot to begin with (`Slots.take`), and whenever no part of it runs.
    """

    def __init__(self, slots: Slots, queue: str) -> None:
        self._slots = slots
        self._queue = queue
        self._share = Share()
        self._running = 0
        self._waiting = 0
        self._ended = 0
        self._aside = 0
        self._left = False

    @property
    def only_waits(self) -> bool:
        """All parts wait and none has ended: nothing is lost by breaking this job off."""
        return self._aside > 0 and not self._ended

    @contextmanager
    def part(self) -> Iterator[None]:
        """Around each part of the job."""
        self._running += 1
        self._settle()
        try:
            yield
        finally:
            self._running -= 1
            self._ended += 1
            self._settle()

    @asynccontextmanager
    async def seat(self) -> AsyncIterator[None]:
        """Around all that a part does, inside `part`. The first two need none."""
        if self._running <= USUAL_PARTS:
            yield
            return
        seats = self._slots.seats
        with self.waiting() if seats.are_taken else nullcontext():
            await seats.take(self._share)
        token = _has_seat.set(True)
        try:
            yield
        finally:
            _has_seat.reset(token)
            seats.leave(self._share)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Around a wait of a part, inside `part`."""
        has_seat = _has_seat.get()
        self._waiting += 1
        self._settle()
        if has_seat:
            self._slots.seats.leave(self._share)
        try:
            yield
        finally:
            if has_seat:
                self._slots.seats.take_at_once(self._share)
            self._waiting -= 1
            self._settle()

    @contextmanager
    def waiting_as_a_whole(self) -> Iterator[None]:
        """Around a wait of the whole job, before its parts or after them."""
        self._running += 1
        try:
            with self.waiting():
                yield
        finally:
            self._running -= 1
            self._settle()

    def leave(self) -> None:
        """The job has ended; parts that outlive it change nothing any more."""
        self._running = self._waiting = 0
        self._settle()
        self._left = True
        self._slots.leave(self._queue)

    def _settle(self) -> None:
        aside = self._waiting if self._waiting == self._running else 0
        if aside == self._aside or self._left:
            return
        if self._aside:
            self._slots.come_back(self._queue, self._aside)
        if aside:
            self._slots.step_aside(self._queue, aside)
        self._aside = aside


current_slot: ContextVar[JobSlot | None] = ContextVar("current_slot", default=None)
"""The slot of the job that the current task works for; its parts inherit it."""

_has_seat: ContextVar[bool] = ContextVar("has_seat", default=False)
"""Whether the current part has one of its job's `Slots.seats`."""


def part() -> AbstractContextManager[None]:
    """Run a part of the current job; without one (tests, a probe by hand) it means nothing."""
    slot = current_slot.get()
    return slot.part() if slot else nullcontext()


def seat() -> AbstractAsyncContextManager[None]:
    """Be one of a limited number of parts of large jobs; as `part`."""
    slot = current_slot.get()
    return slot.seat() if slot else nullcontext()


def waiting() -> AbstractContextManager[None]:
    """Wait as a part of the current job; as `part`."""
    slot = current_slot.get()
    return slot.waiting() if slot else nullcontext()


def waiting_as_a_whole() -> AbstractContextManager[None]:
    """Wait as the whole of the current job; as `part`."""
    slot = current_slot.get()
    return slot.waiting_as_a_whole() if slot else nullcontext()
