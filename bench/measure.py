"""What is measured. Each function: one contender, one session, rows of numbers."""

import contextlib
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

from bench.arena import Farm, Session, session
from bench.contenders import Contender
from bench.machine import cpu_seconds, memory_mb, signal_tree
from tests.support.threads import beside

Row = dict[str, Any]


def throughput(contender: Contender, farm: Farm, securities: tuple[str, ...], jobs: int) -> Row:
    """Jobs per second, CPU per job, memory and round trips, per way of TLS.

    The worker is stopped while the jobs are submitted, then let go: the client is not in it.
    """
    row: Row = {}
    with session(contender, farm, contender.concurrency) as running:
        running.warm_up(farm)
        for security in securities:
            row[security] = burst(running, farm, farm.jobs(jobs, security))
    return row


def slow_servers(contender: Contender, farm: Farm) -> Row:
    """The same where a server takes 1 s for every reply."""
    with session(contender, farm, contender.slow_concurrency) as running:
        running.warm_up(farm)
        return burst(running, farm, farm.jobs(contender.slow_jobs, delay_ms=1000))


def latency(contenders: list[Contender], farm: Farm, jobs: int, gap_seconds: float) -> list[Row]:
    """Submit to result on an idle worker; all contenders at the same time, to be fair and quick."""
    rows: list[Row] = [{} for _ in contenders]

    def run(number: int, contender: Contender) -> None:
        with session(contender, farm, contender.concurrency) as running:
            running.order("latency", farm.jobs(20), gap_seconds=0.02)
            answer = running.order("latency", farm.jobs(jobs), gap_seconds=gap_seconds)
            took = sorted(answer["milliseconds"])
            rows[number] = {
                "p50": statistics.median(took),
                "p95": took[int(0.95 * (len(took) - 1))],
                "wrong": answer["wrong"],
            }

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(contenders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rows


def submitting(contender: Contender, farm: Farm, jobs: int) -> Row:
    """Submits per second of one client: one call a job, and the bulk call. The worker is held."""
    with session(contender, farm, contender.concurrency) as running:
        running.warm_up(farm)
        signal_tree([running.worker.pid], signal.SIGSTOP)
        single = running.order("submit", farm.jobs(jobs))
        bulk = running.order("bulk", farm.jobs(jobs))
        signal_tree([running.worker.pid], signal.SIGKILL)
        return {
            "single": jobs / single["seconds"],
            "bulk": jobs / bulk["seconds"] if bulk else None,
        }


def burst(running: Session, farm: Farm, jobs: list[Any]) -> Row:
    worker = [running.worker.pid]
    signal_tree(worker, signal.SIGSTOP)
    running.submit(jobs)
    farm.counters()
    redis_before = _redis_cost(running)
    cpu_before, started = cpu_seconds(worker), time.perf_counter()
    signal_tree(worker, signal.SIGCONT)
    with watching_memory(worker) as peak:
        running.finish()
        seconds = time.perf_counter() - started
    cpu = cpu_seconds(worker) - cpu_before
    counted = farm.counters()
    return {
        "jobs_per_second": len(jobs) / seconds,
        "cpu_ms": 1000 * cpu / len(jobs),
        "memory_mb": max(peak),
        "right": min(counted.get("right smtp", 0), counted.get("right imap", 0)) == len(jobs),
        "round_trips": _round_trips(counted),
        **{
            name: (after - redis_before[name]) / len(jobs)
            for name, after in _redis_cost(running).items()
        },
    }


@contextlib.contextmanager
def watching_memory(worker: list[int]) -> Iterator[list[float]]:
    """Gives a list to which the resident megabytes are added, twice a second."""
    seen = [memory_mb(worker)]

    def watch(over: threading.Event) -> None:
        while not over.wait(0.5):
            seen.append(memory_mb(worker))

    with beside(watch):
        yield seen
        seen.append(memory_mb(worker))


def _redis_cost(running: Session) -> dict[str, float]:
    """Commands (those inside scripts too), CPU, and bytes both ways, so far."""
    info = running.redis.info("stats")
    return {
        "redis_commands": float(info["total_commands_processed"]),
        "redis_cpu_us": 1e6 * cpu_seconds([running.redis_pid]),
        "redis_bytes": float(info["total_net_input_bytes"] + info["total_net_output_bytes"]),
    }


def _round_trips(counted: dict[str, int]) -> dict[str, float]:
    """Round trips from SYN to the verdict: what the farm counted, and one for TCP."""
    trips = {}
    for name, total in counted.items():
        what, _, service = name.partition(" ")
        if what == "turns":
            trips[service.split("/")[0]] = 1 + total / counted[f"logins {service}"]
    return trips
