"""Jobs of which a process runs few at a time, over all of its shards: retries, large requests.

A fetch of large requests alone could take all the memory. A request over the limit is not loaded.
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
"""Stands for all jobs that ran beside one when its worker died for the first time."""


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
        """By how many suspects the blame for the first, second, ... death is divided at least.

        With several shards a job's own does not know what else ran when the process died: as many
        as may run are assumed. So five deaths condemn a job, however few ran beside it.
        """
        return () if self.shards == 1 else (ANY_NUMBER, *AT_A_TIME.values())
