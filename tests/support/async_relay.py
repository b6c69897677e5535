"""A TCP relay to a port of this machine: at a limited pace, in TLS, with another target later on.

It counts round trips: one for each time that a side has to wait for the other.
"""

import asyncio
import contextlib
import ssl
from typing import Self

SLICE_SECONDS = 0.01


class Relay:
    """`bytes_per_second` holds for either direction; after `stop_after` bytes nothing passes.

    `tls`: what clients speak to it; its target speaks none.
    """

    def __init__(
        self,
        target: int,
        *,
        bytes_per_second: int = 1 << 30,
        stop_after: int = 1 << 60,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.target = target
        self.port = 0
        self._tls = tls
        self._slice = int(bytes_per_second * SLICE_SECONDS)
        self._left = stop_after
        self._flights: list[bool] = []  # of the client, or not: what goes one way without an answer
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def round_trips(self) -> int:
        """How many one connection took: TCP's own handshake, and each flight of the server's."""
        return 1 + self._flights.count(False)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=self._slice, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        closed = (writer.wait_closed() for writer in self._writers)
        await asyncio.gather(*closed, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        inner = await asyncio.open_connection("127.0.0.1", self.target, limit=self._slice)
        self._writers.append(inner[1])
        for source, sink in ((reader, inner[1]), (inner[0], writer)):
            task = asyncio.create_task(self._pass_on(source, sink, asks=source is reader))
            self._tasks.add(task)

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, asks: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(self._slice):
                if self._flights[-1:] != [asks]:
                    self._flights.append(asks)
                sink.write(data)
                await sink.drain()
                self._left -= len(data)
                # A small message is not held up; a large one passes at the pace.
                await asyncio.sleep(SLICE_SECONDS * len(data) / self._slice)
                if self._left < 0:
                    await asyncio.Event().wait()
        sink.close()
