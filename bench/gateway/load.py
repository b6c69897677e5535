"""Requests over connections that are kept, written by hand: a client library costs more than we do.

    python -m bench.gateway.load PORT CONNECTIONS PATH AUTHORIZATION BODIES

Sends each line of the file BODIES once and prints how many seconds that took.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path


def request(path: str, authorization: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answer(reader: asyncio.StreamReader) -> bytes:
    """Read one response, which must be a 200; return its body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
    body = await reader.readexactly(length)
    assert head[9:12] == b"200", head + body
    return body


async def load(port: int, connections: int, requests: Sequence[bytes]) -> float:
    left = iter(requests)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for octets in left:
            writer.write(octets)
            body = await answer(reader)
            assert b'"outcome":"FAILURE"' not in body, body
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return time.perf_counter() - began


def main() -> None:
    port, connections, path, authorization, file = sys.argv[1:]
    bodies = Path(file).read_bytes().splitlines()
    requests = [request(path, authorization, body) for body in bodies]
    print(asyncio.run(load(int(port), int(connections), requests)))


if __name__ == "__main__":
    main()
