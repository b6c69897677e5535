"""What an idle worker takes: its supervisor and one process, Redis not counted.

By PSS of `/proc/<pid>/smaps_rollup`: what processes share counts once, in shares.
"""

import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Final

from bench.contenders import environment
from bench.machine import Program, tree, wait_until
from bench.report import spread, table
from bench.wide.ours import WHOLE_WORKER, ours
from tests.support.ports import free_port
from tests.support.redis_process import redis_process

TITLE: Final = "Memory of an idle worker"
REPEATS: Final = 3
IDLE_SECONDS: Final = 5.0
HEADS: Final = ("PSS, MB", "idle", "once its metrics were read", "target")

Pss = tuple[float, float]
"""Of the supervisor and of the process."""


def section(repeats: int = REPEATS) -> str:
    runs = [idle_worker() for _ in range(repeats)]
    rows = [
        ("supervisor", *cells([(idle[0], read[0]) for idle, read in runs]), ""),
        ("one process", *cells([(idle[1], read[1]) for idle, read in runs]), ""),
        ("both", *cells([(sum(idle), sum(read)) for idle, read in runs]), "90"),
    ]
    return table(HEADS, rows)


def cells(runs: list[tuple[float, float]]) -> tuple[str, str]:
    idle, read = zip(*runs, strict=True)
    return spread(idle), spread(read)


def idle_worker() -> tuple[Pss, Pss]:
    """Measured after a while without a job, and again once its metrics were read."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="bench-wide-") as directory,
        redis_process(Path(directory), "--appendonly", "no") as server,
    ):
        surroundings = environment(server.url, "", 1000) | {"MAILVOUCH_METRICS_PORT": str(port)}
        with Program(ours(WHOLE_WORKER).worker_command(1000), surroundings, Path(directory)) as run:
            wait_until(lambda: page(port, "readyz") == 200, "worker ready", 60)
            time.sleep(IDLE_SECONDS)
            idle = pss_of(run.pid)
            page(port, "metrics")
            return idle, pss_of(run.pid)


def page(port: int, name: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{name}", timeout=20) as reply:
            reply.read()
            return int(reply.status)
    except OSError:
        return 0


def pss_of(supervisor: int) -> Pss:
    (process,) = tree([supervisor]) - {supervisor}
    return pss_mb(supervisor), pss_mb(process)


def pss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6
