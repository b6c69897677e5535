"""Work on what a server said that may be interrupted: the event loop turns in its rests.

What a text may cost in all is bounded by the caps on it. At one go that would still be a stretch in
which every other probe of the process waits, and strangers choose how often it comes. So long work
is a generator that yields wherever it may be interrupted, and returns what it comes to.

To let the loop turn once at each yield would not do: a probe has some twelve turns to wait for, and
would find a portion of such work in each of them.
"""

import asyncio
import time
from collections.abc import Generator
from typing import Final, TypeVar

T = TypeVar("T")

Interruptible = Generator[None, None, T]

PORTION_SECONDS: Final = 0.001
"""Then there is a rest. The usual session's text takes a third of it, so there is none."""

REST_SECONDS: Final = 0.004
"""Four fifths of the loop are left to others; what takes longest is done within 0.1 s."""


async def with_rests(work: Interruptible[T]) -> T:
    """Return what `work` comes to, with a rest after each portion of it."""
    began = time.monotonic()
    try:
        while True:
            next(work)
            if time.monotonic() - began > PORTION_SECONDS:
                await asyncio.sleep(REST_SECONDS)
                began = time.monotonic()
    except StopIteration as end:
        result: T = end.value
        return result


def at_once(work: Interruptible[T]) -> T:
    """Return what `work` comes to; nobody else has a turn before."""
    try:
        while True:
            next(work)
    except StopIteration as end:
        result: T = end.value
        return result
