"""What a request costs while it waits: the gateway's memory with many of them, nobody answering."""

import asyncio
import json
from typing import Final

import httpx

from bench.gateway.latency import REFUSED
from bench.gateway.load import request
from bench.gateway.sites import PATH, Site, silent_site
from bench.machine import memory_mb
from bench.report import table

TITLE: Final = "Memory of requests that wait"
WAITERS: Final = 2000


def section() -> str:
    with silent_site() as site:
        before, after = asyncio.run(megabytes(site))
    rows = [
        ("RSS before, MB", f"{before:.0f}", ""),
        (f"RSS with {WAITERS} requests that wait, MB", f"{after:.0f}", "120"),
        ("for each of them, kB", f"{(after - before) * 1000 / WAITERS:.0f}", ""),
    ]
    return table(("", "measured", "target"), rows)


async def megabytes(site: Site) -> tuple[float, float]:
    """Before, and with all that wait."""
    octets = request(PATH, site.authorization, json.dumps(REFUSED).encode())
    before = memory_mb([site.program.pid])
    writers = []
    for _ in range(WAITERS):
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(octets)
        writers.append(writer)
    async with httpx.AsyncClient(timeout=120) as client:
        waiting = f"mailvouch_gateway_waiting {WAITERS:.1f}"
        while waiting not in (await client.get(f"{site.url}/metrics")).text:
            pass
    after = memory_mb([site.program.pid])
    for writer in writers:
        writer.close()
    return before, after
