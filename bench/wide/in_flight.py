"""5,000 jobs in flight in one process, at servers that take 8 s for every reply."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.arena import Farm, running_farm, session
from bench.contenders import RUN
from bench.machine import cpu_seconds, descriptors, memory_mb, threads
from bench.report import table
from bench.wide import lag
from bench.wide.ours import ours
from tests.support.threads import beside

TITLE: Final = "5,000 jobs in flight in one process"
JOBS_IN_FLIGHT: Final = 5000
REPLY_MS: Final = 8000
"""The last reply comes after 32 s: in time for the probe's deadline of 45."""

POLL_SECONDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """What a process uses at one moment of the machine's monotonic clock."""

    at: float
    memory_mb: float
    descriptors: int
    threads: int

    @classmethod
    def now(cls, pid: int) -> "Look":
        return cls(time.monotonic(), memory_mb([pid]), descriptors(pid), threads(pid))


@dataclass(frozen=True, slots=True)
class Run:
    """Twice as many jobs as there are places: those that end make room for others."""

    idle: Look
    looks: list[Look]
    seconds: float
    cpu_seconds: float
    right: int
    lag_file: Path

    def lag(self, start: float, end: float) -> str:
        late = lag.between(self.lag_file, start, end)
        shares = (0.5, 0.99, 1.0)
        return " / ".join(f"{lag.percentile(late, share):.0f}" for share in shares) + " ms"


def section(jobs_in_flight: int = JOBS_IN_FLIGHT) -> str:
    with tempfile.TemporaryDirectory(prefix="bench-wide-") as name, running_farm() as farm:
        return told(measure(farm, jobs_in_flight, Path(name, "lag.json")), jobs_in_flight)


def measure(farm: Farm, jobs_in_flight: int, lag_file: Path, reply_ms: int = REPLY_MS) -> Run:
    worker = ours(("bench.wide.lag", "0", str(RUN)), BENCH_LAG_FILE=lag_file)
    with session(worker, farm, jobs_in_flight) as running:
        pid = running.worker.pid
        running.warm_up(farm)
        farm.counters()
        idle, cpu = Look.now(pid), cpu_seconds([pid])
        with watching(pid) as looks:
            running.submit(farm.jobs(2 * jobs_in_flight, delay_ms=reply_ms))
            running.finish()
        seconds, cpu = time.monotonic() - idle.at, cpu_seconds([pid]) - cpu
    counted = farm.counters()
    right = min(counted["right smtp"], counted["right imap"])
    return Run(idle, looks, seconds, cpu, right, lag_file)


def told(run: Run, jobs_in_flight: int) -> str:
    start, end = run.idle.at, run.idle.at + run.seconds
    sockets = max(look.descriptors for look in run.looks) - run.idle.descriptors
    peak_mb = max(look.memory_mb for look in run.looks)
    kb_a_job = 1000 * (peak_mb - run.idle.memory_mb) / jobs_in_flight
    full = [
        look.at
        for look in run.looks
        if look.descriptors - run.idle.descriptors >= 0.99 * 2 * jobs_in_flight
    ]
    rows = [
        ("jobs, of them with both logins right", f"{2 * jobs_in_flight}, {run.right}", ""),
        ("sockets open at once", str(sockets), str(2 * jobs_in_flight)),
        ("RSS idle, highest", f"{run.idle.memory_mb:.0f}, {peak_mb:.0f} MB", "200 MB"),
        ("for each job in flight", f"{kb_a_job:.0f} kB", ""),
        ("threads", str(max(look.threads for look in run.looks)), "20"),
        ("loop lag p50 / p99 / max", run.lag(start, end), "p99 50 ms"),
        ("CPU", f"{100 * run.cpu_seconds / run.seconds:.0f} % of a core", ""),
        ("seconds", f"{run.seconds:.0f}", ""),
    ]
    if full:
        what = f"loop lag in the {full[-1] - full[0]:.0f} s with 99 % of the sockets open"
        rows.insert(6, (what, run.lag(full[0], full[-1]), ""))
    return table(("", "measured", "target"), rows)


@contextmanager
def watching(pid: int) -> Iterator[list[Look]]:
    """Gives a list to which a look is added twice a second."""
    looks = [Look.now(pid)]

    def look(over: threading.Event) -> None:
        while not over.wait(POLL_SECONDS):
            looks.append(Look.now(pid))

    with beside(look):
        yield looks
