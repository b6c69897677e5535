"""Ctrl-c at a terminal ends every command with 130, one line at most, and no traceback."""

import os
import pty
import signal
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.support.redis_server import embedded_redis
from tests.support.waiting import await_sleep

pytestmark = [
    pytest.mark.redis_server,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc"),
]


@pytest.fixture(scope="module")
def server():
    with embedded_redis() as running:
        yield running


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, words, settings):
        self.far, near = pty.openpty()
        environment = {
            "PYTHONPATH": os.getcwd(),  # noqa: PTH109 - the checkout
            "TERM": "xterm",
            **settings,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdin=near,
            stdout=near,
            stderr=near,
            start_new_session=True,
            env={**os.environ, **environment},
        )
        os.close(near)
        self.screen = b""

    def read_until(self, shown):
        while shown not in self.screen:
            self.screen += os.read(self.far, 65536)

    def read_to_the_end(self):
        with suppress(OSError):  # how a terminal ends once nobody holds it
            while chunk := os.read(self.far, 65536):
                self.screen += chunk

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.far)


@pytest.fixture
def pressed(server, heard_signals):
    """Run a command on a terminal, wait until it waits for a key, press; status and screen."""
    with ExitStack() as opened:

        def press(key, shown, *words, **settings):
            terminal = Terminal(words, {"MAILVOUCH_REDIS_URL": server.url, **settings})
            opened.callback(terminal.end)
            terminal.read_until(shown)
            await_sleep(terminal.process.pid)
            if key is None:
                terminal.process.send_signal(signal.SIGINT)
            else:
                os.write(terminal.far, key)
            terminal.read_to_the_end()
            return terminal.process.wait(100), terminal.screen.decode()

        yield press


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (b"q ends", ("worker.cli", "top")),
        (b"Password", ("worker.cli", "probe", "smtp", "mail.test", "--user", "u")),
        pytest.param(b"serving", ("worker.cli", "exporter"), marks=pytest.mark.slow),
        pytest.param(b"[y/N]", ("worker.cli", "dead", "purge", "--all"), marks=pytest.mark.slow),
        (b"[y/N]", ("producer.cli", "brands", "remove", "shop.example")),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_ctrl_c_is_130_and_no_traceback(pressed, shown, words):
    status, screen = pressed(None, shown, *words, MAILVOUCH_METRICS_PORT="0")
    assert status == 130
    assert "interrupted" in screen
    assert "Traceback" not in screen
    assert "Aborted" not in screen


def test_q_ends_top_with_0(pressed):
    status, _ = pressed(b"q", b"q ends", "worker.cli", "top", MAILVOUCH_METRICS_PORT="0")
    assert status == 0


def test_no_password_at_the_prompt_is_a_wrong_call_that_names_the_variable(pressed):
    words = ("worker.cli", "probe", "smtp", "mail.test", "--user", "u")
    status, screen = pressed(b"\x04", b"Password", *words)
    assert (status, "set MAILVOUCH_PASSWORD" in screen) == (2, True)
