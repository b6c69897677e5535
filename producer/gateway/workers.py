"""Whether a worker is there to run what is submitted."""

import asyncio
from time import monotonic
from typing import Final

from producer.gateway.redis_calls import RedisTroubles
from producer.gateway.store import GatewayStore
from producer.redis_failures import RedisUnavailableError

GRACE_SECONDS: Final = 15.0
"""So long the last beat counts: a worker that restarts costs nobody a 503."""

POLL_SECONDS: Final = 2.0


class Workers:
    """Remembers the last beat of any worker. `run` looks every two seconds."""

    def __init__(self, store: GatewayStore) -> None:
        self._store = store
        self._last_beat: float | None = None
        self._last_count = 0

    async def present(self) -> bool:
        """Tell whether a worker has beaten lately. Raises RedisUnavailableError."""
        if not self._recent():
            await self._look()
        return self._recent()

    async def count(self) -> int:
        """Return how many beat; in a gap between workers how many did before it."""
        await self._look()
        return self._last_count if self._recent() else 0

    async def run(self) -> None:
        """Keep looking until cancelled."""
        troubles = RedisTroubles("workers")
        while True:
            try:
                await self._look()
                troubles.over()
            except RedisUnavailableError as error:
                troubles.tell(error)
            await asyncio.sleep(POLL_SECONDS)

    async def _look(self) -> None:
        count, age = await self._store.workers()
        if age is not None:
            self._last_beat = max(self._last_beat or 0.0, monotonic() - age)
        self._last_count = count or self._last_count

    def _recent(self) -> bool:
        return self._last_beat is not None and monotonic() - self._last_beat <= GRACE_SECONDS
