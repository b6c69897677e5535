"""Timers that do not count a pause of the whole process.

A machine that is moved, or a process that is stopped for a while, wakes with its timers overdue and
with the answers lying in its sockets. A loop runs what is overdue before, or in the same turn as,
what it reads: each of those answers would come too late. So a timer of its own tells each loop how
long it stood still, and the timers of the probes give that time back: the loop reads first.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final
from weakref import WeakKeyDictionary

LOOK_SECONDS: Final = 0.5

PAUSE_SECONDS: Final = 1.0
"""Later than this a timer is by a pause only: a busy loop is late by 0.2 s at its worst."""


class _LoopWatch:
    """Of one loop: `lost_seconds` is how long it stood still in all, while anybody asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lost_seconds = 0.0
        self._loop = loop
        self._users = 0
        self._due = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def join(self) -> None:
        """Watch from now on."""
        self._users += 1
        if self._users == 1:
            self._arm()

    def leave(self) -> None:
        """Watch no more for this one."""
        self._users -= 1
        if not self._users and self._handle is not None:
            self._handle.cancel()

    def look(self) -> None:
        """Count what is lost up to now: of the timers that are overdue any may run first."""
        late = self._loop.time() - self._due
        if late >= PAUSE_SECONDS:
            # It may have begun right after the last look.
            self.lost_seconds += late + LOOK_SECONDS
            self._arm()

    def _tick(self) -> None:
        self.look()
        if self._loop.time() >= self._due:
            self._arm()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._due = self._loop.time() + LOOK_SECONDS
        self._handle = self._loop.call_at(self._due, self._tick)


_watches: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopWatch]] = WeakKeyDictionary()


def _watch_of(loop: asyncio.AbstractEventLoop) -> _LoopWatch:
    watch = _watches.get(loop)
    if watch is None:
        watch = _watches[loop] = _LoopWatch(loop)
    return watch


class PatientTimeout:
    """As `asyncio.timeout`, for `async with`, less the time in which the process stood still."""

    __slots__ = ("_due", "_handle", "_loop", "_lost", "_on_lost", "_timeout", "_watch")

    def __init__(self, seconds: float, on_lost: Callable[[float], None]) -> None:
        """`on_lost` hears how long the loop has stood still in all, at the start and ever after."""
        self._loop = asyncio.get_running_loop()
        self._watch = _watch_of(self._loop)
        self._lost = self._watch.lost_seconds
        self._due = self._loop.time() + seconds
        self._on_lost = on_lost
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._watch.join()
        self._on_lost(self._lost)
        self._handle = self._loop.call_at(self._due, self._on_due)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raises TimeoutError where the time ran out."""
        self._handle.cancel()
        self._watch.look()
        self._watch.leave()
        self._on_lost(self._watch.lost_seconds)
        await self._timeout.__aexit__(kind, error, traceback)

    def _on_due(self) -> None:
        self._watch.look()
        lost = self._watch.lost_seconds - self._lost
        if not lost:
            self._timeout.reschedule(self._loop.time())
            return
        self._lost += lost
        self._on_lost(self._lost)
        self._handle = self._loop.call_later(lost, self._on_due)
