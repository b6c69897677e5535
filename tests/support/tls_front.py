"""TLS in front of a server that speaks none."""

import asyncio
import contextlib


@contextlib.asynccontextmanager
async def tls_front(port, context):
    async def forward(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    writers = []

    async def serve(reader, writer):
        inner = await asyncio.open_connection("127.0.0.1", port)
        writers.extend((writer, inner[1]))
        await asyncio.gather(forward(reader, inner[1]), forward(inner[0], writer))

    front = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield front.sockets[0].getsockname()[1]
    finally:
        front.close()
        for writer in writers:
            writer.close()
        closed = (writer.wait_closed() for writer in writers)
        await asyncio.gather(*closed, return_exceptions=True)
