"""The supervisor with children that are small scripts."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.support.queueing import wait_for
from worker.process.supervisor import FIRST_BACKOFF_SECONDS
from worker.queue.signals import stop_signals

CHILD = """
import os, signal, sys, time
from worker.queue.signals import die_with_parent
signal.signal(signal.SIGTERM, lambda *_: ({on_term}))
die_with_parent(os.getppid())
signal.pthread_sigmask(signal.SIG_SETMASK, [])
own = open(sys.argv[1] + "/" + str(os.getpid()), "w", buffering=1)
while True:
    {body}
    os.write(int(sys.argv[2]), b".")
    own.write("has beaten\\n")
    time.sleep(0.1)
"""

PARENT = """
import logging, signal, sys
from worker.process.spawn import Command
from worker.process.supervisor import HeartbeatLimits, Supervisor
from worker.queue.signals import SignalWatch, ignore_stop_signals, stop_signals
signals = SignalWatch((*stop_signals(), signal.SIGCHLD, signal.SIGUSR1))
command = Command([sys.executable, "-c", {child!r}, {folder!r}])
supervisor = Supervisor(
    lambda slot: command,
    {processes},
    shutdown_seconds={seconds},
    signals=signals,
    limits=HeartbeatLimits(between_beats={between}, before_the_first={boot}),
)
{before}
status = supervisor.run()
ignore_stop_signals()
sys.exit(status)
"""


def pids(folder):
    return sorted(int(path.name) for path in folder.iterdir())


def all_have_beaten(folder):
    return all(path.stat().st_size for path in folder.iterdir())


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def supervise(tmp_path):
    started = []

    def start(
        *,
        on_term="os._exit(0)",
        processes=2,
        seconds=5,
        body="pass",
        before="",
        boot=60,
        between=60,
    ):
        child = textwrap.dedent(CHILD).format(on_term=on_term, body=body)
        code = PARENT.format(
            child=child,
            folder=str(tmp_path),
            processes=processes,
            seconds=seconds,
            before=before,
            boot=boot,
            between=between,
        )
        started.append(subprocess.Popen([sys.executable, "-c", code], start_new_session=True))
        wait_for(lambda: len(pids(tmp_path)) >= processes)
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_a_process_that_dies_is_replaced(supervise, tmp_path):
    supervise()
    first, second = pids(tmp_path)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(pids(tmp_path)) == 3)
    assert is_running(second)
    wait_for(lambda: not Path(f"/proc/{first}").exists())  # collected: no zombie


FAILING_HOOKS = """
from worker.process.supervisor import Hooks
class Failing(Hooks):
    def on_look(self, *_):
        raise OSError(24, "Too many open files")
    on_exit = on_stop = on_look
supervisor.hooks = Failing()
"""


def test_no_metrics_and_no_logs_that_fail_end_the_supervisor(supervise, tmp_path):
    """A process died while no file was left: those of its metrics could not be looked for."""
    parent = supervise(before=FAILING_HOOKS)
    os.kill(pids(tmp_path)[0], signal.SIGKILL)
    wait_for(lambda: len(pids(tmp_path)) == 3)
    parent.terminate()
    assert parent.wait(100) == 0


def test_a_process_that_cannot_start_is_tried_again_with_longer_and_longer_pauses(tmp_path):
    child = (
        f"open({str(tmp_path)!r} + '/' + str(__import__('os').getpid()), 'w'); raise SystemExit(3)"
    )
    code = PARENT.format(
        child=child, folder="", processes=1, seconds=1, before="", boot=60, between=60
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    wait_for(lambda: len(pids(tmp_path)) == 3)
    parent.kill()
    parent.wait()
    first, second, third, *_ = sorted(path.stat().st_mtime for path in tmp_path.iterdir())
    assert second - first >= FIRST_BACKOFF_SECONDS
    assert third - second >= 2 * FIRST_BACKOFF_SECONDS


@pytest.mark.usefixtures("heard_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_stop_reaches_every_process_and_a_clean_drain_exits_with_zero(
    supervise, tmp_path, number
):
    parent = supervise()
    parent.send_signal(number)
    assert parent.wait(100) == 0
    assert not any(is_running(pid) for pid in pids(tmp_path))


def test_a_closed_terminal_is_no_signal_to_stop_under_nohup():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert stop_signals() == {signal.SIGTERM, signal.SIGINT}
    finally:
        signal.signal(signal.SIGHUP, before)


DRAINING, MAY_END = 1, 2
"""Names of files beside those of the processes; no process of ours has such an id."""

DRAIN = f"""
    open(sys.argv[1] + "/{DRAINING}", "w"),
    [time.sleep(0.01) for _ in iter(lambda: os.path.exists(sys.argv[1] + "/{MAY_END}"), True)],
    os._exit(0),
