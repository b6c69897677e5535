"""The command becomes its supervisor; neither it nor a worker process loads more than it uses."""

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.queueing import wait_for
from tests.support.redis_process import redis_process
from tests.support.worker_process import worker_environment
from worker.process.supervisor_settings import SupervisorSettings

pytestmark = [pytest.mark.redis_server]

PATIENCE_SECONDS = 60
DRAWING = {"rich", "pygments"}
OF_COMMANDS = {"worker.commands", "producer.commands", "producer.openapi", "producer.gateway"}
OF_THE_GATEWAY = {"starlette", "uvicorn", "jinja2", "h11"}
OF_JOBS = {"dramatiq", "uvloop", "dns", "re2", "idna", "worker.jobs", "worker.probing"}
OF_CHECKS = {"pydantic", "pydantic_core", "pydantic_settings", "cryptography.hazmat", "joserfc"}

# Runs a module as `python -m` does and writes down, at the very end, what has been imported.
RECORDED = (
    "import atexit, os, pathlib, runpy, sys;"
    "record = pathlib.Path(sys.argv.pop(1));"
    "write = lambda: record.write_text(' '.join(sys.modules));"
    "leave = os._exit;"
    "atexit.register(write);"
    "os._exit = lambda status: (write(), leave(status));"
    "module = sys.argv.pop(1);"
    "runpy.run_module(module, run_name='__main__', alter_sys=True)"
)
# Runs the command with a signal pending, as one that came at its first instruction.
STOPPED_AT_ONCE = (
    "import os, signal;"
    "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM});"
    "os.kill(os.getpid(), signal.SIGTERM);"
    "from worker.cli import main; main()"
)
WITHOUT_DRAMATIQ = "import sys; sys.modules['dramatiq'] = None; from worker.cli import main; main()"


@pytest.fixture
def environment(tmp_path):
    with redis_process(tmp_path) as server:
        yield worker_environment(
            tmp_path, REDIS_URL=server.url, METRICS_PORT=str(free_port()), LOG_FORMAT="json"
        )


@contextmanager
def running(arguments, environment, folder, **options):
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={"OTEL_SDK_DISABLED": "true", **environment},
            stderr=output,
            **options,
        )
    try:
        yield process, log
    finally:
        process.kill()
        process.wait()


def stop(process):
    process.terminate()
    assert process.wait(PATIENCE_SECONDS) == 0


def get(environment, path):
    port = environment["MAILVOUCH_METRICS_PORT"]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as reply:
            return reply.read().decode()
    except OSError:
        return ""


def settings_of(environment):
    return SupervisorSettings(
        embedded=False,
        data_dir=environment["MAILVOUCH_DATA_DIR"],
        namespace="mailvouch",
        shards=1,
        processes=1,
        concurrency=10,
        shutdown_seconds=5.0,
        metrics_host="127.0.0.1",
        metrics_port=int(environment["MAILVOUCH_METRICS_PORT"]),
        log_level="INFO",
        log_format="json",
    )


def loaded(record, packages):
    """Those of the packages of which a module was loaded."""
    modules = record.read_text().split()
    assert "producer.lean" in modules
    return {one for one in packages if any(f"{name}.".startswith(f"{one}.") for name in modules)}


def test_settings_of_the_supervisor_are_read_as_they_were_written():
    settings = settings_of({"MAILVOUCH_DATA_DIR": "/data ü", "MAILVOUCH_METRICS_PORT": "9191"})
    assert SupervisorSettings.from_json(settings.to_json()) == settings


def test_a_supervisor_that_ran_a_process_and_answered_a_scrape_has_loaded_nothing_of_a_job(
    environment, tmp_path
):
    record = tmp_path / "modules"
    module = [str(record), "worker.process.serve", settings_of(environment).to_json()]
    with running(["-c", RECORDED, *module], environment, tmp_path) as (process, log):
        wait_for(lambda: get(environment, "/readyz") == "ok\n", PATIENCE_SECONDS)
        page = get(environment, "/metrics")
        stop(process)
    assert 'mailvouch_queue_messages{queue="credential-tests",state="ready"} 0' in page, log
    unused = DRAWING | OF_COMMANDS | OF_THE_GATEWAY | OF_JOBS | OF_CHECKS
    assert loaded(record, unused | {"click", "opentelemetry"}) == set()


def test_a_worker_process_has_loaded_nothing_of_commands_pages_and_drawing(environment, tmp_path):
    record = tmp_path / "modules"
    reader, writer = os.pipe()
    arguments = ["worker.process.child", "0", "-", str(os.getpid()), str(writer)]
    child = ["-c", RECORDED, str(record), *arguments]
    with running(child, environment, tmp_path, pass_fds=(writer,)) as (process, _log):
        os.close(writer)
        assert os.read(reader, 1) == b"."  # it beats, so it is complete
        stop(process)
    os.close(reader)
    unused = DRAWING | OF_COMMANDS | OF_THE_GATEWAY
    assert loaded(record, unused | {"opentelemetry"}) == set()
    assert loaded(record, OF_JOBS) == OF_JOBS  # so the list names what there is


@pytest.mark.slow
def test_the_command_becomes_its_supervisor_and_shows_no_password_among_the_processes(
    environment, tmp_path
):
    unreachable = f"redis://someone:hush-hush@127.0.0.1:{free_port()}/0"
    environment |= {"MAILVOUCH_REDIS_URL": unreachable}
    with running(["-m", "worker.cli", "run"], environment, tmp_path) as (process, log):
        wait_for(lambda: '"worker_starts"' in log.read_text(), PATIENCE_SECONDS)
        proc = Path(f"/proc/{process.pid}")
        wait_for((proc / f"task/{process.pid}/children").read_text)
        (child,) = (proc / f"task/{process.pid}/children").read_text().split()
        own = (proc / "cmdline").read_text().replace("\0", " ")
        both = own + Path(f"/proc/{child}/cmdline").read_text()
        stop(process)
    assert "-m worker.process.serve mailvouch-worker run {" in own
    assert "hush-hush" not in both


def test_a_signal_that_comes_before_the_supervisor_is_there_stops_it(environment, tmp_path):
    with running(["-P", "-c", STOPPED_AT_ONCE, "run"], environment, tmp_path) as (process, log):
        assert process.wait(PATIENCE_SECONDS) == 0
    ends = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    assert ends[-2:] == ["worker_starts", "worker_ends"]


def test_without_the_extra_the_start_ends_with_one_line_before_any_process(environment, tmp_path):
    with running(["-P", "-c", WITHOUT_DRAMATIQ, "run"], environment, tmp_path) as (process, log):
        assert process.wait(PATIENCE_SECONDS) == 2
    missing = "mailvouch-worker: dramatiq is not installed: pip install 'mailvouch[worker]'\n"
    assert log.read_text() == missing
