"""Jobs with large requests run few at a time: all of a fetch at once may take all the memory.

A request that is larger than any may be is not even loaded.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from producer.contract.names import MAX_REQUEST_BYTES

LARGE_REQUEST_BYTES: Final = 128 * 1024
"""A full batch with values of the usual length has half as many, sealed."""

LARGE_AT_A_TIME: Final = 8

MOST_REQUEST_BYTES: Final = 3 * MAX_REQUEST_BYTES // 2
"""No request has as many, a sealed one included: base64 adds a third."""


class LargeRequests:
    """One per process."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(LARGE_AT_A_TIME)

    async def enter(self) -> Callable[[], None]:
        """Wait until one more may run; return what is to be called at its end."""
        await self._free.acquire()
        return self._free.release
