"""Cancelling a task ends it, also while it waits for Redis."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def heed_cancellation(call: Awaitable[T]) -> T:
    """Await a call of an asyncio client. A cancellation ends the task, also one that was swallowed.

    redis-py sends with `asyncio.wait_for`, which in Python 3.11 returns as if it had not been
    cancelled where that comes just as the sending ends
    (https://github.com/python/cpython/issues/86296); what it does next may fail, as with a Redis
    that hangs. Code that repeats calls until it is cancelled would never end.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    try:
        return await call
    finally:
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
