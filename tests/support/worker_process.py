"""A real worker: `mailvouch-worker run` in processes of its own, with its embedded Redis."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from producer.client import Client
from tests.support.certificates import ca_file
from tests.support.redis_server import data_folder

START_SECONDS = 40
STOP_SECONDS = 40
ROOT = Path(__file__).parents[2]


@dataclass
class RunningWorker:
    process: subprocess.Popen[bytes]
    folder: Path
    client: Client

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def redis(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.folder / "redis.sock"))

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)


def worker_environment(folder: Path, **settings: str) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MAILVOUCH_")}
    own = {
        "DATA_DIR": str(folder),
        "ALLOW_NETWORKS": "127.0.0.0/8",
        "ALLOW_PORTS": "1-65535",
        "CA_FILE": str(ca_file(folder)),
        "METRICS_PORT": "0",
        "LOG_FORMAT": "json",
        **settings,
    }
    return {**inherited, **{f"MAILVOUCH_{name}": value for name, value in own.items()}}


@contextmanager
def running_worker(**settings: str) -> Iterator[RunningWorker]:
    with data_folder() as folder, (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "run"],
            cwd=ROOT,
            env=worker_environment(folder, **settings),
            stdout=log,
            stderr=log,
        )
        worker = RunningWorker(process, folder, Client(f"unix://{folder}/redis.sock"))
        try:
            _await_redis(worker)
            yield worker
        finally:
            worker.client.close()
            if process.poll() is None:
                worker.stop()


def _await_redis(worker: RunningWorker) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (worker.folder / "redis.sock").is_socket():
        assert worker.process.poll() is None, worker.log
        assert time.monotonic() < deadline, worker.log
        time.sleep(0.02)
