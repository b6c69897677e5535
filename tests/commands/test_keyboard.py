import os
import pty
import sys
import termios

import pytest

from worker.commands.keyboard import keys_at_once


@pytest.fixture
def terminal(monkeypatch):
    """The far end of a terminal that is our stdin."""
    far, near = pty.openpty()
    with os.fdopen(near) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield far
    os.close(far)


def test_a_key_comes_without_return(terminal):
    with keys_at_once() as pressed:
        os.write(terminal, b"q")
        assert pressed(10) == "q"


def test_no_key_is_an_empty_answer(terminal):
    with keys_at_once() as pressed:
        assert pressed(0.01) == ""


def test_the_terminal_is_left_as_it_was(terminal):
    before = termios.tcgetattr(sys.stdin)
    with keys_at_once():
        assert termios.tcgetattr(sys.stdin) != before
    assert termios.tcgetattr(sys.stdin) == before


def test_where_stdin_is_no_terminal_it_only_waits(monkeypatch, tmp_path):
    (tmp_path / "empty").touch()
    with (tmp_path / "empty").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        with keys_at_once() as pressed:
            assert pressed(0.01) == ""
