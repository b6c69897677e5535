"""Ctrl-c ends a command that hangs in a look-up: the system's resolver does not hear it."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import await_sleep
from tests.support.worker_process import worker_environment

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc"),
    pytest.mark.usefixtures("heard_signals"),
]

EXIT_SECONDS = 60

# Instead of a name server that hangs: a lock that its own thread waits for.
HANGING = """
import ctypes, socket, sys

def hang(*_, **__):
    lock, library = ctypes.create_string_buffer(256), ctypes.CDLL(None)
    library.pthread_mutex_lock(lock)
    print("begun", flush=True)
    library.pthread_mutex_lock(lock)

socket.getaddrinfo = hang
module = sys.argv.pop(1)
sys.argv[0] = module
__import__(module, fromlist=["main"]).main()
"""


def hanging(folder, *words, **streams):
    return subprocess.Popen(
        [sys.executable, "-c", HANGING, *words],
        cwd=folder,
        env=worker_environment(folder, REDIS_URL="redis://redis.test"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        **streams,
    )


def interrupt(command):
    assert command.stdout.readline() == "begun\n"
    await_sleep(command.pid)
    command.send_signal(signal.SIGINT)
    return command.wait(EXIT_SECONDS)


@pytest.mark.parametrize(
    "words",
    [
        ("producer.cli", "result", "job", "--follow"),
        ("worker.cli", "queues"),
    ],
    ids=" ".join,
)
def test_ctrl_c_ends_a_command_that_hangs_in_a_look_up(words, tmp_path):
    with hanging(tmp_path, *words, stderr=subprocess.PIPE) as command:
        try:
            assert interrupt(command) == 130
            assert command.stderr.read() == "interrupted\n"
        finally:
            command.kill()


def test_a_terminal_shows_its_cursor_again_though_the_input_is_no_terminal(tmp_path):
    far, near = pty.openpty()
    with hanging(tmp_path, "producer.cli", "result", "job", stderr=near) as command:
        try:
            assert interrupt(command) == 130
            assert b"\x1b[?25h" in os.read(far, 1024)
        finally:
            command.kill()
            os.close(far)
            os.close(near)
