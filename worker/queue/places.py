"""Who may start a job now: one number of places for all queues, and a share for each.

A queue takes any place that is free. A queue whose own jobs hold less than its share may start one
even when none is free; the others then get no new place until the total is back below the number.
So one queue can use every place, and none can shut another out. The total passes the number by one
share at most, and only until the first few jobs end.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

SHARE: Final = 0.1
"""A tenth: enough to keep the rarer queue moving, too little to matter when it is in use."""


class Places:
    """One per process."""

    def __init__(self, total: int, queues: Iterable[str]) -> None:
        self._total = total
        self._share = max(1, int(total * SHARE))
        self._taken = dict.fromkeys(queues, 0)
        self._in_use = 0
        self._left = asyncio.Event()

    @property
    def in_use(self) -> int:
        """Jobs in flight."""
        return self._in_use

    def free(self, queue: str) -> int:
        """How many jobs of `queue` may start now."""
        return max(0, self._total - self._in_use, self._share - self._taken[queue])

    def take(self, queue: str, count: int = 1) -> None:
        """Start, or be about to start, so many jobs."""
        self._taken[queue] += count
        self._in_use += count

    def leave(self, queue: str, count: int = 1) -> None:
        """So many jobs have ended, or were not there to be started."""
        self._taken[queue] -= count
        self._in_use -= count
        if count:
            self._left.set()

    async def wait(self, queue: str) -> int:
        """Wait until jobs of `queue` may start; how many."""
        while not (free := self.free(queue)):
            self._left.clear()
            await self._left.wait()
        return free
