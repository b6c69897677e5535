"""Repairs the embedded server's append-only file after a full disk or a loss of power."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

CHUNK_BYTES: Final = 64 * 1024

_BEGIN: Final = re.compile(rb"\*([1-9]\d{0,9})\r\n|#TS:\d{1,20}\r\n")
_PART: Final = re.compile(rb"\$(\d{1,10})\r\n")
_TORN_LINE: Final = re.compile(rb"(?:[*$]\d{0,10}|#[TS:\d]{0,23})?\r?")
_LINE_BYTES: Final = 32
_CRLF: Final = b"\r\n"
_MULTI: Final = b"*1\r\n$5\r\nMULTI\r\n"
_EXEC: Final = b"*1\r\n$4\r\nEXEC\r\n"


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
    if shutil.disk_usage(file.parent).free < file.stat().st_blocks * 512:  # see stat(2)
        # Not tried: it would fill the disk for everybody, and so again at each start.
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
    with whole.open("wb") as sink:
        sink.writelines(_whole_commands(file))
        sink.flush()
        os.fsync(sink.fileno())
    closed = file.stat().st_size - whole.stat().st_size
    whole.replace(file)
    return closed


def _whole_commands(file: Path) -> Iterator[bytes]:
    """Yield each whole command or transaction as the server wrote it. Raises ValueError."""
    transaction: list[bytes] = []
    # Not mapped into memory: to read zeros that take no room is SIGBUS on a tmpfs that is full.
    with file.open("rb") as stream:
        for command in _commands(stream):
            if command is None:
                transaction.clear()
            elif transaction or command == _MULTI:
                transaction.append(command)
                if command == _EXEC:
                    yield b"".join(transaction)
                    transaction.clear()
            else:
                yield command


def _commands(stream: BufferedReader) -> Iterator[bytes | None]:
    """Yield each whole command, annotations (`#`) too; None for zeros, and for what they cut off.

    The zeros reach to the end of what they cut off, or further: the server wrote on behind it. So
    what looks like a command within a value is never taken for one. No zeros are within a
    transaction: it is written at one go. Raises ValueError for other damage.
    """
    while stream.peek(1):
        start = stream.tell()
        if _skip_command(stream):
            end = stream.tell()
            stream.seek(start)
            yield stream.read(end - start)
        else:
            _skip_zeros(stream)
            yield None


def _skip_command(stream: BufferedReader) -> bool:
    """Go to the end of a command; False: to where it is torn."""
    begin = _skip_line(stream, _BEGIN)
    return begin is not None and all(_skip_part(stream) for _ in range(int(begin[1] or 0)))


def _skip_part(stream: BufferedReader) -> bool:
    size = _skip_line(stream, _PART)
    if size is None:
        return False
    stream.seek(int(size[1]), os.SEEK_CUR)
    end = stream.read(len(_CRLF))
    written = end.rstrip(b"\0")
    if not _CRLF.startswith(written):
        raise ValueError(end)
    stream.seek(len(written) - len(end), os.SEEK_CUR)
    return end == _CRLF


def _skip_line(stream: BufferedReader, form: re.Pattern[bytes]) -> re.Match[bytes] | None:
    start = stream.tell()
    line = stream.readline(_LINE_BYTES)
    if match := form.fullmatch(line):
        return match
    written = line.partition(b"\0")[0]
    if not _TORN_LINE.fullmatch(written):
        raise ValueError(line)
    stream.seek(start + len(written))
    return None


def _skip_zeros(stream: BufferedReader) -> None:
    """Go behind zeros. Holes of the file system are not read: they may be terabytes.

    A server whose disk is full tries again many times a second, each time further on.
    """
    while stream.peek(1):
        try:
            stream.seek(stream.tell(), os.SEEK_DATA)
        except OSError:  # ENXIO: there are only zeros
            stream.seek(0, os.SEEK_END)
        octets = stream.read(CHUNK_BYTES)
        if written := octets.lstrip(b"\0"):
            stream.seek(-len(written), os.SEEK_CUR)
            return


def _number(file: Path) -> int:
    """`appendonly.aof.7.incr.aof`: 7."""
    number = file.name.split(".")[-3]
    return int(number) if number.isdecimal() else -1
