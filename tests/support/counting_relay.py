"""A relay that counts round trips: whoever waits for the other pays one."""

import asyncio
from contextlib import asynccontextmanager, suppress


class CountingRelay:
    """One connection. A flight is what goes one way without an answer in between."""

    def __init__(self):
        self.port = 0
        self._flights = []

    @property
    def round_trips(self):
        """TCP's own handshake, and each flight of the server's that was waited for."""
        return 1 + self._flights.count("server")

    def saw(self, side):
        if not self._flights or self._flights[-1] != side:
            self._flights.append(side)


@asynccontextmanager
async def relay_to(port):
    relay = CountingRelay()
    tasks = set()

    async def pump(reader, writer, side):
        try:
            with suppress(ConnectionError):
                while data := await reader.read(65536):
                    relay.saw(side)
                    writer.write(data)
                    await writer.drain()
        finally:
            writer.close()

    async def accept(reader, writer):
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        for coroutine in (
            pump(reader, there_writer, "client"),
            pump(there_reader, writer, "server"),
        ):
            tasks.add(asyncio.create_task(coroutine))

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    relay.port = listener.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close in the loop's next turn
