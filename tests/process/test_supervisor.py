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
from worker.queue.signals import stop_signals

CHILD = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: ({on_term}))
open(sys.argv[1] + "/" + str(os.getpid()), "w").close()
time.sleep(60)
"""

PARENT = """
import sys
from worker.process.supervisor import Supervisor
argv = [sys.executable, "-c", {child!r}, {folder!r}]
sys.exit(Supervisor(lambda slot: argv, {processes}, shutdown_seconds={seconds}).run())
"""


def pids(folder):
    return sorted(int(path.name) for path in folder.iterdir())


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def supervise(tmp_path):
    started = []

    def start(on_term="os._exit(0)", processes=2, seconds=5):
        child = textwrap.dedent(CHILD).format(on_term=on_term)
        code = PARENT.format(
            child=child, folder=str(tmp_path), processes=processes, seconds=seconds
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


def test_a_process_that_cannot_start_is_tried_again_with_longer_and_longer_pauses(tmp_path):
    child = (
        f"open({str(tmp_path)!r} + '/' + str(__import__('os').getpid()), 'w'); raise SystemExit(3)"
    )
    code = PARENT.format(child=child, folder="", processes=1, seconds=1)
    parent = subprocess.Popen([sys.executable, "-c", code])
    wait_for(lambda: len(pids(tmp_path)) == 3)
    time.sleep(1)
    assert len(pids(tmp_path)) == 3
    parent.terminate()
    assert parent.wait(10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_stop_reaches_every_process_and_a_clean_drain_exits_with_zero(
    supervise, tmp_path, number
):
    parent = supervise()
    parent.send_signal(number)
    assert parent.wait(10) == 0
    assert not any(is_running(pid) for pid in pids(tmp_path))


def test_a_closed_terminal_is_no_signal_to_stop_under_nohup():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert stop_signals() == {signal.SIGTERM, signal.SIGINT}
    finally:
        signal.signal(signal.SIGHUP, before)


def test_sigterm_twice_to_the_whole_group_is_one_sigterm(supervise, tmp_path):
    parent = supervise(on_term='time.sleep(1), open(sys.argv[1] + "/1", "w"), os._exit(0)')
    os.killpg(parent.pid, signal.SIGTERM)
    time.sleep(0.1)
    os.killpg(parent.pid, signal.SIGTERM)
    assert parent.wait(20) == 0
    assert 1 in pids(tmp_path)


def test_a_process_that_fails_in_its_drain_makes_the_status_one(supervise):
    parent = supervise(on_term="os._exit(3)")
    parent.terminate()
    assert parent.wait(10) == 1


def test_processes_do_not_outlive_a_supervisor_that_is_killed(supervise, tmp_path):
    parent = supervise()
    parent.kill()
    parent.wait()
    wait_for(lambda: not any(is_running(pid) for pid in pids(tmp_path)))
