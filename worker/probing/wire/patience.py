"""For how long the event loop may block on what another thread does.

One such wait is short. But strangers choose how many come due in one turn of the loop, and how many
are in vain. So all waits of a turn have one bound, and after one in vain there is no other.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

PATIENCE_SECONDS: Final = 0.003
"""For one step of a handshake: as long as 6 honest handshakes take."""

MAX_PATIENCE_IN_TURN_SECONDS: Final = 0.01
"""For all of one turn: half of the longest time for which anything may hold up the loop."""


class Patience:
    """Counts how long the loop has stood still since it last turned. Called from one loop."""

    def __init__(
        self, seconds: float = PATIENCE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._in_turn_seconds = 0.0
        self._in_vain = False
        self._counts = False

    async def turn(self) -> None:
        """Return once the loop may stand still again, or will not do so in this turn at all."""
        most = MAX_PATIENCE_IN_TURN_SECONDS
        while self._in_turn_seconds >= most and not self._in_vain:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0)

    def waits_for(self, ends_within: Callable[[float], bool]) -> bool:
        """Stand still for work that may end within the seconds given; tell whether it has."""
        if self._in_vain:
            return False
        if not self._counts:
            self._counts = True
            asyncio.get_running_loop().call_soon(self._begin_turn)
        began = self._clock()
        ended = ends_within(self._seconds)
        self._in_turn_seconds += self._clock() - began
        self._in_vain = not ended
        return ended

    def _begin_turn(self) -> None:
        self._counts = self._in_vain = False
        self._in_turn_seconds = 0.0
