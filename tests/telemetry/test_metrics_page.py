"""The metrics page of a real worker: over all its processes, through kill -9, taken ports."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from producer.client import Client, credential_test
from tests.support.metrics_page import MetricsPage
from tests.support.redis_server import data_folder
from tests.support.worker_process import WorkerProcess, running_worker, worker_environment

PATIENCE_SECONDS = 60


@contextmanager
def worker_of_two():
    with data_folder() as folder:
        environment = worker_environment(folder, PROCESSES="2", LOG_FORMAT="json")
        with running_worker(folder, environment) as worker:
            yield worker, _page_of(worker)


def _page_of(worker: WorkerProcess) -> str:
    await_that(lambda: '"metrics": "http' in worker.log())
    return re.search(r'"metrics": "(http[^"]+)"', worker.log())[1]


def await_that(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def metrics(page: str) -> MetricsPage:
    with urllib.request.urlopen(f"{page}/metrics", timeout=20) as reply:
        return MetricsPage(reply.read().decode())


def run_jobs(worker: WorkerProcess, count: int) -> None:
    with closing(Client(worker.url)) as client:
        body = {"emailCredentialsRequests": [{}]}
        for job in [client.submit(credential_test(body)) for _ in range(count)]:
            client.wait(job, timeout_seconds=PATIENCE_SECONDS)


def children(worker: WorkerProcess) -> list[int]:
    pid = worker.process.pid
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in pids if "worker.process.child" in _command(one)]


def living(page: str) -> float:
    return metrics(page).total("mailvouch_worker_processes")


def _command(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:  # It has just ended.
        return ""


def jobs_counted(page: str) -> float:
    return metrics(page).total("mailvouch_jobs_total")


@pytest.mark.slow
def test_jobs_of_all_processes_are_counted_once_also_after_kill_nine():
    with worker_of_two() as (worker, page):
        await_that(lambda: status(f"{page}/readyz") == 200)
        run_jobs(worker, 20)
        await_that(lambda: jobs_counted(page) == 20)

        victim, other = children(worker)
        os.kill(victim, signal.SIGKILL)
        await_that(lambda: set(children(worker)) - {victim, other} != set())
        assert jobs_counted(page) == 20
        run_jobs(worker, 20)
        await_that(lambda: jobs_counted(page) == 40)

        assert metrics(page).total("mailvouch_jobs_in_flight") == 0
        assert status(f"{page}/healthz") == 200


@pytest.mark.slow
def test_a_process_that_stands_still_makes_the_worker_unhealthy_until_it_moves():
    with worker_of_two() as (worker, page):
        await_that(lambda: living(page) == 2 and status(f"{page}/readyz") == 200)
        stuck = children(worker)[0]
        os.kill(stuck, signal.SIGSTOP)
        try:
            await_that(lambda: status(f"{page}/healthz") == 503)
            await_that(lambda: status(f"{page}/readyz") == 200)  # the other process still fetches
        finally:
            os.kill(stuck, signal.SIGCONT)
        await_that(lambda: status(f"{page}/healthz") == 200)


def test_a_taken_port_stops_the_start_with_one_line():
    with data_folder() as folder, closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "worker.cli", "run"],
            cwd=folder,
            env=worker_environment(folder, METRICS_PORT=str(port), LOG_FORMAT="json"),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    assert ended.returncode == 2
    last = ended.stderr.splitlines()
    assert any(f"MAILVOUCH_METRICS_PORT: cannot listen on 127.0.0.1:{port}" in x for x in last)
    assert "Traceback" not in ended.stderr


@pytest.mark.slow
def test_the_exporter_alone_serves_queue_metrics_and_ends_on_sigterm():
    with data_folder() as folder:
        environment = worker_environment(folder)
        with running_worker(folder, environment):
            alone = subprocess.Popen(
                [sys.executable, "-m", "worker.cli", "exporter"],
                cwd=folder,
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                page = re.search(r"http://\S+?(?=/metrics)", alone.stderr.readline())[0]
                assert metrics(page).samples("mailvouch_queue_messages")
                assert status(f"{page}/healthz") == status(f"{page}/readyz") == 200
                alone.terminate()
                assert alone.wait(PATIENCE_SECONDS) == 0
            finally:
                alone.kill()
                alone.communicate()
