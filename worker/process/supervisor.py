"""Keeps N worker processes running: `mailvouch-worker run`.

Processes are started anew (spawn), not forked: each is the same command with an interpreter of its
own, so that one can die in any way without harm to the others. Only the main thread may use this:
it owns the signals, and the kernel ties a child's life to the thread that started it.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Final

from worker.queue.signals import STOP_SIGNALS, stop_signals

KILL_MARGIN_SECONDS: Final = 20.0
"""Beyond the drain: a worker cancels and gives back within 10 s."""

HEALTHY_SECONDS: Final = 10.0
"""Who lived that long is started again at once."""

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 15.0

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_log = logging.getLogger("worker.queue")


Signals = SimpleQueue[int]


@contextmanager
def noted_signals(signals: Signals) -> Iterator[None]:
    """Note the signals to stop, and those of a child's end, instead of dying of them.

    Around more than the run it keeps what is to be tidied up from being left behind: a server that
    was just started, or is just being stopped.
    """

    def note(number: int, _frame: FrameType | None) -> None:
        # Called between any two instructions: a SimpleQueue bears that, a lock would not.
        signals.put(number)

    noted = (*stop_signals(), signal.SIGCHLD, signal.SIGUSR1)
    before = {number: signal.signal(number, note) for number in noted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(slots=True)
class _Slot:
    """The place of one process."""

    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    failures: int = 0


class Supervisor:
    """Runs `command(slot)` for each slot from 0 to `processes` - 1.

    `on_exit(slot)` hears of each process that ends, `on_stop()` of the signal to stop, before it is
    passed on. `signals` holds what `noted_signals` has heard before the run.
    """

    def __init__(
        self,
        command: Callable[[int], Sequence[str]],
        processes: int,
        *,
        shutdown_seconds: float,
        on_exit: Callable[[int], None] | None = None,
        on_stop: Callable[[], None] | None = None,
        signals: Signals | None = None,
    ) -> None:
        self._command = command
        self._slots = [_Slot() for _ in range(processes)]
        self._kill_seconds = shutdown_seconds + KILL_MARGIN_SECONDS
        self._on_exit = on_exit
        self._on_stop = on_stop
        self._events = SimpleQueue() if signals is None else signals
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        """Run until a signal to stop; 0 where every process ended well then."""
        with noted_signals(self._events):
            while not self._stopping:
                self._start_due()
                self._wait(self._next_start())
            self._drain()
        return self._status

    def _wait(self, until: float | None) -> None:
        """Sleep until a signal comes; see who has ended."""
        try:
            seconds = None if until is None else max(0.0, until - time.monotonic())
            number = self._events.get(timeout=seconds)
        except Empty:
            return
        if number in STOP_SIGNALS:
            self._stopping = True
        elif number == signal.SIGUSR1:
            self._pass_on(signal.SIGUSR1)
        self._collect()

    def _start_due(self) -> None:
        now = time.monotonic()
        for number, slot in enumerate(self._slots):
            if slot.process is None and slot.start_at <= now:
                slot.process = _spawn(list(self._command(number)))
                slot.started_at = now

    def _next_start(self) -> float | None:
        return min((slot.start_at for slot in self._slots if slot.process is None), default=None)

    def _collect(self) -> None:
        for number, slot in enumerate(self._slots):
            process = slot.process
            if process is None or (status := process.poll()) is None:
                continue
            slot.process = None
            self._judge(slot, status)
            if self._on_exit is not None:
                self._on_exit(number)

    def _judge(self, slot: _Slot, status: int) -> None:
        # A child that is so young that it has no handler yet dies of the signal: it has no job.
        if self._stopping:
            if status not in (0, -signal.SIGTERM):
                self._status = 1
            return
        now = time.monotonic()
        healthy = now - slot.started_at >= HEALTHY_SECONDS
        slot.failures = 0 if healthy else slot.failures + 1
        slot.start_at = now if healthy else now + _pause(slot.failures)
        _log.error("worker_process_ended", extra={"status": status, "failures": slot.failures})

    def _drain(self) -> None:
        """Pass the signal on, once; whoever got it already takes no notice."""
        deadline = time.monotonic() + self._kill_seconds
        if self._on_stop is not None:
            self._on_stop()
        self._pass_on(signal.SIGTERM)
        while self._alive() and time.monotonic() < deadline:
            self._wait(deadline)
        for process in self._alive():
            _log.error("worker_process_killed", extra={"pid": process.pid})
            process.kill()
            process.wait()
        self._collect()

    def _pass_on(self, number: int) -> None:
        for process in self._alive():
            process.send_signal(number)

    def _alive(self) -> list[subprocess.Popen[bytes]]:
        return [slot.process for slot in self._slots if slot.process is not None]


def _pause(failures: int) -> float:
    longest: float = FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 10)
    return min(longest, LONGEST_PAUSE_SECONDS)


def _spawn(argv: list[str]) -> subprocess.Popen[bytes]:
    if sys.platform != "linux":
        return subprocess.Popen(argv)  # noqa: S603 - our own command
    libc, parent = ctypes.CDLL(None, use_errno=True), os.getpid()

    def die_with_parent() -> None:
        """A supervisor that is killed cannot pass anything on: its workers drain by themselves."""
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(0)

    # Runs between fork and exec; all that it needs was loaded before.
    return subprocess.Popen(argv, preexec_fn=die_with_parent)  # noqa: S603, PLW1509 - see above
