"""Two processes beside one, which share the cores with farm and Redis here.

First with a third of a core for each process, so that the cores do not end before the processes do:
each is stopped for two thirds of the time, never both running. Then with all that there is.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from statistics import median
from typing import Any, Final

from bench import measure
from bench.arena import Farm, Session, running_farm, session
from bench.machine import tree
from bench.report import spread, table
from bench.wide.ours import WHOLE_WORKER, ours
from tests.support.threads import beside

TITLE: Final = "Two processes beside one"
ROUNDS: Final = 3
JOBS_A_PROCESS: Final = 1500
PLACES: Final = 100
RUN_SECONDS: Final = 0.02
PERIOD_SECONDS: Final = 0.06
HEADS: Final = ("", "processes", "jobs/s", "ratio", "CPU ms/job", "Redis CPU us/job", "all right")

Rows = dict[tuple[str, int], list[dict[str, Any]]]


def section(rounds: int = ROUNDS) -> str:
    rows: Rows = {}
    with running_farm() as farm:
        for number in range(rounds):
            for processes in (1, 2):
                print(f"  round {number + 1}: {processes}", file=sys.stderr, flush=True)
                for what, row in one_round(farm, processes):
                    rows.setdefault((what, processes), []).append(row)
    return table(HEADS, [line(rows, *key) for key in sorted(rows)])


def one_round(farm: Farm, processes: int) -> Iterator[tuple[str, dict[str, Any]]]:
    jobs = farm.jobs(JOBS_A_PROCESS * processes)
    with session(ours(WHOLE_WORKER, MAILVOUCH_PROCESSES=processes), farm, PLACES) as running:
        running.warm_up(farm)
        with a_third_each(children(running)):
            yield "a third of a core each", measure.burst(running, farm, jobs)
        yield "all cores busy", measure.burst(running, farm, jobs)


def children(running: Session) -> list[int]:
    return sorted(tree([running.worker.pid]) - {running.worker.pid})


def a_third_each(pids: Sequence[int]) -> AbstractContextManager[None]:
    """Let one process after the other run, for RUN_SECONDS of each PERIOD_SECONDS."""

    def take_turns(ended: threading.Event) -> None:
        while not ended.is_set():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                    ended.wait(RUN_SECONDS)
                    os.kill(pid, signal.SIGSTOP)
            ended.wait(PERIOD_SECONDS - RUN_SECONDS * len(pids))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    return beside(take_turns)


def line(rows: Rows, what: str, processes: int) -> tuple[str, ...]:
    mine, one = rows[what, processes], rows[what, 1]
    speeds = [row["jobs_per_second"] for row in mine]
    ratio = median(speeds) / median(row["jobs_per_second"] for row in one)
    return (
        what,
        str(processes),
        spread(speeds),
        f"{ratio:.2f}",
        spread([row["cpu_ms"] for row in mine], 2),
        spread([row["redis_cpu_us"] for row in mine]),
        "yes" if all(row["right"] for row in mine) else "NO",
    )
