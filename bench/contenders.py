"""Who is measured: how each is installed, started and asked. One entry each."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import redis

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
WORK = HERE / ".work"
ARQ_PYTHON = WORK / "arq" / "bin" / "python"
RUN = Path(tempfile.mkdtemp(prefix="mailvouch-bench-"))
"""Files of one run: two that run side by side do not see each other."""

atexit.register(shutil.rmtree, RUN, ignore_errors=True)
NODE_MODULES = WORK / "node" / "node_modules"

Left = Callable[[redis.Redis], int]
"""How many jobs are not done yet."""


@dataclass(frozen=True, slots=True)
class Contender:
    """`concurrency`: the best of a sweep; `slow_concurrency`: for servers that take 1 s a reply."""

    name: str
    worker: tuple[str, ...]
    client: tuple[str, ...]
    left: Left
    concurrency: int
    slow_concurrency: int
    slow_jobs: int
    prepare: Callable[[], None] = lambda: None

    def worker_command(self, concurrency: int) -> list[str]:
        return [word.format(concurrency=concurrency) for word in self.worker]

    def pinned(self, core: int) -> "Contender":
        """The same, its worker with all threads on one core: what a buyer of cores gets."""
        return replace(self, worker=("taskset", "--cpu-list", str(core), *self.worker))

    def yielding(self) -> "Contender":
        """Itself; under `chrt` a copy whose worker has a lower priority than all else here.

        Real-time scheduling shares no core out: a thread of the worker's that computes would keep
        servers, clients and Redis from theirs, and what is measured would be that.
        """
        if os.sched_getscheduler(0) not in (os.SCHED_FIFO, os.SCHED_RR):
            return self
        priority = max(1, os.sched_getparam(0).sched_priority - 1)
        return replace(self, worker=("chrt", "--rr", str(priority), *self.worker))


def environment(redis_url: str, ca_file: str, concurrency: int) -> dict[str, str]:
    """The same variables for every contender: each reads those that it knows."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAILVOUCH_")},
        "PYTHONPATH": str(REPOSITORY),
        "NODE_PATH": str(NODE_MODULES),
        "BENCH_REDIS_URL": redis_url,
        "BENCH_CA_FILE": ca_file,
        "BENCH_CONCURRENCY": str(concurrency),
        "MAILVOUCH_REDIS_URL": redis_url,
        "MAILVOUCH_DATA_DIR": str(WORK / "data"),
        "MAILVOUCH_CONCURRENCY": str(concurrency),
        "MAILVOUCH_CA_FILE": ca_file,
        "MAILVOUCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "MAILVOUCH_ALLOW_PORTS": "1024-65535",
        # All servers of the farm are one host here; the other limits stay on.
        "MAILVOUCH_HOST_CONCURRENCY": "0",
        "MAILVOUCH_EHLO_NAME": "bench.test",
        "MAILVOUCH_METRICS_PORT": "0",
        "MAILVOUCH_LOG_FORMAT": "json",
    }


def install_arq() -> None:
    if not ARQ_PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", ARQ_PYTHON.parents[1]], check=True)
        lock = HERE / "peers" / "requirements-arq.txt"
        pip = [ARQ_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", lock], check=True)


def install_node_modules() -> None:
    if not NODE_MODULES.exists():
        NODE_MODULES.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "peers" / "package.json", NODE_MODULES.parent)
        npm = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(npm, cwd=NODE_MODULES.parent, check=True)


def arq_left(client: redis.Redis) -> int:
    """A job is in the queue's set until its result is stored."""
    return int(client.zcard("arq:queue"))


def bullmq_left(client: redis.Redis) -> int:
    return int(client.llen("bull:bench:wait")) + int(client.llen("bull:bench:active"))


def contenders() -> list[Contender]:
    """Ours first; BullMQ only where node is."""
    mine = sys.executable
    child = (mine, "-m", "worker.process.child", "0", str(RUN))
    ours = Contender(
        "mailvouch",
        worker=child,
        client=(mine, "-m", "bench.peers.ours_client"),
        left=lambda client: int(client.hlen("mailvouch:credential-tests.msgs")),
        concurrency=100,
        slow_concurrency=2000,
        slow_jobs=4000,
    )
    found = [
        ours,
        replace(
            ours,
            name="mailvouch, every handshake in full",
            worker=("env", "MAILVOUCH_TLS_RESUMPTION=false", *child),
        ),
        Contender(
            "dramatiq, threads, smtplib, imaplib",
            worker=(
                *(mine, "-m", "dramatiq", "bench.peers.dramatiq_worker"),
                *("--processes", "1", "--threads", "{concurrency}", "--skip-logging"),
            ),
            client=(mine, "-m", "bench.peers.dramatiq_worker"),
            left=lambda client: int(client.hlen("dramatiq:bench.msgs")),
            concurrency=4,
            slow_concurrency=250,
            slow_jobs=500,
        ),
        Contender(
            "arq, uvloop, aiosmtplib, aioimaplib",
            worker=(str(ARQ_PYTHON), "-m", "bench.peers.arq_worker", "worker"),
            client=(str(ARQ_PYTHON), "-m", "bench.peers.arq_worker"),
            left=arq_left,
            concurrency=100,
            slow_concurrency=2000,
            slow_jobs=4000,
            prepare=install_arq,
        ),
    ]
    if (node := shutil.which("node")) and shutil.which("npm"):
        script = str(HERE / "peers" / "bullmq.cjs")
        found.append(
            Contender(
                "BullMQ, nodemailer, imapflow",
                worker=(node, script, "worker"),
                client=(node, script),
                left=bullmq_left,
                concurrency=200,
                slow_concurrency=2000,
                slow_jobs=4000,
                prepare=install_node_modules,
            )
        )
    return found
