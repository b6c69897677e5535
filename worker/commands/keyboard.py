"""One key at a time, for a command that redraws its page until a person ends it."""

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def keys_at_once() -> Iterator[Callable[[float], str]]:
    """Give a function that waits some seconds at most for a key: the terminal sends each at once.

    Where stdin is no terminal it only waits.
    """
    if not sys.stdin.isatty():
        yield _wait
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        yield (
            lambda seconds: (
                os.read(terminal, 1).decode("ascii", "replace")
                if select.select([terminal], [], [], seconds)[0]
                else ""
            )
        )
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _wait(seconds: float) -> str:
    time.sleep(seconds)
    return ""