"""


def test_sigterm_twice_to_the_whole_group_is_one_sigterm(supervise, tmp_path):
    parent = supervise(on_term=f"({DRAIN})")
    os.killpg(parent.pid, signal.SIGTERM)
    wait_for(lambda: DRAINING in pids(tmp_path))
    os.killpg(parent.pid, signal.SIGTERM)
    (tmp_path / str(MAY_END)).touch()
    assert parent.wait(100) == 0


def test_a_process_that_fails_in_its_drain_makes_the_status_one(supervise):
    parent = supervise(on_term="os._exit(3)")
    parent.terminate()
    assert parent.wait(100) == 1


def test_processes_do_not_outlive_a_supervisor_that_is_killed(supervise, tmp_path):
    parent = supervise()
    parent.kill()
    parent.wait()
    wait_for(lambda: not any(is_running(pid) for pid in pids(tmp_path)))


def test_a_process_that_is_stopped_is_replaced(supervise, tmp_path):
    supervise(between=2.5)
    stopped, other = pids(tmp_path)
    wait_for(lambda: all_have_beaten(tmp_path))
    os.kill(stopped, signal.SIGSTOP)
    wait_for(lambda: len(pids(tmp_path)) == 3)
    assert not is_running(stopped)
    assert is_running(other)


def test_a_process_that_never_beats_is_replaced(supervise, tmp_path):
    supervise(body="time.sleep(60)", processes=1, boot=1)
    wait_for(lambda: len(pids(tmp_path)) == 2)


@pytest.mark.slow
def test_a_pause_of_the_whole_machine_replaces_nothing(supervise, tmp_path):
    parent = supervise(between=2.5)
    before = pids(tmp_path)
    wait_for(lambda: all_have_beaten(tmp_path))
    for number in (signal.SIGSTOP, signal.SIGCONT):
        os.kill(parent.pid, number)  # first of all: it must not see the others' silence
        for pid in before:
            os.kill(pid, number)
        time.sleep(6 if number == signal.SIGSTOP else 2)
    assert pids(tmp_path) == before
    assert all(map(is_running, before))
    parent.terminate()
    assert parent.wait(100) == 0


def test_a_stopped_process_drains_as_well(supervise, tmp_path):
    parent = supervise(seconds=60)
    os.kill(pids(tmp_path)[0], signal.SIGSTOP)
    parent.terminate()
    assert parent.wait(100) == 0


NO_FILES = """
import resource, threading, os
allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
fewer = len(os.listdir("/proc/self/fd"))
resource.setrlimit(resource.RLIMIT_NOFILE, (fewer, allowed[1]))
threading.Timer(1.2, resource.setrlimit, (resource.RLIMIT_NOFILE, allowed)).start()
"""


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts files in /proc")
def test_a_start_that_fails_for_want_of_files_is_tried_again(supervise, tmp_path):
    began = time.monotonic()
    parent = supervise(before=NO_FILES)
    assert time.monotonic() - began > 1.2
    parent.terminate()
    assert parent.wait(100) == 0
