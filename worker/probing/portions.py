"""Work on what a server said, in portions between which the event loop is everybody else's.

What a text may cost in all is bounded by the caps on it. At one go that would still be a stretch in
which every other probe of the process waits, and strangers choose how often it comes. So who works
for long is a generator that yields wherever it may be interrupted, and rests.

To let the loop turn once would not do: a probe has some twelve turns to wait for, and would find a
portion in each of them.
"""

import asyncio
import time
from collections.abc import Generator, Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

Portions = Generator[None, None, T]

PORTION_SECONDS: Final = 0.001
"""The usual session's text takes a third of it, so there is no rest."""

REST_SECONDS: Final = 0.004
"""Four fifths of the loop are left to others; what takes longest is done within 0.1 s."""


class _Steps(Generic[T]):
    """The steps of some work, one by one; once they are over, what it comes to."""

    result: T

    def __init__(self, work: Portions[T]) -> None:
        self._work = work

    def __iter__(self) -> Iterator[None]:
        self.result = yield from self._work


async def in_portions(work: Portions[T]) -> T:
    """Return what `work` comes to, with a rest whenever it has taken as long as a portion may."""
    steps, began = _Steps(work), time.monotonic()
    for _ in steps:
        if time.monotonic() - began > PORTION_SECONDS:
            await asyncio.sleep(REST_SECONDS)
            began = time.monotonic()
    return steps.result


def at_once(work: Portions[T]) -> T:
    """Return what `work` comes to; nobody else has a turn before."""
    steps = _Steps(work)
    for _ in steps:
        pass
    return steps.result
