"""How a test knows that a worker's loop has had its chance, however slow the machine is."""

import asyncio

from tests.support.queueing import wait_for
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link

PAUSE_SECONDS = 0.005
ENOUGH = 20
"""What a task is about to do it does within one or two turns of the loop; a trip takes several."""


class RoundTrips:
    """Runs beside the jobs of a worker: asks Redis again and again, and counts the answers."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._made = 0

    async def __call__(self) -> None:
        link = Link(async_pool(self._url))
        try:
            while True:
                await link.execute("PING")
                self._made += 1
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            await link.close()

    def pass_by(self) -> None:
        """Return when what the loop was about to do, and any call it made to Redis, is done."""
        enough = self._made + ENOUGH
        wait_for(lambda: self._made >= enough)
