"""Ended requests leave the embedded server's append-only file; what is torn stops no start.

The file holds every write since it was last rewritten, so also requests that have ended, with their
passwords. Redis itself rewrites it only once it has doubled. So it is rewritten while requests end:
at most once a minute, and for at most a twentieth of the time, however much is stored.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Final

import redis

PAUSE_SECONDS: Final = 60.0
REWRITE_SHARE: Final = 0.05
"""Of the time, at most. With 10,000 results of 5 kB a rewrite takes 0.7 s and holds Redis up for
16 ms, with 100,000 13 s and 60 ms (two busy cores): then it is done every four minutes.
"""

CHUNK_BYTES: Final = 64 * 1024

LAST_REWRITE_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.01

_BEGIN: Final = re.compile(rb"\*([1-9]\d{0,9})\r\n(?=[$\0]|\Z)|#TS:\d+\r\n")
_LATER_BEGIN: Final = re.compile(rb"(?<=[\0\n])(?:%b)" % _BEGIN.pattern)
_PART: Final = re.compile(rb"\$(\d{1,10})\r\n")
_FIRST_LINE_TORN: Final = re.compile(rb"\0*(?:\*\d*\r?|#[TS:\d]*\r?)?\0*")
_MULTI: Final = b"*1\r\n$5\r\nMULTI\r\n"
_EXEC: Final = b"*1\r\n$4\r\nEXEC\r\n"


class AppendOnlyFile:
    """The file of the server behind `client`. Where that is away or busy, the next look comes."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.monotonic) -> None:
        """The first look rewrites what a server before this one left behind."""
        self._client = client
        self._clock = clock
        self._deletions = -1
        self._not_before = 0.0
        self._has_hole = False

    def look(self) -> bool:
        """Rewrite the file where it is of use; tell whether it was begun.

        That is where requests have ended and it is time, and once a full disk has room again: the
        server has left a hole, and would cut off what it confirmed if the disk were full once more.
        """
        with suppress(redis.RedisError):
            facts: dict[str, Any] = self._client.info("persistence")
            if facts["aof_last_write_status"] != "ok":
                self._has_hole = True
            elif not facts["aof_rewrite_in_progress"]:
                return self._rewrite_if_of_use(facts)
        return False

    def clear(self) -> None:
        """Rewrite it before the server ends, if that does not take too long."""
        deadline = time.monotonic() + LAST_REWRITE_SECONDS
        with suppress(redis.RedisError):
            self._client.bgrewriteaof()
            while self._is_rewritten_now() and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)

    def _rewrite_if_of_use(self, facts: dict[str, Any]) -> bool:
        if self._clock() < self._not_before and not self._has_hole:
            return False
        deletions = self._count_deletions()
        # One that failed, on a full disk say, has taken nothing out.
        done = deletions == self._deletions and facts["aof_last_bgrewrite_status"] == "ok"
        if done and not self._has_hole:
            return False
        self._client.bgrewriteaof()
        self._deletions, self._has_hole = deletions, False
        last_took = max(0, facts["aof_last_rewrite_time_sec"])  # -1: never
        self._not_before = self._clock() + max(PAUSE_SECONDS, last_took / REWRITE_SHARE)
        return True

    def _count_deletions(self) -> int:
        """Every end of a request is one of these: `finish` deletes it, or it expires."""
        commands: dict[str, Any] = self._client.info("commandstats")
        expired: int = self._client.info("stats")["expired_keys"]
        deleted: int = commands.get("cmdstat_del", {}).get("calls", 0)
        return deleted + expired

    def _is_rewritten_now(self) -> bool:
        facts: dict[str, Any] = self._client.info("persistence")
        return bool(facts["aof_rewrite_in_progress"] or facts["aof_rewrite_scheduled"])


def drop_unfinished(folder: Path) -> None:
    """Remove what a server began to write and did not live to end: what it holds is elsewhere, too.

    A server that is killed while it rewrites leaves such a file, with the requests of that moment,
    and no later one removes it. No server may run. Raises OSError.
    """
    for file in folder.glob("temp-*"):
        file.unlink(missing_ok=True)


def cut_zeros(folder: Path) -> int:
    """Cut off the zeros at the end of the newest file; return how many.

    A machine that loses power while the file grows may leave them. The server itself drops a
    command that is not whole, but ends at its start where it finds zeros. A whole command ends
    with CRLF, so nothing that can be read is lost. No server may run. Raises OSError.
    """
    newest = max(folder.glob("appendonlydir/*.incr.aof"), key=_number, default=None)
    if newest is None:
        return 0
    with newest.open("r+b") as file:
        size = end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - CHUNK_BYTES)
            file.seek(start)
            kept = file.read(end - start).rstrip(b"\0")
            end = start + len(kept)
            if kept:
                break
        file.truncate(end)
    return size - end


