"""The pulse of each worker process: a file that its event loop renews, that the supervisor reads.

A file's time is the simplest thing that two processes can share and kill -9 cannot spoil. A process
that ends well takes its file away; one that was killed leaves it to grow old until its replacement
renews it. So an old file always means: a loop that does not turn, or a process nobody replaced.
"""

import asyncio
import time
from pathlib import Path
from typing import Final

BEAT_SECONDS: Final = 1.0
STUCK_SECONDS: Final = 15.0
"""Half of what the queue's own watchdog waits before it ends a stuck process."""

_PREFIX: Final = "pulse_"


class Pulse:
    """What a worker process does: renew `pulse_<slot>` in the directory of its metrics."""

    def __init__(self, directory: Path, slot: int) -> None:
        self._file = directory / f"{_PREFIX}{slot}"

    async def beat(self) -> None:
        """Run on the loop that runs the jobs, until cancelled; then the process ends well."""
        try:
            while True:
                self._file.touch()
                await asyncio.sleep(BEAT_SECONDS)
        finally:
            self._file.unlink(missing_ok=True)


def pulses(directory: Path) -> dict[str, float]:
    """Seconds since each process' last beat, by slot."""
    now = time.time()
    ages = {}
    for file in directory.glob(f"{_PREFIX}*"):
        try:
            ages[file.name.removeprefix(_PREFIX)] = now - file.stat().st_mtime
        except FileNotFoundError:  # Its process has just ended well.
            continue
    return ages


def forget_pulses(directory: Path) -> None:
    """For the supervisor, before its first child."""
    for file in directory.glob(f"{_PREFIX}*"):
        file.unlink(missing_ok=True)
