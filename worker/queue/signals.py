"""Signals as something that the main thread waits for, whichever thread the kernel gives them to.

A Python handler runs in the main thread only, between two of its instructions. Where the kernel
hands the signal to another thread (it does when the main thread has one pending already, as after
SIGSTOP and SIGCONT) nothing wakes a main thread that sleeps on a lock: the handler runs never.
`signal.set_wakeup_fd` wakes it in each case: the byte is written by the C handler, in any thread.
"""

import os
import select
import signal
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Final

STOP_SIGNALS: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})

_HELD: Final = STOP_SIGNALS | {signal.SIGUSR1}
_READ_BYTES: Final = 4096
_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def stop_signals() -> frozenset[int]:
    """Name the signals that ask for a drain. SIGHUP, a terminal that closes, not under `nohup`."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return STOP_SIGNALS - {signal.SIGHUP} if ignored else STOP_SIGNALS


def hold_signals() -> None:
    """Keep signals pending until there are handlers for them (`SignalWatch`).

    The mask is inherited: a child that is spawned meanwhile cannot die of a signal before its first
    line, nor print a traceback of an import that ctrl-c has broken off.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)


def release_signals() -> None:
    """Let signals through, those that came meanwhile first."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD)


class SignalWatch:
    """Notes `numbers` from now on and for ever; main thread only, one in a process.

    `stopping` from the first signal that asks to stop. Ends what `hold_signals` began.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        # A deque bears that its own append is interrupted by another one; a lock would not.
        self._noted: deque[int] = deque()
        self.stopping = False
        self._reader, self._writer = socket.socketpair()
        for end in (self._reader, self._writer):
            os.set_blocking(end.fileno(), False)
        # A full buffer wakes as well as one byte more would: the numbers are in `_noted`.
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, self._note)
        release_signals()

    def wait(self, seconds: float | None, readable: Sequence[int] = ()) -> list[int]:
        """Sleep until a signal comes, one of the files can be read, or the time is up.

        Returns the signals that came since the last call, in their order.
        """
        poll = select.poll()
        for file in (self._reader.fileno(), *readable):
            poll.register(file, select.POLLIN)
        if not self._noted:
            poll.poll(None if seconds is None else max(0.0, seconds * 1000))
        self._empty()
        return [self._noted.popleft() for _ in range(len(self._noted))]

    def wait_for_stop(self, on_other: Callable[[int], object]) -> None:
        """Sleep until a signal has asked to stop; `on_other` is called with those that do not."""
        while not self.stopping:
            for number in self.wait(None):
                if number not in STOP_SIGNALS:
                    on_other(number)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._noted.append(number)
        self.stopping |= number in STOP_SIGNALS

    def _empty(self) -> None:
        try:
            while self._reader.recv(_READ_BYTES):
                pass
        except BlockingIOError:
            pass


def stop_once() -> None:
    """Take repeated signals for one: Dramatiq's handler ends the process at the second.

    A signal to the group comes twice: from the sender and from Dramatiq's parent process. Its main
    thread looks once a second, so a signal that another thread gets is seen as well.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    seen = False

    def only_first(handler: Callable[[int, FrameType | None], object]) -> None:
        def once(signum: int, frame: FrameType | None) -> None:
            nonlocal seen
            if not seen:
                seen = True
                handler(signum, frame)

        signal.signal(number, once)

    for number in (signal.SIGTERM, signal.SIGHUP):
        handler = signal.getsignal(number)
        if callable(handler):
            only_first(handler)


def ignore_stop_signals() -> None:
    """For the very end: Python gives up its handlers before it exits, and a late signal kills.

    What is ignored stays ignored to the last instruction.
    """
    if threading.current_thread() is threading.main_thread():
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)


def die_with_parent(parent: int) -> bool:
    """Have the kernel send SIGTERM when the parent dies, which could not pass it on (Linux only).

    False where it is gone already.
    """
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - not for every process that waits for a signal

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    return os.getppid() == parent
