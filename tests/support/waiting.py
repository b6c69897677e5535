"""Waiting for what a test needs to be so, and no longer. On a slow machine it takes longer."""

import asyncio
from collections.abc import Callable

LOOK_SECONDS = 0.01
MOST_LOOKS = 3000


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(MOST_LOOKS):
        if condition():
            return
        await asyncio.sleep(LOOK_SECONDS)
    raise AssertionError("what the test waits for did not come")


async def settled(read: Callable[[], int], looks: int = 20) -> int:
    """The value at which a reading stays, once it has left 0."""
    same, last = 0, 0

    def stays() -> bool:
        nonlocal same, last
        value = read()
        same, last = (same + 1, value) if value and value == last else (0, value)
        return same >= looks

    await until(stays)
    return last
