"""Those of one process who want to one host: who may ask Redis next.

No I/O. Jobs take turns, so that a batch of 50 stands beside a single test and not before it. A turn
is two probes, the protocols of an item: with one, the first of a thousand jobs would end only after
every other had begun. One job holds at most half of the host's places; of one account and protocol
only one goes at a time. What this process knows by itself is not asked of Redis.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from worker.probing.target import Protocol

PROBES_PER_TURN: Final = len(Protocol)

Reply = list[Any]
"""Redis' answer to enter.lua."""


@dataclass(eq=False, slots=True)
class Stay:
    """One probe at one host, from asking to leaving. Names are those of `Identity`.

    `account` and `fingerprint` are empty without a login. `answer` is what it waits for in line;
    `not_before` (loop time): another process has its account in flight, ask again then.
    """

    ticket: str
    job_id: str
    protocol: Protocol
    host: str
    account: str = ""
    fingerprint: str = ""
    answer: "asyncio.Future[Reply] | None" = None
    not_before: float = 0.0

    @property
    def flight(self) -> tuple[str, Protocol] | None:
        """What goes one at a time: an account over a protocol."""
        return (self.account, self.protocol) if self.account else None


class Line:
    """One host. `limit` places over all workers, 0 = no limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._per_job = (limit + 1) // 2
        self._held: Counter[str] = Counter()
        self._taken = 0
        self._flights: set[tuple[str, Protocol]] = set()
        self._waiting: OrderedDict[str, deque[Stay]] = OrderedDict()
        self.soonest = 0.0
        """When the last one that was postponed may go (loop time)."""
        self.changed = asyncio.Event()
        """A place fell free, or somebody came or went."""
        self.served = False
        """A task asks Redis for those who wait."""
        self.registered = False
        """Redis keeps a place for this process: it was told that one waits."""

    def __bool__(self) -> bool:
        """Tell whether anybody holds a place or waits for one."""
        return bool(self._waiting or self._taken)

    @property
    def someone_waits(self) -> bool:
        return bool(self._waiting)

    def free_for(self, stay: Stay) -> bool:
        """As far as this process can tell."""
        if stay.flight in self._flights:
            return False
        if not self._limit:
            return True
        return self._taken < self._limit and self._held[stay.job_id] < self._per_job

    def hold(self, stay: Stay) -> None:
        self._held[stay.job_id] += 1
        self._taken += 1
        if stay.flight is not None:
            self._flights.add(stay.flight)

    def release(self, stay: Stay) -> None:
        self._taken -= 1
        self._held[stay.job_id] -= 1
        if not self._held[stay.job_id]:
            del self._held[stay.job_id]
        if stay.flight is not None:
            self._flights.discard(stay.flight)

    def join(self, stay: Stay, *, first: bool = False) -> None:
        """Wait behind the others of its job; `first`: it was its turn, and stays so."""
        others = self._waiting.setdefault(stay.job_id, deque())
        if first:
            others.appendleft(stay)
            self._waiting.move_to_end(stay.job_id, last=False)
        else:
            others.append(stay)

    def next(self, now: float) -> Stay | None:
        """Take out whose turn it is, by job; None: nobody who waits may go now."""
        if self._limit and self._taken >= self._limit:
            return None
        for job_id in self._waiting:
            others = self._waiting[job_id]
            for stay in others:
                if stay.not_before <= now and self.free_for(stay):
                    others.remove(stay)
                    self._end_turn(job_id)
                    return stay
        return None

    def postpone(self, stay: Stay, until: float) -> None:
        """Another process has its account in flight; others of this line may go."""
        stay.not_before = self.soonest = until

    async def change(self, until: float | None) -> None:
        """Wait until something has changed, at most until then (loop time)."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self.changed.wait()

    def drop(self, stay: Stay) -> None:
        """Forget one who gave up waiting."""
        others = self._waiting.get(stay.job_id)
        if others is not None and stay in others:
            others.remove(stay)
            if not others:
                del self._waiting[stay.job_id]

    def _end_turn(self, job_id: str) -> None:
        """Put a job last whose item is through; those that are left are counted in twos."""
        left = len(self._waiting[job_id])
        if not left:
            del self._waiting[job_id]
        elif left % PROBES_PER_TURN == 0:
            self._waiting.move_to_end(job_id)
