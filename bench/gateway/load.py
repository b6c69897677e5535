"""Requests over connections that are kept, written by hand: a client library costs more than we do.

    python -m bench.gateway.load PORT CONNECTIONS REQUESTS PATH AUTHORIZATION

Prints how long all took and the latency of each, in milliseconds, as JSON.
"""

import asyncio
import json
import sys
import time

BODY = json.dumps(
    {
        "emailCredentialsRequests": [
            {
                "dealerEmail": "sales@dealer.example",
                "password": "secret word",
                "smtpHost": "127.0.0.1",
                "smtpPort": "1",
            }
        ]
    }
).encode()


def request(path: str, authorization: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: {authorization}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    return head.encode() + BODY


async def answer(reader: asyncio.StreamReader) -> int:
    """Read one response; return its status."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
    await reader.readexactly(length)
    return int(head[9:12])


async def load(port: int, connections: int, requests: int, octets: bytes) -> dict[str, object]:
    left = iter(range(requests))
    milliseconds: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            began = time.perf_counter()
            writer.write(octets)
            status = await answer(reader)
            assert status == 200, status
            milliseconds.append((time.perf_counter() - began) * 1000)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return {"seconds": time.perf_counter() - began, "milliseconds": sorted(milliseconds)}


def main() -> None:
    port, connections, requests, path, authorization = sys.argv[1:]
    octets = request(path, authorization)
    print(json.dumps(asyncio.run(load(int(port), int(connections), int(requests), octets))))


if __name__ == "__main__":
    main()
