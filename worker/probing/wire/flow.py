"""One TCP connection: what is written waits for the kernel, what is read waits for its reader."""

import asyncio
from typing import cast


class Flow(asyncio.Protocol):
    """The transport of a stream, with its pauses in both directions.

    `ended`: nothing more will come; `lost`: the error that ended the connection, if one did.
    """

    def __init__(self) -> None:
        self.ended = False
        self.lost: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._writing_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # Any byte that the kernel did not take counts: a send ends when all were handed over.
        self._transport.set_write_buffer_limits(high=0)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self.lost = exc
        self.wake_reader()
        self._wake(self._writer)

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._wake(self._writer)

    async def wait_for_reading(self) -> None:
        """Return at the next `wake_reader`."""
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()
        self._reader = self._loop.create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def wake_reader(self) -> None:
        """Tell that something has come, or that nothing will."""
        self._wake(self._reader)

    def pause_reading(self) -> None:
        """Take nothing more from the kernel until somebody waits for it."""
        if not self._reading_paused and self._transport is not None and not self.ended:
            self._reading_paused = True
            self._transport.pause_reading()

    async def write(self, data: bytes) -> None:
        """Return when the kernel has taken all of it."""
        self.write_soon(data)
        while self._writing_paused and not self.ended:
            self._writer = self._loop.create_future()
            try:
                await self._writer
            finally:
                self._writer = None

    def write_soon(self, data: bytes) -> bool:
        """Write without waiting; False where nothing can be written."""
        # After the end nothing is written: the next read tells why, and what was said before it.
        if not data or self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def close(self) -> None:
        """Let go of the socket. What the kernel has not taken by now is lost."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    @staticmethod
    def _wake(future: "asyncio.Future[None] | None") -> None:
        if future is not None and not future.done():
            future.set_result(None)
