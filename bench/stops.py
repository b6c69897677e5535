"""Stops a worker at every moment in every way: `python -m bench.stops [--stops 1000] [--seed 1]`.

Each stop starts `mailvouch-worker run` with two processes against one Redis, waits for a random
moment of its first seconds (half of the stops: of its first), does one of the things below and
expects: ended within the time, status 0, no traceback, no process left behind.

A signal that comes before Python itself runs (the first hundredths of a second) ends a process as
the kernel has it; such a stop is counted apart.
"""

import argparse
import collections
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.redis_server import embedded_redis
from tests.support.worker_process import worker_environment

HANGS_SECONDS = 240.0
"""More than a busy machine needs: with 24 processes beside it a stop took 40 s and more, all of it
before the supervisor ran. A worker process that hears no signal is killed by its supervisor before
that, whose status then tells.
"""

EARLY_STATUS = {-signal.SIGTERM, -signal.SIGUSR1, -signal.SIGHUP, -signal.SIGINT, 1, 130}
Worker = subprocess.Popen[bytes]
Way = Callable[[Worker], None]


def children(worker: Worker) -> list[int]:
    try:
        text = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text()
    except OSError:
        return []
    return [int(pid) for pid in text.split()]


def send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def term(worker: Worker) -> None:
    send(worker.pid, signal.SIGTERM)


def hang_up(worker: Worker) -> None:
    send(worker.pid, signal.SIGHUP)


def ctrl_c(worker: Worker) -> None:
    os.killpg(worker.pid, signal.SIGINT)


def impatient(worker: Worker) -> None:
    for _ in range(3):
        os.killpg(worker.pid, signal.SIGINT)
        os.killpg(worker.pid, signal.SIGTERM)


def toggle_then_term(worker: Worker) -> None:
    send(worker.pid, signal.SIGUSR1)
    for child in children(worker):
        send(child, signal.SIGUSR1)
        send(child, signal.SIGTERM)
    term(worker)


def pause_a_child(worker: Worker) -> None:
    for child in children(worker)[:1]:
        send(child, signal.SIGSTOP)
        send(child, signal.SIGCONT)
    term(worker)


def stopped_child(worker: Worker) -> None:
    for child in children(worker)[-1:]:
        # Before that the kernel holds its parent as well (vfork), which nobody's signal would end.
        with contextlib.suppress(OSError):
            if "worker.process.child" in Path(f"/proc/{child}/cmdline").read_text():
                send(child, signal.SIGSTOP)
    term(worker)


def suspend(worker: Worker) -> None:
    os.killpg(worker.pid, signal.SIGTSTP)
    os.killpg(worker.pid, signal.SIGSTOP)
    time.sleep(0.05)
    os.killpg(worker.pid, signal.SIGCONT)
    os.killpg(worker.pid, signal.SIGTERM)


WAYS: list[Way] = [
    *(term, hang_up, ctrl_c, impatient, toggle_then_term, pause_a_child, stopped_child, suspend),
]


@dataclass(frozen=True)
class Stop:
    """`trouble` is empty where all was as it should be; `early`: Python did not run yet."""

    trouble: str
    seconds: float
    early: bool = False


def stop(folder: Path, environment: dict[str, str], way: Way, moment: float) -> Stop:
    log = folder / "log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "run"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    time.sleep(moment)
    family = children(worker)
    began = time.monotonic()
    way(worker)
    try:
        status = worker.wait(HANGS_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()
        return Stop(f"hangs: {log.read_text('utf-8', 'replace')[-800:]}", HANGS_SECONDS)
    seconds = time.monotonic() - began
    text = log.read_text("utf-8", "replace")
    if not family and "worker/cli.py" not in text and status in EARLY_STATUS:
        return Stop("", seconds, early=True)
    left = [pid for pid in family if Path(f"/proc/{pid}").exists()]
    trouble = ""
    if status or "Traceback" in text or left:
        trouble = f"status {status}, left {left}: {text[-800:]}"
    return Stop(trouble, seconds)


def heed_all_signals() -> None:
    """What is ignored here (a shell's `&`: SIGINT; nohup: SIGHUP) a worker would ignore as well."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stops", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    heed_all_signals()
    dice = random.Random(chosen.seed)
    times: dict[str, list[float]] = collections.defaultdict(list)
    troubles: list[str] = []
    early = 0
    with embedded_redis() as server, tempfile.TemporaryDirectory(prefix="mv-") as name:
        folder = Path(name)
        environment = worker_environment(
            folder, REDIS_URL=server.url, PROCESSES="2", LOG_FORMAT="json"
        )
        for number in range(chosen.stops):
            way = dice.choice(WAYS)
            moment = dice.uniform(0.0, 1.0 if dice.random() < 0.5 else 3.0)
            ended = stop(folder, environment, way, moment)
            early += ended.early
            if not ended.early:
                times[way.__name__].append(ended.seconds)
            if ended.trouble:
                troubles.append(f"{number} {way.__name__} at {moment:.2f} s: {ended.trouble}")
                print(troubles[-1], flush=True)
    print("way                stops  median  longest")
    for way, taken in sorted(times.items()):
        taken.sort()
        print(f"{way:18}{len(taken):6}{taken[len(taken) // 2]:8.2f}{taken[-1]:9.2f}")
    print(
        f"{sum(map(len, times.values()))} stops, {len(troubles)} with trouble, "
        f"{early} before Python ran"
    )
    return bool(troubles)


if __name__ == "__main__":
    sys.exit(main())
