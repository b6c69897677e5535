"""A number of seats, which those who were told to go on at once may pass."""

import asyncio
from collections import deque


class Seats:
    """Seats of parts, first come, first served."""

    def __init__(self, total: int) -> None:
        self._free = total
        self._wanted: deque[asyncio.Future[None]] = deque()

    @property
    def are_taken(self) -> bool:
        return self._free <= 0

    async def take(self) -> None:
        """Wait for a free seat."""
        if not self.are_taken:
            self._free -= 1
            return
        seat = asyncio.get_running_loop().create_future()
        self._wanted.append(seat)
        try:
            await seat
        except asyncio.CancelledError:
            if not seat.cancelled():
                self.leave()
            raise

    def take_at_once(self) -> None:
        """Take a seat that is free, or one over the number."""
        self._free -= 1

    def leave(self) -> None:
        self._free += 1
        while self._wanted and not self.are_taken:
            seat = self._wanted.popleft()
            if not seat.done():
                self._free -= 1
                seat.set_result(None)
