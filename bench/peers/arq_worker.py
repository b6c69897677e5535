"""arq on uvloop with aiosmtplib and aioimaplib. `worker`, or its client."""

import asyncio
import os
import sys

import uvloop
from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import create_worker

from bench.peers.driver import drive_async

REDIS = RedisSettings.from_dsn(os.environ["BENCH_REDIS_URL"])


async def probe(_, job):
    from bench.peers import aio_probe  # noqa: PLC0415 - the client needs no CA file

    return await aio_probe.probe(job)


class Settings:
    functions = (probe,)
    redis_settings = REDIS
    max_jobs = int(os.environ["BENCH_CONCURRENCY"])
    poll_delay = 0.01  # by default it looks every 0.5 s
    max_tries = 1
    keep_result = 3600
    job_timeout = 300


async def client():
    pool = await create_pool(REDIS)
    await drive_async(
        lambda job: pool.enqueue_job("probe", job),
        lambda handle: handle.result(timeout=60, poll_delay=0.001),
    )


async def worker():
    await create_worker(Settings).async_run()


if __name__ == "__main__":
    uvloop.run(worker()) if sys.argv[1:] == ["worker"] else asyncio.run(client())
