"""Where the system lets a process start no thread, as a limit of processes does."""

import json
import subprocess
import sys
import threading

import pytest

from producer.contract.names import Queue
from tests.support.ports import free_port
from tests.support.queueing import NS, submit
from tests.support.toy_app import make_setup
from tests.support.worker_process import worker_environment
from worker.jobs.opening import LARGE_BYTES, Intake
from worker.probing.derivation import KeyDerivation
from worker.process.threads import REMEDY
from worker.queue.runner import AsyncWorker

NO_THREADS = """
import _thread, threading

refused = ""
start_any = threading.Thread.start
start_any_new = _thread.start_new_thread

def start(thread):
    if thread.name.startswith(refused):
        raise RuntimeError("can't start new thread")
    start_any(thread)

def start_new(function, arguments):
    if function.__name__.startswith(refused):
        raise RuntimeError("can't start new thread")
    return start_any_new(function, arguments)

threading.Thread.start = start
_thread.start_new_thread = start_new
"""
SUPERVISOR = """
from worker.process.serve import main
from worker.process.supervisor_settings import SupervisorSettings

settings = SupervisorSettings(
    embedded=False, data_dir="data", namespace="mailvouch", shards=1, processes=1, concurrency=1,
    shutdown_seconds=1, metrics_host="127.0.0.1", metrics_port=0, log_level="INFO",
    log_format="json",
)
raise SystemExit(main(settings))
"""
CHILDREN = """
import os, sys
from worker.process.child import main

for refused in sys.argv[1:]:
    if os.fork() == 0:  # what each imports is imported once
        os.dup2(os.open(refused, os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
        raise SystemExit(main(0, None))
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
THREADS = ("watchdog", "jobs", "serve_handshakes", "key-derivation", "large-request")


def start_without_threads(program, folder, *names):
    return subprocess.run(
        [sys.executable, "-c", NO_THREADS + program, *names],
        env=worker_environment(folder, REDIS_URL="redis://127.0.0.1:1", LOG_FORMAT="json"),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_a_supervisor_says_in_one_line_what_to_raise(tmp_path):
    ended = start_without_threads(SUPERVISOR, tmp_path)
    assert (ended.returncode, ended.stderr) == (2, f"mailvouch-worker: {REMEDY}\n")


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """Exit status and log of a worker process, by the thread that it may not start."""
    folder = tmp_path_factory.mktemp("ends")
    ended = start_without_threads(CHILDREN, folder, *THREADS)
    logs = [(folder / name).read_text() for name in THREADS]
    return dict(zip(THREADS, zip(ended.stdout.split(), logs, strict=True), strict=True))


@pytest.mark.parametrize("name", THREADS)
def test_a_worker_process_says_in_one_event_what_to_raise(ends, name):
    status, log = ends[name]
    assert int(status) not in (0, 1)
    *_, last = log.splitlines()
    assert json.loads(last)["reason"] == REMEDY
    assert "Traceback" not in log


@pytest.fixture
def most_threads(monkeypatch):
    """Lets so many more threads start."""

    def allow(most):
        left = [None] * most
        start = threading.Thread.start

        def start_if_allowed(thread):
            if not left:
                raise RuntimeError("can't start new thread")
            left.pop()
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_if_allowed)

    return allow


@pytest.mark.redis_server
@pytest.mark.parametrize("most", [0, 1])
def test_a_process_with_too_few_threads_has_taken_no_job(server, client, most_threads, most):
    submit(client, ["job"])
    worker = AsyncWorker(make_setup(server.url))
    before = set(threading.enumerate())
    most_threads(most)
    with pytest.raises(RuntimeError):
        worker.start()
    begun = set(threading.enumerate()) - before
    assert {thread.name for thread in begun} <= {"watchdog"}
    for thread in begun:  # or it ends this process in half a minute: no loop will ever turn
        thread.join(30)
        assert not thread.is_alive()
    assert client.llen(f"{NS}:credential-tests") == 1


async def test_a_key_is_derived_by_a_thread_that_was_reserved(most_threads):
    derive = KeyDerivation()
    derive.reserve()
    most_threads(0)
    assert await derive(lambda: b"key", 4096) == b"key"


async def test_a_large_request_is_read_by_a_thread_that_was_reserved(most_threads):
    intake = Intake(None)
    intake.reserve()
    most_threads(0)
    body = '{"version": 1, "kind": "credential-test", "dealerUUID": "", "body": "%s"}'
    raw = (body % ("x" * LARGE_BYTES)).encode()
    assert (await intake.open(raw, Queue.CREDENTIAL_TESTS)).body == "x" * LARGE_BYTES


CHILD_WITH_A_THREAD_THAT_HANGS = """
import runpy, sys, threading
threading.Thread(target=threading.Event().wait).start()
sys.argv[1:] = ["0", "-"]
runpy.run_module("worker.process.child", run_name="__main__", alter_sys=True)
"""


def test_a_process_ends_beside_a_thread_that_hangs(tmp_path):
    """As one that asks a name server that hangs for Redis' address."""
    url = f"redis://127.0.0.1:{free_port()}/0"
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD_WITH_A_THREAD_THAT_HANGS],
        cwd=tmp_path,
        env=worker_environment(tmp_path, REDIS_URL=url),
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        try:
            while "redis_away" not in child.stderr.readline():
                assert child.poll() is None
            child.terminate()
            assert child.wait(60) == 0
        finally:
            child.kill()
