"""Ctrl-c where the main thread cannot hear it: in a look-up, which may hang for 20 s."""

import os
import signal
import socket
import termios
import threading
import time
from contextlib import suppress
from typing import Final

EXIT_INTERRUPTED: Final = 130
"""128 and the number of SIGINT, as shells write it."""

GRACE_SECONDS: Final = 1.0
"""A command that hears of it has ended by then, with a word of its own."""

_SIGNALS_AT_ONCE: Final = 64
_END_OF_PAGE: Final = b"\x1b[?1047l\x1b[?25h"
"""For a terminal (xterm's control sequences): no second screen, a cursor that is seen."""


def end_when_interrupted() -> None:
    """Have a thread end the process soon after ctrl-c, where the main thread has not.

    The signal's byte is written by the C handler. Whoever sets a wakeup file of their own, as loops
    and `SignalWatch` do, hears each signal themselves.
    """
    reader, writer = socket.socketpair()
    os.set_blocking(writer.fileno(), False)
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    watch = threading.Thread(target=_watch, args=(reader, _modes()), daemon=True)
    with suppress(RuntimeError):  # no thread is allowed: then ctrl-c may take its time
        watch.start()


def _watch(reader: socket.socket, modes: list[object] | None) -> None:
    while signal.SIGINT not in reader.recv(_SIGNALS_AT_ONCE):
        pass
    time.sleep(GRACE_SECONDS)
    with suppress(OSError):
        os.write(2, (_END_OF_PAGE if modes else b"") + b"interrupted\n")
    if modes is not None:
        with suppress(termios.error):
            termios.tcsetattr(2, termios.TCSANOW, modes)  # type: ignore[arg-type]
    os._exit(EXIT_INTERRUPTED)


def _modes() -> list[object] | None:
    """How the terminal was set at the start; None: there is none. What is read may be a pipe."""
    try:
        return termios.tcgetattr(2)
    except termios.error:
        return None
