"""Ctrl-c at a terminal ends every command with 130, one line at most, and no traceback."""

import os
import pty
import signal
import subprocess
import sys

import pytest

from tests.support.redis_server import embedded_redis

pytestmark = pytest.mark.redis_server


@pytest.fixture(scope="module")
def server():
    with embedded_redis() as running:
        yield running


@pytest.fixture
def pressed(server, tmp_path):
    """Run a command on a terminal, wait until it shows something, press; status and screen."""

    def press(key, shown, *words, **settings):
        far, near = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            stdin=near,
            stdout=near,
            stderr=near,
            start_new_session=True,
            env={
                **os.environ,
                "PYTHONPATH": os.getcwd(),  # noqa: PTH109 - the checkout
                "TERM": "xterm",
                "MAILVOUCH_REDIS_URL": server.url,
                **settings,
            },
        )
        os.close(near)
        screen = b""
        while shown not in screen:
            screen += os.read(far, 65536)
        if key is None:
            process.send_signal(signal.SIGINT)
        else:
            os.write(far, key)
        try:
            while chunk := os.read(far, 65536):
                screen += chunk
        except OSError:  # how a terminal ends once nobody holds it
            pass
        status = process.wait(30)
        os.close(far)
        return status, screen.decode()

    return press


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (b"q ends", ("worker.cli", "top")),
        (b"serving", ("worker.cli", "exporter")),
        (b"Password", ("worker.cli", "probe", "smtp", "mail.test", "--user", "u")),
        (b"[y/N]", ("worker.cli", "dead", "purge", "--all")),
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
