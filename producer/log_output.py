"""Where log lines go: to stderr, and never waiting for whoever reads it.

A pipe that nobody reads, a terminal that is held (ctrl-s) or a log daemon that hangs stops a
process that writes to it, with all jobs, and even its drain. So a line that does not fit waits in
memory, up to a limit; beyond it lines are dropped and counted, and a line says so once there is
room again.

The file behind stderr is shared with other processes, so it cannot be made non-blocking in place: a
pipe or a terminal is opened anew, a socket is asked call by call, a regular file never blocks.
"""

import errno
import io
import logging
import os
import select
import socket
import stat
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

MAX_WAITING_BYTES: Final = 1 << 20
CLOSE_SECONDS: Final = 1.0
_MESSAGE_HEAD_BYTES: Final = 16
"""More than multiprocessing's connections put before a message."""

Write = Callable[[bytes], int]
"""Write what fits now; returns how much. Raises BlockingIOError where nothing does."""


class LogOutput(logging.Handler):
    """A handler of the standard library's logging; one in a process."""

    def __init__(self, write: Write, encoding: str = "utf-8") -> None:
        super().__init__()
        self.dropped = 0
        self._write = write
        self._encoding = encoding
        self._count: Callable[[int], None] | None = None
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._unsaid = 0
        self._broken = False

    def count_with(self, count: Callable[[int], None]) -> None:
        """Tell `count` of each dropped line."""
        self._count = count

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line, or keep it, or drop it; never raises, never waits."""
        try:
            line = self._line(record)
        except Exception:  # noqa: BLE001 - a line that cannot be made must not end a job
            self._drop()
            return
        self._write_waiting()
        if self._waiting_bytes + len(line) > MAX_WAITING_BYTES:
            self._drop()
            return
        if self._unsaid and not self._waiting:
            self._say_how_many()
        self._wait(line)
        self._write_waiting()

    def flush(self) -> None:
        """Write what waits, as far as it goes without waiting."""
        self.acquire()
        try:
            self._write_waiting()
            if self._unsaid and not self._waiting and not self._broken:
                self._say_how_many()
                self._write_waiting()
        finally:
            self.release()

    def close(self) -> None:
        """Give a slow reader a moment for the last lines."""
        end = time.monotonic() + CLOSE_SECONDS
        self.flush()
        while self._waiting and time.monotonic() < end:
            time.sleep(0.01)
            self.flush()
        super().close()

    def _line(self, record: logging.LogRecord) -> bytes:
        return (self.format(record) + "\n").encode(self._encoding, "backslashreplace")

    def _wait(self, line: bytes) -> None:
        self._waiting.append(line)
        self._waiting_bytes += len(line)

    def _write_waiting(self) -> None:
        while self._waiting:
            line = self._waiting[0]
            try:
                written = self._write(line)
            except BlockingIOError:
                return
            except OSError:  # nobody will ever read it: closed, or a terminal that is gone
                self._waiting.popleft()
                self._waiting_bytes -= len(line)
                self._broken = True
                self._drop()
                continue
            self._broken = False
            self._waiting_bytes -= written
            if written < len(line):
                self._waiting[0] = line[written:]
                return
            self._waiting.popleft()

    def _drop(self) -> None:
        self.dropped += 1
        self._unsaid += 1
        if self._count is not None:
            self._count(1)

    def _say_how_many(self) -> None:
        count, self._unsaid = self._unsaid, 0
        record = logging.LogRecord(
            "producer.log_output", logging.WARNING, "", 0, "log_lines_dropped", (), None
        )
        record.count = count
        with suppress(Exception):
            self._wait(self._line(record))


def writer_of(file: int) -> Write:
    """A way to write to a file of this process without waiting."""
    kind = os.fstat(file).st_mode
    if stat.S_ISSOCK(kind):
        return lambda data: _send(file, data)
    if stat.S_ISREG(kind):
        return lambda data: os.write(file, data)
    if stat.S_ISFIFO(kind) or os.isatty(file):
        with suppress(OSError):  # another user's terminal; no /proc
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            anew = os.open(f"/proc/self/fd/{file}", flags)
            return lambda data: os.write(anew, data)
    return lambda data: _write_if_ready(file, data)


def writer_to(stream: TextIO) -> Write:
    """A way to write to a stream that is no file of the system's, or wraps one.

    Dramatiq's command gives its processes a pipe of messages for stderr: what goes into one message
    is written at once, and fits where the pipe is writable at all.
    """
    try:
        file = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return lambda data: _write_text(stream, data)
    if isinstance(stream, io.IOBase):
        return writer_of(file)
    return lambda data: _write_message(stream, file, data)


def _write_text(stream: TextIO, data: bytes) -> int:
    stream.write(data.decode())
    stream.flush()
    return len(data)


def _write_message(stream: TextIO, file: int, data: bytes) -> int:
    _require_ready(file)
    end = min(len(data), select.PIPE_BUF - _MESSAGE_HEAD_BYTES)
    while end < len(data) and data[end] & 0xC0 == 0x80:  # in the middle of a character
        end -= 1
    stream.write(data[:end].decode(errors="replace"))
    return end


def _send(file: int, data: bytes) -> int:
    connection = socket.socket(fileno=file)
    try:
        return connection.send(data, socket.MSG_DONTWAIT)
    finally:
        connection.detach()  # the file is not ours to close


def _write_if_ready(file: int, data: bytes) -> int:
    """For a file that cannot be opened anew."""
    _require_ready(file)
    return os.write(file, data[: select.PIPE_BUF])


def _require_ready(file: int) -> None:
    """Raise BlockingIOError where the file is full; else PIPE_BUF bytes go in without waiting."""
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    if not poll.poll(0):
        raise BlockingIOError(errno.EAGAIN, "full")
