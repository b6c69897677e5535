"""Long work on what a server said, in portions: between them the event loop serves the others.

What a text may cost in all is bounded by the caps on it. At one go that would still hold up every
other probe of the process, and strangers choose how often it comes. So long work is a generator
that yields wherever it may be interrupted, and returns what it comes to.

A rest of one turn of the loop would not do: another probe takes some twelve turns, and would wait
for a portion of such work in each of them.
"""

import asyncio
import time
from collections import deque
from collections.abc import Generator
from typing import Final, TypeVar

T = TypeVar("T")

Interruptible = Generator[None, None, T]

PORTION_SECONDS: Final = 0.001
"""Then there is a rest. The usual session's text takes a third of it, so there is none."""

REST_SECONDS: Final = 0.004
"""Four fifths of the loop are left to others; what takes longest is done within 0.1 s."""

TURN_SECONDS: Final = 0.004
"""For the portions of all probes in one turn of the loop: many may be answered at one moment."""

MOST_WOKEN: Final = 16
"""How many waiting probes go on after a turn: the usual text of so many takes one. Thousands would
each look whether time is left, which takes longer than their work.
"""


class Turn:
    """How long the probes of a process have worked in this turn of the loop, and who waits."""

    def __init__(self) -> None:
        self._worked = 0.0
        self._counts = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def begin(self) -> float:
        """Wait for a turn with time left; return the time (monotonic)."""
        while self._worked > TURN_SECONDS:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        return time.monotonic()

    def end(self, began: float) -> None:
        """Count a portion."""
        if not self._counts:
            self._count_until_next()
        self._worked += time.monotonic() - began

    def _count_until_next(self) -> None:
        self._counts = True
        asyncio.get_running_loop().call_soon(self._is_over)

    def _is_over(self) -> None:
        self._worked, self._counts = 0.0, False
        if self._waiting:
            self._count_until_next()  # before those who are woken begin
        for _ in range(min(MOST_WOKEN, len(self._waiting))):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)


async def with_rests(work: Interruptible[T], turn: Turn) -> T:
    """Return what `work` comes to, with a rest after each portion of it."""
    try:
        while True:
            began = await turn.begin()
            try:
                _portion(work)
            finally:
                turn.end(began)
            await asyncio.sleep(REST_SECONDS)
    except StopIteration as end:
        result: T = end.value
        return result


def _portion(work: Interruptible[object]) -> None:
    """Raises StopIteration where the work is done."""
    began = time.monotonic()
    while time.monotonic() - began <= PORTION_SECONDS:
        next(work)


def at_once(work: Interruptible[T]) -> T:
    """Return what `work` comes to, without a rest: the loop stands still meanwhile."""
    try:
        while True:
            next(work)
    except StopIteration as end:
        result: T = end.value
        return result
