"""Whether the gateway or the worker is the limit, and how far the gateway is from bare Starlette.

The gateway's own: a stand-in ends each job at once. The workers': two processes with real logins,
each of another user, since logins of the same account take turns.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from bench.arena import running_farm
from bench.gateway.latency import REFUSED
from bench.gateway.sites import CONNECTIONS, Body, Site, hello, instant_site, load, real_site
from bench.machine import cpu_seconds
from bench.peers.ours_client import item
from bench.report import spread, table
from producer.async_client import AsyncClient
from producer.client import credential_test

TITLE: Final = "Throughput"
ROUNDS: Final = 3
REQUESTS: Final = 1500
LOGINS: Final = 500
"""Jobs of one SMTP and one IMAP login over implicit TLS."""


def section() -> str:
    bare, own, cpu = requests_a_second([REFUSED] * REQUESTS)
    alone, through = logins_a_second()
    rows = [
        ("bare Starlette hello, requests/s", spread(bare), ""),
        ("gateway, jobs that end at once, requests/s", spread(own), ""),
        ("share of bare Starlette", f"{median(own) / median(bare):.2f}", ""),
        ("gateway, CPU ms a request", spread(cpu, 2), ""),
        ("two worker processes without it, real logins, jobs/s", spread(alone), ""),
        ("gateway beside two worker processes", f"{median(own) / median(alone):.2f}", "1"),
        ("both at once, on the same cores, jobs/s", spread(through), ""),
    ]
    return f"{CONNECTIONS} connections.\n\n{table(('', 'measured', 'target'), rows)}"


def requests_a_second(bodies: Sequence[Body]) -> tuple[list[float], list[float], list[float]]:
    """Of hello, of the gateway; and the gateway's CPU milliseconds a request."""
    bare, own, cpu = [], [], []
    with (
        tempfile.TemporaryDirectory(prefix="mv-") as name,
        instant_site() as site,
        hello(Path(name)) as port,
    ):
        site.load(bodies)  # warms up
        for _ in range(ROUNDS):
            bare.append(load(Path(name), port, "/hello", "-", bodies))
            began = cpu_seconds([site.program.pid])
            own.append(site.load(bodies))
            cpu.append((cpu_seconds([site.program.pid]) - began) / len(bodies) * 1000)
    return bare, own, cpu


def logins_a_second(rounds: int = ROUNDS, logins: int = LOGINS) -> tuple[list[float], list[float]]:
    """Of the workers, submitted by the Redis client; of the workers, through the gateway."""
    alone, through = [], []
    with (
        running_farm() as farm,
        real_site(processes=2, CA_FILE=farm.ca_file, ALLOW_PORTS="1024-65535") as site,
    ):
        bodies: list[Body] = [
            {"emailCredentialsRequests": [item(job)]} for job in farm.jobs(logins)
        ]
        site.load(bodies)  # warms up
        for _ in range(rounds):
            alone.append(asyncio.run(submitted(site, bodies)))
            through.append(site.load(bodies))
    return alone, through


async def submitted(site: Site, bodies: Sequence[Body]) -> float:
    """Jobs a second, from the first submit to the last result."""
    async with AsyncClient(site.redis_url) as client:
        began = time.perf_counter()
        jobs = await client.submit_many(credential_test(body, "bench") for body in bodies)
        for job in reversed(jobs):
            if await client.fetch(job) is None:
                await client.wait(job, 120)
        return len(bodies) / (time.perf_counter() - began)
