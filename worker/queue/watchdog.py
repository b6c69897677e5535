"""Ends a process whose event loop does not turn: everything else here depends on it.

A thread looks at a mark that the loop renews. A process that was stopped as a whole (SIGSTOP, a
paused machine) is not at fault: then the watchdog itself has slept, and it starts anew.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Final

STALL_SECONDS: Final = 30.0
POLL_SECONDS: Final = 1.0
EXIT_STATUS: Final = 70
"""EX_SOFTWARE of sysexits.h: the supervisor starts another process."""

_log = logging.getLogger("worker.queue")


def _exit() -> None:
    os._exit(EXIT_STATUS)


class Stillness:
    """Tells from times alone whether the loop stands still (seconds of one monotonic clock)."""

    def __init__(self, stall_seconds: float, poll_seconds: float, now: float) -> None:
        self._stall_seconds = stall_seconds
        self._poll_seconds = poll_seconds
        self._turned = self._looked = now

    def turned(self, now: float) -> None:
        self._turned = now

    def is_stalled(self, now: float) -> bool:
        """Look; one look that comes far too late says that the whole process was stopped."""
        if now - self._looked > self._poll_seconds * 3:
            self._turned = now
        self._looked = now
        return now - self._turned > self._stall_seconds


class Watchdog:
    """`watch` runs on the loop; `start` starts the thread."""

    def __init__(
        self, stall_seconds: float = STALL_SECONDS, on_stall: Callable[[], None] = _exit
    ) -> None:
        self._poll_seconds = min(POLL_SECONDS, stall_seconds / 3)
        self._stillness = Stillness(stall_seconds, self._poll_seconds, time.monotonic())
        self._on_stall = on_stall
        self._done = threading.Event()

    def start(self) -> None:
        self._stillness.turned(time.monotonic())
        threading.Thread(target=self._look, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._done.set()

    async def watch(self) -> None:
        """Renew the mark for as long as the loop turns."""
        while True:
            self._stillness.turned(time.monotonic())
            await asyncio.sleep(self._poll_seconds)

    def _look(self) -> None:
        while not self._done.wait(self._poll_seconds):
            if self._stillness.is_stalled(time.monotonic()):
                _log.critical("event_loop_stalled")
                self._on_stall()
                return
