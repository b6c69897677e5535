"""A timer that does not count a pause of the whole process.

A machine that is moved, or a process that is stopped for a while, wakes with every timer overdue
and with the answers lying in its sockets. A loop runs what is overdue before, or in the same turn
as, what it reads: each of those answers would come too late. So a timer that is much too late
itself has not been waited for. It gives back the time by which it is late, once, and the loop reads
first.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final

PAUSE_SECONDS: Final = 1.0
"""Later than this a timer is by a pause only: a busy loop is late by 0.2 s at its worst."""


class PatientTimeout:
    """As `asyncio.timeout`, for `async with`. `on_pause` hears how many seconds are given back."""

    __slots__ = ("_due", "_forgiven", "_handle", "_loop", "_on_pause", "_timeout")

    def __init__(self, seconds: float, on_pause: Callable[[float], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + seconds
        self._on_pause = on_pause
        self._forgiven = False
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._handle = self._loop.call_at(self._due, self._on_due)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raises TimeoutError where the time ran out."""
        self._handle.cancel()
        await self._timeout.__aexit__(kind, error, traceback)

    def _on_due(self) -> None:
        now = self._loop.time()
        late = now - self._due
        if late < PAUSE_SECONDS or self._forgiven:
            self._timeout.reschedule(now)
            return
        self._forgiven = True
        self._on_pause(late)
        self._handle = self._loop.call_at(now + late, self._on_due)
