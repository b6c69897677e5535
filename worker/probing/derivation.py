"""Keys from passwords (PBKDF2) beside the event loop: one thread, the cheapest key first.

A server chooses how many iterations a SCRAM login takes, up to our cap. So the thread is for
nothing else, a login that costs little never waits behind many that cost much, and how many may
wait is bounded. The thread gives way to the loop (see `priority`).
"""

import asyncio
import heapq
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from threading import get_native_id
from typing import Final

from producer.contract.codes import Code
from worker.probing.errors import DeadlineFault
from worker.probing.priority import give_way

MAX_WAITING: Final = 64
"""At the cap of iterations that is 16 s of computing, less than the phase AUTH may last."""


@dataclass(order=True, slots=True)
class _Turn:
    iterations: int
    number: int
    comes: "asyncio.Future[bool]" = field(compare=False)
    """True: go. False: turned away."""


class KeyDerivation:
    """One per process. Called with work and its iterations, from one event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Turn] = []
        self._numbers = count()
        self._busy = False
        # It starts when first used.
        self._thread = ThreadPoolExecutor(1, "key-derivation", lambda: give_way(get_native_id()))

    def reserve(self) -> None:
        """Have the thread from the start. Raises RuntimeError where the system allows none."""
        self._thread.submit(int)

    async def __call__(self, work: Callable[[], bytes], iterations: int) -> bytes:
        """Return what `work` computes. Raises DeadlineFault where too many wait that cost less."""
        await self._my_turn(iterations)
        try:
            # A login that is cancelled leaves its work to end; nobody else touches what it uses.
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._pass_on()

    async def _my_turn(self, iterations: int) -> None:
        if not self._busy:
            self._busy = True
            return
        turn = _Turn(iterations, next(self._numbers), asyncio.get_running_loop().create_future())
        heapq.heappush(self._waiting, turn)
        if len(self._waiting) > MAX_WAITING:
            self._turn_away(max(self._waiting))
        try:
            may_go = await turn.comes
        except asyncio.CancelledError:
            if not turn.comes.cancelled():
                if turn.comes.result():
                    self._pass_on()
            elif turn in self._waiting:
                self._forget(turn)
            raise
        if not may_go:
            detail = "too many logins wait for a key that takes long to compute"
            raise DeadlineFault(Code.DEADLINE_EXCEEDED, detail)

    def _turn_away(self, turn: _Turn) -> None:
        """Refuse the costliest, the latest of several: never whoever just came with less."""
        self._forget(turn)
        turn.comes.set_result(False)

    def _forget(self, turn: _Turn) -> None:
        self._waiting.remove(turn)
        heapq.heapify(self._waiting)

    def _pass_on(self) -> None:
        while self._waiting:
            turn = heapq.heappop(self._waiting)
            if not turn.comes.done():
                turn.comes.set_result(True)
                return
        self._busy = False
