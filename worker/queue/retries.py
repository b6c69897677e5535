"""Which jobs may run again in this process, of those whose worker died while they ran.

A worker that dies takes every job with it that it runs, and one of them at most is the reason. So
jobs that are run again are suspects: first many at a time, then few, at last each alone. Beside
them go jobs on their first attempt, in any number: what kills a worker is a suspect by then.

How much of each death a job has to answer for, `start.lua` keeps.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Final

AT_A_TIME: Final = {1: 64, 2: 8}
"""How many jobs with one death, or two, run at a time; with more deaths, one. A job that kills its
worker is found out after five deaths: among all jobs, among 64, among 8, alone, alone.
"""

MAX_BLAME: Final = 2.1
"""The blame for a death is divided among the suspects that ran together. Met by two deaths alone
and one among eight suspects (2.125), or by three alone, where nothing else ran from the beginning.
"""


class Retries:
    """One per process. Those with the fewest deaths behind them go first."""

    def __init__(self) -> None:
        self._running: Counter[int] = Counter()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = count()

    async def enter(self, deaths: int) -> Callable[[], None]:
        """Wait until a job with so many deaths may run; return what is to be called at its end."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (deaths, next(self._numbers), turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(deaths)
            raise
        return lambda: self._leave(deaths)

    def _leave(self, deaths: int) -> None:
        self._running[deaths] -= 1
        self._running += Counter()  # drops counts of zero
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            deaths, _, turn = self._waiting[0]
            if not turn.done():
                if self._running.total() >= min(map(_limit, (deaths, *self._running))):
                    return
                self._running[deaths] += 1
                turn.set_result(None)
            heapq.heappop(self._waiting)


def _limit(deaths: int) -> int:
    return AT_A_TIME.get(deaths, 1)
