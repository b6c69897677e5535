"""Work on what a server said, in portions between which the event loop turns.

What a text may cost in all is bounded by the caps on it. At one go that would still be a stretch in
which every other probe of the process waits, and strangers choose how often it comes. So who works
for long is a generator that yields wherever it may be interrupted.
"""

import asyncio
import time
from collections.abc import Generator
from typing import Final, TypeVar

T = TypeVar("T")

Portions = Generator[None, None, T]

PORTION_SECONDS: Final = 0.001
"""The usual session's text takes a fifth of it, and then the loop need not turn."""


async def in_portions(work: Portions[T]) -> T:
    """Return what `work` comes to. The loop turns whenever so much time has gone by."""
    began = time.monotonic()
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if time.monotonic() - began > PORTION_SECONDS:
            await asyncio.sleep(0)
            began = time.monotonic()


def at_once(work: Portions[T]) -> T:
    """Return what `work` comes to; nobody else has a turn before."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
