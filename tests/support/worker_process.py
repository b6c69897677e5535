"""A real worker with its embedded Redis, as `mailvouch-worker run` starts it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 180  # a machine with a hundred busy processes: a start took more than 60
STOP_SECONDS = 60


class WorkerProcess:
    """`exit_code` is None until the worker was stopped."""

    def __init__(self, process: subprocess.Popen, data: Path, log: Path) -> None:
        self.process = process
        self._log = log
        self.socket = data / "redis.sock"
        self.exit_code: int | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def await_start(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.socket.is_socket():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the worker did not start:\n{self.log()}")
            time.sleep(0.02)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.exit_code = self.process.wait(STOP_SECONDS)
        return self.exit_code


def worker_environment(folder: Path, **settings: str) -> dict[str, str]:
    """A worker's environment on this machine only; `settings` without their prefix."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MAILVOUCH_")}
    chosen = {
        "DATA_DIR": str(folder / "data"),
        "ALLOW_NETWORKS": "127.0.0.0/8",
        "ALLOW_PORTS": "1-65535",
        "METRICS_PORT": "0",
        **settings,
    }
    prefixed = {f"MAILVOUCH_{name}": value for name, value in chosen.items()}
    return {**inherited, "PYTHONPATH": str(Path(__file__).parents[2]), **prefixed}


@contextmanager
def running_worker(folder: Path, environment: Mapping[str, str]) -> Iterator[WorkerProcess]:
    """From its start to its clean end; killed where the caller fails."""
    log = folder / "worker.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "run"],
            cwd=folder,  # no .env of the checkout
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    worker = WorkerProcess(process, Path(environment["MAILVOUCH_DATA_DIR"]), log)
    try:
        if "MAILVOUCH_REDIS_URL" not in environment:  # else there is no socket to tell
            worker.await_start()
        yield worker
        if worker.exit_code is None:
            assert worker.stop() == 0, worker.log()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
