"""A TCP relay to a port of this machine: at a limited pace, or with another target later on."""

import asyncio
import contextlib
from typing import Self

SLICE_SECONDS = 0.01


class Relay:
    """`bytes_per_second` holds for either direction; after `stop_after` bytes nothing passes."""

    def __init__(
        self, target: int, *, bytes_per_second: int = 1 << 30, stop_after: int = 1 << 60
    ) -> None:
        self.target = target
        self.port = 0
        self._slice = int(bytes_per_second * SLICE_SECONDS)
        self._left = stop_after
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=self._slice)
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
            task = asyncio.create_task(self._pass_on(source, sink))
            self._tasks.add(task)

    async def _pass_on(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(self._slice):
                sink.write(data)
                await sink.drain()
                self._left -= len(data)
                # A small message is not held up; a large one passes at the pace.
                await asyncio.sleep(SLICE_SECONDS * len(data) / self._slice)
                if self._left < 0:
                    await asyncio.Event().wait()
        sink.close()
