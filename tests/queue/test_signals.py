"""Signals reach the main thread at each moment and by each thread."""

import signal
import subprocess
import sys

import pytest

BY_ANOTHER_THREAD = """
import signal, sys, threading, time
from worker.queue.signals import SignalWatch, stop_signals

signals = SignalWatch((*stop_signals(), signal.SIGUSR1))
asleep = threading.Event()

def send():
    asleep.wait()
    while True:  # to this thread, as the kernel does when the main thread has one pending
        for number in {numbers}:
            signal.pthread_kill(threading.get_ident(), number)
        time.sleep(30)

threading.Thread(target=send, daemon=True).start()
asleep.set()
others = []
signals.wait_for_stop(others.append)
print("stops", [int(number) for number in others], flush=True)
"""


def run(program, *words):
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_a_signal_that_another_thread_gets_wakes_the_main_thread():
    ended = run(BY_ANOTHER_THREAD.format(numbers=[15]))
    assert (ended.returncode, ended.stdout) == (0, "stops []\n"), ended.stderr


def test_a_signal_to_stop_right_after_another_signal_is_not_lost():
    ended = run(BY_ANOTHER_THREAD.format(numbers=[int(signal.SIGUSR1), 15]))
    assert (ended.returncode, ended.stdout) == (0, "stops [10]\n"), ended.stderr


HELD = """
import os, signal
from worker.queue.signals import SignalWatch, hold_signals, stop_signals

hold_signals()
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    os.kill(os.getpid(), number)
import decimal  # nothing is broken off
signals = SignalWatch(stop_signals())
print(signals.stopping, sorted(signals.wait(0)), flush=True)
"""


@pytest.mark.usefixtures("heard_signals")
def test_what_comes_before_there_are_handlers_is_heard_later_and_kills_nothing():
    ended = run(HELD)
    assert (ended.returncode, ended.stdout) == (0, "True [1, 2, 15]\n"), ended.stderr


STORM = """
import os, signal
from worker.queue.signals import SignalWatch, stop_signals

signals = SignalWatch((*stop_signals(), signal.SIGUSR1))
for _ in range(100_000):
    os.kill(os.getpid(), signal.SIGUSR1)
os.kill(os.getpid(), signal.SIGTERM)
print(signals.wait(None)[-1], signals.stopping, flush=True)
"""


def test_a_signal_to_stop_after_more_others_than_a_buffer_holds_is_not_lost():
    ended = run(STORM)
    assert (ended.returncode, ended.stdout) == (0, "15 True\n"), ended.stderr


LATE = """
import atexit, os, signal, sys
from worker.queue.signals import SignalWatch, ignore_stop_signals, stop_signals

class Late:
    def __del__(self):  # in the last moments of the interpreter
        for number in (2, 15, 1):
            os.kill(os.getpid(), number)

SignalWatch(stop_signals())
sys.modules["late"] = Late()
ignore_stop_signals()
"""


def test_a_signal_in_the_last_moments_changes_no_status():
    ended = run("import os\n" + LATE)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="a parent's death is told on Linux only")
def test_a_child_whose_parent_is_gone_already_is_told():
    program = "from worker.queue.signals import die_with_parent; print(die_with_parent(1234567))"
    assert run(program).stdout == "False\n"


AT_EACH_IMPORT = """
import importlib, os, signal, sys
import producer, worker

class CtrlC:
    def find_spec(self, name, *_):
        if name != sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, CtrlC())
command = importlib.import_module(sys.argv[1])
sys.argv[1:] = ["--version"]
command.main()
"""


@pytest.mark.usefixtures("heard_signals")
@pytest.mark.parametrize("command", ["worker.cli", "producer.cli"])
def test_ctrl_c_during_the_imports_of_a_command_is_no_traceback(command):
    ended = run(AT_EACH_IMPORT, command)
    assert "Traceback" not in ended.stderr
    assert ended.returncode in (0, 130)


TWICE_DURING_THE_BOOT = """
import signal, sys

seen = []
signal.signal(signal.SIGTERM, lambda *_: seen.append(1))
sys.modules["worker.process.under_dramatiq"] = None  # the boot gets no further
try:
    import worker.app
except ImportError:
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)
print(seen)
"""


def test_under_dramatiq_a_stop_that_comes_twice_is_one_from_the_first_import_on():
    """To the group: from the sender and from Dramatiq's parent, whose child dies at the second."""
    run = subprocess.run(
        [sys.executable, "-c", TWICE_DURING_THE_BOOT], stdout=subprocess.PIPE, check=True
    )
    assert run.stdout == b"[1]\n"