def close_holes(folder: Path) -> int:
    """Take out the zeros between commands, and what is torn; return how many bytes that were.

    A server whose disk was full cuts off what it could not write whole, and writes on at its old
    place; full once more, it cuts off too much, and a torn command stands before the next zeros. It
    ends at its start where it finds zeros, and where a file before the newest ends torn, as a loss
    of power in a rewrite leaves it. No server may run. Raises OSError.
    A file that is damaged otherwise stays as it is: the server says what is wrong with it.
    """
    closed = 0
    files = sorted(folder.glob("appendonlydir/*.incr.aof"), key=_number)
    for file in files:
        with suppress(ValueError):
            if _has_hole(file) or (file is not files[-1] and _is_torn(file)):
                closed += _close_holes_of(file, folder / "temp-without-holes.aof")
    return closed


def _has_hole(file: Path) -> bool:
    with file.open("rb") as stream:
        before = b"\r\n"  # at the start, too: a new file whose first write met a full disk
        while chunk := stream.read(CHUNK_BYTES):
            if b"\r\n\0" in before + chunk:
                return True
            before = chunk[-2:]
    return False


def _is_torn(file: Path) -> bool:
    return sum(map(len, _whole_commands(file))) < file.stat().st_size


def _close_holes_of(file: Path, whole: Path) -> int:
    with whole.open("wb") as sink:
        sink.writelines(_whole_commands(file))
        sink.flush()
        os.fsync(sink.fileno())
    closed = file.stat().st_size - whole.stat().st_size
    whole.replace(file)
    return closed


def _whole_commands(file: Path) -> Iterator[bytes]:
    """Each command as the server wrote it, those of a transaction together. Raises ValueError."""
    if not file.stat().st_size:
        return  # mmap takes no empty file
    transaction: list[bytes] = []
    with file.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as octets:
        for command in _commands(octets, stream.fileno()):
            if command is None:
                transaction.clear()
            elif transaction or command == _MULTI:
                transaction.append(command)
                if command == _EXEC:
                    yield b"".join(transaction)
                    transaction.clear()
            else:
                yield command


def _commands(octets: mmap, descriptor: int) -> Iterator[bytes | None]:
    """Each that is whole, remarks (`#`) too; None for zeros and for what they or the end cut off.

    No zeros are within a transaction: it is written at one go. Raises ValueError for other damage.
    """
    at, torn = 0, False
    while begin := _BEGIN.match(octets, at) or _later_begin(octets, descriptor, at):
        if begin.start() > at:
            yield None
        end = _end_of(octets, begin)
        yield None if end is None else octets[begin.start() : end]
        torn = end is None
        at = end or begin.end()
    if not torn and not _FIRST_LINE_TORN.fullmatch(octets, at):
        raise ValueError(at)


def _later_begin(octets: mmap, descriptor: int, at: int) -> re.Match[bytes] | None:
    """Of the first command after zeros. Raises ValueError for one after anything else.

    What the file system knows to be zeros is not read: a server whose disk is full tries again many
    times a second, each time further on, which makes terabytes; a tmpfs would store what is read.
    """
    while at < len(octets):
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError:  # ENXIO: there are only zeros
            return None
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        if start > at and (begin := _BEGIN.match(octets, start, end)):
            return begin
        if begin := _LATER_BEGIN.search(octets, start + 1, end):
            if octets[begin.start() - 1]:
                raise ValueError(start)
            return begin
        at = end
    return None


def _end_of(octets: mmap, begin: re.Match[bytes]) -> int | None:
    """Of the command that begins there; None where it is torn."""
    end = begin.end()
    for _ in range(int(begin[1] or 0)):
        part = _PART.match(octets, end)
        if part is None:
            return None
        end = part.end() + int(part[1]) + len(b"\r\n")
        if octets[end - 2 : end] != b"\r\n":
            return None
    return end if octets[end : end + 1] in {b"", b"*", b"#", b"\0"} else None


def _number(file: Path) -> int:
    """`appendonly.aof.7.incr.aof`: 7."""
    number = file.name.split(".")[-3]
    return int(number) if number.isdecimal() else -1
