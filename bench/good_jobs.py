"""Good jobs, one after the other at a steady pace, whatever becomes of the earlier ones.

    python -m bench.good_jobs JOBS FILE

A process of its own, so that nobody's work delays its clock. JOBS is a list of jobs (see arena.py);
FILE gets a line for each that has ended. SIGTERM: no new ones, an end when those begun have ended.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from bench.arena import Farm, Session
from bench.contenders import REPOSITORY
from bench.machine import Program, wait_until
from bench.peers.ours_client import request
from producer.async_client import AsyncClient

GAP_SECONDS: Final = 0.1
PATIENCE_SECONDS: Final = 60
USERS_A_STREAM: Final = 10_000
"""No user twice: refused or not, their logins would take turns."""


@dataclass(slots=True)
class Times:
    """Milliseconds from submitting a job to having read its result, and how many were wrong."""

    milliseconds: list[float]
    wrong: int


@contextlib.contextmanager
def stream(running: Session, farm: Farm, directory: Path, number: int) -> Iterator[Times]:
    """Good jobs for as long as the body lasts; the times are there after it."""
    jobs, file = directory / f"good-{number}.json", directory / f"good-{number}.jsonl"
    jobs.write_text(json.dumps(farm.jobs(USERS_A_STREAM, first=number * USERS_A_STREAM)))
    surroundings = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "BENCH_REDIS_URL": running.redis_url,
    }
    command = [sys.executable, "-m", "bench.good_jobs", str(jobs), str(file)]
    times = Times([], 0)
    program = Program(command, surroundings, directory)
    try:
        wait_until(file.exists, "the good jobs")
        yield times
    finally:
        program.stop(PATIENCE_SECONDS + 10)
    for line in file.read_text().splitlines():
        job = json.loads(line)
        times.milliseconds.append(job["milliseconds"])
        times.wrong += not job["right"]


async def keep_going(jobs: list[dict[str, Any]], file: IO[str], stop: asyncio.Event) -> None:
    async with AsyncClient(os.environ["BENCH_REDIS_URL"]) as client, asyncio.TaskGroup() as begun:
        for job in jobs:
            begun.create_task(one(client, job, file))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), GAP_SECONDS)
            if stop.is_set():
                return


async def one(client: AsyncClient, job: dict[str, Any], file: IO[str]) -> None:
    started = time.perf_counter()
    job_id = await client.submit(request(job))
    done = await client.wait(job_id, PATIENCE_SECONDS)
    milliseconds = 1000 * (time.perf_counter() - started)
    report = await client.report(job_id) if done else None
    right = bool(report) and all(
        report["items"][0][protocol]["code"] == "OK" for protocol in ("smtp", "imap")
    )
    file.write(json.dumps({"milliseconds": milliseconds, "right": right}) + "\n")


async def main(jobs: list[dict[str, Any]], file: Path) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with file.open("w", buffering=1) as written:
        await keep_going(jobs, written, stop)


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])))
