"""Jobs of which a process runs few at a time, over all of its shards: retries, large requests.

Large requests, because all of a fetch at once may take all the memory. One that is larger than any
may be is not even loaded.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from producer.contract.names import MAX_REQUEST_BYTES
from worker.queue.retries import AT_A_TIME, Retries

LARGE_REQUEST_BYTES: Final = 128 * 1024
"""A full batch with values of the usual length has half as many, sealed."""

LARGE_AT_A_TIME: Final = 8

MOST_REQUEST_BYTES: Final = 3 * MAX_REQUEST_BYTES // 2
"""No request has as many, a sealed one included: base64 adds a third."""

ANY_NUMBER: Final = 1_000_000
"""Of jobs that ran in a process when it died for the first time."""


@dataclass(frozen=True, slots=True)
class Turns:
    """One per process."""

    retries: Retries = field(default_factory=Retries)
    shards: int = 1
    _large: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LARGE_AT_A_TIME))

    async def enter_large(self) -> Callable[[], None]:
        """Wait until one more large request may run; return what is to be called at its end."""
        await self._large.acquire()
        return self._large.release

    @property
    def least_suspects(self) -> tuple[int, ...]:
        """Among how many jobs the first, second, ... death of a job is divided at least.

        With several shards the one of a job does not know what else ran when the process died:
        then as many did as may. So five deaths condemn a job, however few there are beside it.
        """
        return () if self.shards == 1 else (ANY_NUMBER, *AT_A_TIME.values())
