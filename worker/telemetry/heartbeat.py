"""The heartbeat of each worker process: what its event loop sends, and what is read of it.

A supervisor hears its children through a pipe, which needs no file: no full disk and no job that
tidies up can stop it. Under Dramatiq's own command there is no supervisor of ours: there the
processes renew the time of a file, and a process that ends well takes its file away.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

BEAT_SECONDS: Final = 1.0
STUCK_SECONDS: Final = 15.0
"""Without a beat: unhealthy. Half of what it takes until the process is replaced."""

BOOT_SECONDS: Final = 30.0
"""For so long a process that has never beaten counts as starting, not as stuck."""

_FILE_PREFIX: Final = "heartbeat_"
_log = logging.getLogger("worker.telemetry.heartbeat")


class Heartbeat(NamedTuple):
    """`age_seconds`: since the last beat; where `has_beaten` is False, since the start."""

    slot: str
    age_seconds: float
    has_beaten: bool

    @property
    def is_alive(self) -> bool:
        """Its loop turns."""
        return self.has_beaten and self.age_seconds < STUCK_SECONDS

    @property
    def is_stuck(self) -> bool:
        """Its loop should turn and does not."""
        return self.age_seconds > (STUCK_SECONDS if self.has_beaten else BOOT_SECONDS)


Beat = Callable[[], None]


def beat_into(pipe: int) -> None:
    """Beat into the pipe of a supervisor; a full one tells as much as one more beat would."""
    with suppress(BlockingIOError, BrokenPipeError):
        os.write(pipe, b".")


class FileBeat:
    """Beats by the time of `heartbeat_<slot>` in a directory."""

    def __init__(self, directory: Path, slot: int) -> None:
        self._file = directory / f"{_FILE_PREFIX}{slot}"

    def __call__(self) -> None:
        """Beat; the directory is made again where it is gone."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file.touch()

    def end(self) -> None:
        """The process ends well: its heartbeat is missed by nobody."""
        self._file.unlink(missing_ok=True)


def read_files(directory: Path) -> list[Heartbeat]:
    """The heartbeats of a directory."""
    now = time.time()
    beats = []
    for file in sorted(directory.glob(f"{_FILE_PREFIX}*")):
        with suppress(FileNotFoundError):  # its process has just ended well
            age = max(0.0, now - file.stat().st_mtime)
            beats.append(Heartbeat(file.name.removeprefix(_FILE_PREFIX), age, has_beaten=True))
    return beats


async def keep_up(duties: Sequence[Beat], observe_lag: Callable[[float], None]) -> None:
    """Call each duty once a second, on the loop that runs the jobs; tell how late, in seconds.

    A duty that fails (a full disk) is logged once, and called again.
    """
    loop = asyncio.get_running_loop()
    failed: set[Beat] = set()
    while True:
        for duty in duties:
            try:
                duty()
                failed.discard(duty)
            except Exception:  # noqa: BLE001 - no heartbeat and no file may end a job
                if duty not in failed:
                    failed.add(duty)
                    _log.warning("duty_failed", exc_info=True)
        due = loop.time() + BEAT_SECONDS
        await asyncio.sleep(BEAT_SECONDS)
        observe_lag(loop.time() - due)
