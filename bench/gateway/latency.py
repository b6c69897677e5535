"""What the gateway adds to a job: a request beside a submit and wait by the Redis client, in turns.

A real worker, and a server that refuses the connection: the shortest job that there is.
"""

import asyncio
import json
import time
from statistics import median
from typing import Final

from bench.gateway.load import answer, request
from bench.gateway.sites import PATH, Body, Site, real_site
from bench.report import table
from producer.async_client import AsyncClient
from producer.client import credential_test

TITLE: Final = "Added latency, one request at a time"
PAIRS: Final = 300
WARM_UP_PAIRS: Final = 50
REFUSED: Final[Body] = {
    "emailCredentialsRequests": [
        {
            "dealerEmail": "sales@dealer.example",
            "password": "secret word",
            "smtpHost": "127.0.0.1",
            "smtpPort": "1",
        }
    ]
}


def section() -> str:
    with real_site(processes=1) as site:
        asyncio.run(pairs(site, WARM_UP_PAIRS))
        raw, http = asyncio.run(pairs(site, PAIRS))
    rows = [
        (f"submit and wait by the Redis client, ms, p50 of {PAIRS}", f"{raw:.1f}", ""),
        ("the same by HTTP, ms", f"{http:.1f}", ""),
        ("added by the gateway, ms", f"{http - raw:.1f}", "5"),
    ]
    return table(("", "measured", "target"), rows)


async def pairs(site: Site, count: int) -> tuple[float, float]:
    """The medians, in milliseconds."""
    octets = request(PATH, site.authorization, json.dumps(REFUSED).encode())
    envelope = credential_test(REFUSED, "bench")
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    raw, http = [], []
    async with AsyncClient(site.redis_url) as client:
        for _ in range(count):
            began = time.perf_counter()
            await client.wait(await client.submit(envelope), 30)
            raw.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            writer.write(octets)
            await answer(reader)
            http.append((time.perf_counter() - began) * 1000)
    writer.close()
    return median(raw), median(http)
