"""Ctrl-c ends a command that hangs in a look-up: the system's resolver does not hear it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import await_sleep
from tests.support.worker_process import worker_environment

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")

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


@pytest.mark.parametrize(
    "words",
    [
        ("producer.cli", "result", "job", "--follow"),
        ("worker.cli", "queues"),
    ],
    ids=" ".join,
)
def test_ctrl_c_ends_a_command_that_hangs_in_a_look_up(words, tmp_path):
    command = subprocess.Popen(
        [sys.executable, "-c", HANGING, *words],
        cwd=tmp_path,
        env=worker_environment(tmp_path, REDIS_URL="redis://redis.test"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with command:
        try:
            assert command.stdout.readline() == "begun\n"
            await_sleep(command.pid)
            command.send_signal(signal.SIGINT)
            assert command.wait(EXIT_SECONDS) == 130
            assert command.stderr.read() == "interrupted\n"
        finally:
            command.kill()
