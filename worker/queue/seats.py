"""A semaphore that is fair to jobs, not to their parts; `take_at_once` may exceed its number."""

import asyncio
from collections import deque
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Share:
    """The seats of one job, and its parts that wait for one."""

    held: int = 0
    wanted: deque[asyncio.Future[None]] = field(default_factory=deque)


class Seats:
    """A free seat goes to the job that holds the fewest: none waits behind a large job's parts.

    So a job whose parts are quick is not slowed down by jobs whose parts hold their seats for long.
    """

    def __init__(self, total: int) -> None:
        self._free = total
        self._wanting: dict[Share, None] = {}

    @property
    def are_taken(self) -> bool:
        return self._free <= 0

    async def take(self, share: Share) -> None:
        """Wait for a free seat."""
        if not self.are_taken:
            self.take_at_once(share)
            return
        seat = asyncio.get_running_loop().create_future()
        share.wanted.append(seat)
        self._wanting[share] = None
        try:
            await seat
        except asyncio.CancelledError:
            if not seat.cancelled():
                self.leave(share)
            raise

    def take_at_once(self, share: Share) -> None:
        """Take a seat that is free, or one over the number."""
        self._free -= 1
        share.held += 1

    def leave(self, share: Share) -> None:
        self._free += 1
        share.held -= 1
        while self._wanting and not self.are_taken:
            self._give_to(min(self._wanting, key=lambda one: one.held))

    def _give_to(self, share: Share) -> None:
        seat = share.wanted.popleft()
        while seat.done() and share.wanted:  # its part was broken off
            seat = share.wanted.popleft()
        if not share.wanted:
            del self._wanting[share]
        if not seat.done():
            self.take_at_once(share)
            seat.set_result(None)
