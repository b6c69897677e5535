"""Where a worker process counts: memory-mapped files of a directory that all of them share.

prometheus_client's multi-process mode, with a slot in the place of the process id: the process that
replaces a dead one opens the same files and counts on, so that a counter never falls, not even
after kill -9. Three things are added to it:

 - Room is allocated before a file is mapped. A mapped file with holes on a full disk kills the
   process that writes to it (SIGBUS); without room it counts for itself alone, and says so.
 - Files that somebody has removed are made again, with what they held.
 - A file has its room and its contents before it has its name: a scrape may read it at once.
"""

import json
import logging
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from worker.telemetry.exemplars import ExemplarFile, values_with_exemplars

_KINDS: Final = ("counter", "histogram", "gauge_livesum")
_ROOM_BYTES: Final = 1 << 18
"""Of each file; all metrics of ours, every label, take half of it (tests/telemetry)."""

_log = logging.getLogger("worker.telemetry.shared_values")


class SharedValues:
    """The files of one slot. A slot must never be used by two live processes."""

    def __init__(self, directory: Path, slot: int) -> None:
        self._directory = directory
        self._slot = slot
        self._generation = _last_generation(directory, slot)
        self._files: dict[str, int] = {}
        self._exemplars: ExemplarFile | None = None

    def begin(self) -> None:
        """Count into the files from now on; before the first metric is made.

        prometheus_client picks its storage when it is imported, from the environment. So the choice
        is made anew here, at the module attribute that every metric looks up.
        """
        try:
            self._open_files({})
        except OSError as error:
            values.ValueClass = values.MutexValue
            _log.warning("metrics_not_shared", extra={"reason": str(error)})
            return
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self._directory)
        self._exemplars = ExemplarFile(self._directory / f"exemplars_{self._slot}")
        shared = values.MultiProcessValue(self._identifier)
        values.ValueClass = values_with_exemplars(shared, self._exemplars.put)

    def keep(self) -> None:
        """Make the files again where they are gone; once in a while. Raises OSError."""
        if self._exemplars is None:
            return
        if not all(os.fstat(file).st_nlink for file in self._files.values()):
            self._make_again()
        self._exemplars.keep()

    def _make_again(self) -> None:
        old = self._files
        contents = {kind: os.pread(file, os.fstat(file).st_size, 0) for kind, file in old.items()}
        self._open_files(contents, self._generation + 1)
        # From here on the library opens its files anew: they have another name.
        self._generation += 1
        for file in old.values():
            os.close(file)

    def _open_files(self, contents: dict[str, bytes], generation: int | None = None) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        files: dict[str, int] = {}
        try:
            for kind in _KINDS:
                path = self._directory / f"{kind}_{self._identifier(generation)}.db"
                files[kind] = _open_whole(path, contents.get(kind, b""))
        except OSError:
            for file in files.values():
                os.close(file)
            raise
        self._files = files

    def _identifier(self, generation: int | None = None) -> str:
        number = self._generation if generation is None else generation
        return f"{self._slot}.{number}" if number else str(self._slot)


def forget_gauges(directory: Path, slot: int) -> None:
    """Drop what a dead process had in flight; its counters stay. For the supervisor."""
    for name in (f"gauge_live*_{slot}.db", f"gauge_live*_{slot}.*.db"):
        for file in directory.glob(name):
            with suppress(OSError):  # a file system that was made read-only, after an error say
                file.unlink()


def _last_generation(directory: Path, slot: int) -> int:
    names = (file.stem.rpartition(".")[2] for file in directory.glob(f"counter_{slot}.*.db"))
    return max((int(name) for name in names if name.isdigit()), default=0)


def _open_whole(path: Path, contents: bytes) -> int:
    new = path if path.exists() and _is_readable(path) else path.with_suffix(".new")
    file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _allocate(file)
        os.pwrite(file, contents, 0)
        new.replace(path)
    except OSError:
        os.close(file)
        raise
    return file


def _is_readable(path: Path) -> bool:
    try:
        (used,) = struct.unpack_from("i", path.read_bytes())
        readable = used >= 0 and all(
            json.loads(key) for key, *_ in MmapedDict.read_all_values_from_file(path)
        )
    except (OSError, RuntimeError, ValueError, struct.error):  # a disk that lost what it held, say
        readable = False
    if not readable:
        _log.error("metrics_lost", extra={"path": str(path)})
    return readable


def _allocate(file: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, _ROOM_BYTES)
    elif os.fstat(file).st_size < _ROOM_BYTES:  # macOS
        os.pwrite(file, bytes(_ROOM_BYTES - os.fstat(file).st_size), os.fstat(file).st_size)
