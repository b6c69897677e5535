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
LOOK_SECONDS: Final = 1.0
EXIT_STATUS: Final = 70
"""EX_SOFTWARE of sysexits.h: the supervisor starts another process."""

_log = logging.getLogger("worker.queue")


def _exit() -> None:
    os._exit(EXIT_STATUS)


class Watchdog:
    """`watch` runs on the loop; `start` starts the thread."""

    def __init__(
        self, stall_seconds: float = STALL_SECONDS, on_stall: Callable[[], None] = _exit
    ) -> None:
        self._stall_seconds = stall_seconds
        self._look_seconds = min(LOOK_SECONDS, stall_seconds / 3)
        self._on_stall = on_stall
        self._mark = time.monotonic()
        self._done = threading.Event()

    def start(self) -> None:
        """Begin to look."""
        threading.Thread(target=self._look, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._done.set()

    async def watch(self) -> None:
        """Renew the mark for as long as the loop turns."""
        while True:
            self._mark = time.monotonic()
            await asyncio.sleep(self._look_seconds)

    def _look(self) -> None:
        looked = self._mark = time.monotonic()
        while not self._done.wait(self._look_seconds):
            now = time.monotonic()
            if now - looked > self._look_seconds * 3:
                self._mark = now
            looked = now
            if now - self._mark > self._stall_seconds:
                _log.critical("event_loop_stalled")
                self._on_stall()
                return
