"""Timers that do not count a pause of the whole process.

A machine that is moved, or a process that is stopped for a while, wakes with its timers overdue and
with the answers lying in its sockets. A loop runs what is overdue before, or in the same turn as,
what it reads: each of those answers would come too late. So a timer of its own tells each loop how
long it stood still, and the timers of the probes give that time back: the loop reads first.
"""

import asyncio
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

POLL_SECONDS: Final = 0.5

PAUSE_SECONDS: Final = 1.0
"""A timer that is later than this tells of a pause: a busy loop is late by 0.2 s at its worst."""


class LoopWatch:
    """Of one loop: `lost_seconds` is how long it stood still in all, while anybody asked."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.lost_seconds = 0.0
        self.loop = loop
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
        """Count what is lost up to now. Every timer asks: any of the overdue ones may be first."""
        late = self.loop.time() - self._due
        if late >= PAUSE_SECONDS:
            # It may have begun right after the last look.
            self.lost_seconds += late + POLL_SECONDS
            self._arm()

    def _tick(self) -> None:
        self.look()
        if self.loop.time() >= self._due:
            self._arm()

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._due = self.loop.time() + POLL_SECONDS
        self._handle = self.loop.call_at(self._due, self._tick)


_watches: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, LoopWatch]] = WeakKeyDictionary()


def running_watch() -> LoopWatch:
    """The watch of the running loop. Worth keeping: to find it takes a microsecond."""
    loop = asyncio.get_running_loop()
    watch = _watches.get(loop)
    if watch is None:
        watch = _watches[loop] = LoopWatch(loop)
    return watch


class PatientTimeout:
    """As `asyncio.timeout`, less the time in which the process stood still.

    Started and stopped by hand, once, in one task: half the time of an `async with` of its own.
    """

    __slots__ = (
        "_cancelling",
        "_expired",
        "_handle",
        "_loop",
        "_lost",
        "_on_lost",
        "_task",
        "_watch",
    )

    def __init__(self, watch: LoopWatch, on_lost: Callable[[float], None]) -> None:
        """`on_lost` hears how long the loop has stood still in all, at the start and ever after."""
        self._watch = watch
        self._loop = watch.loop
        self._on_lost = on_lost
        self._expired = False

    def start(self, seconds: float) -> None:
        """Cancel the running task in so many seconds."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._watch.join()
        self._lost = self._watch.lost_seconds
        self._on_lost(self._lost)
        self._handle: asyncio.Handle = self._loop.call_later(seconds, self._on_due)

    def stop(self, kind: type[BaseException] | None) -> bool:
        """Tell whether what ended the body, an exception of this `kind`, is that time ran out."""
        self._handle.cancel()
        self._watch.look()
        self._watch.leave()
        self._on_lost(self._watch.lost_seconds)
        # Somebody else may have cancelled the task as well: that goes before (asyncio.timeout).
        if not self._expired or self._task.uncancel() > self._cancelling:
            return False
        return kind is asyncio.CancelledError

    def _on_due(self) -> None:
        self._watch.look()
        lost = self._watch.lost_seconds - self._lost
        if not lost:
            # Not at once: what was read in this turn of the loop comes first.
            self._handle = self._loop.call_soon(self._expire)
            return
        self._lost += lost
        self._on_lost(self._lost)
        self._handle = self._loop.call_later(lost, self._on_due)

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()
