"""The folder in which the processes of one worker share what they count.

It belongs to whoever holds the lock in it: a process id says nothing, in containers it is 1 each
time. A folder whose lock is free was left behind by a worker that was killed, and is cleared. It is
not in the temp directory, where jobs that tidy up take it for forgotten.
"""

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

import structlog

from worker.process.file_locks import locked, open_lock

LEAST_FREE_BYTES: Final = 16 * 1024 * 1024
"""A worker process takes less than one of these megabytes; on a full disk it could not count."""

_LOCK_NAME: Final = "lock"
_SLOT_PREFIX: Final = "slot_"
_log = structlog.get_logger("worker.process.run_directory")


class RunDirectory:
    """One worker's folder. `path` is None where there is nowhere to make one."""

    def __init__(self, parents: Sequence[Path], name: str | None = None) -> None:
        """Make it under the first of `parents` that can be written to.

        `name`: processes that find each other by this name share the folder.
        """
        self.path: Path | None = None
        self._lock: int | None = None
        for parent in parents:
            try:
                self._make_under(parent, name)
            except OSError as error:
                _log.debug("run_directory_refused", path=str(parent), reason=error.strerror)
            else:
                return
        _log.warning("metrics_not_shared", remedy="make MAILVOUCH_DATA_DIR writable")

    def keep(self) -> None:
        """Make it and its lock again where somebody has removed them; once in a while."""
        if self.path is None or self._lock is None or os.fstat(self._lock).st_nlink:
            return
        with suppress(OSError):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = open_lock(self.path / _LOCK_NAME)
            fcntl.flock(lock, fcntl.LOCK_SH)
            os.close(self._lock)
            self._lock = lock

    def close(self) -> None:
        """Remove it, where no other process holds it."""
        if self._lock is None or self.path is None:
            return
        with suppress(OSError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        self._lock = None

    def _make_under(self, parent: Path, name: str | None) -> None:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if parent.stat().st_uid != os.getuid():
            raise PermissionError(errno.EPERM, "belongs to another user")
        if shutil.disk_usage(parent).free < LEAST_FREE_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with locked(parent / _LOCK_NAME):  # one worker at a time makes or clears folders
            _clear_stale(parent.iterdir())
            if name is None:
                path = Path(tempfile.mkdtemp(dir=parent))
            else:
                path = parent / name
                path.mkdir(mode=0o700, exist_ok=True)
            self._lock = open_lock(path / _LOCK_NAME)
            # Inherited by nobody: it ends with this process.
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        self.path = path


def claim_slot(directory: Path) -> int:
    """Take the first slot that no living process has, until this process ends.

    Under Dramatiq's own command nobody gives slots out.
    """
    for slot in count():
        lock = os.open(directory / f"{_SLOT_PREFIX}{slot}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return slot
    raise AssertionError("count() does not end")


def slots_in_use(directory: Path) -> dict[str, int]:
    """The process ids of the slots that living processes have."""
    pids = {}
    for file in directory.glob(f"{_SLOT_PREFIX}*"):
        with suppress(OSError, ValueError), file.open("rb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                pids[file.name.removeprefix(_SLOT_PREFIX)] = int(lock.read())
    return pids


def parents_of(data_dir: Path) -> list[Path]:
    """Where the folder may be, best first."""
    runtime = (os.environ.get(name) for name in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"))
    return [
        data_dir.absolute() / "run",
        *(Path(one) / "mailvouch" for one in runtime if one),
        # Not gettempdir(): that fails where no temp directory can be written to.
        Path(os.environ.get("TMPDIR") or "/tmp", f"mailvouch-{os.getuid()}"),  # noqa: S108 - see the check of its owner
    ]


def _clear_stale(folders: Iterable[Path]) -> None:
    for folder in folders:
        if not folder.is_dir():
            continue
        with suppress(OSError):  # somebody holds it, or it is not ours to remove
            lock = open_lock(folder / _LOCK_NAME)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(lock)
