"""Lines go out without waiting; what nobody reads is dropped and counted."""

import io
import json
import logging
import os
import pty
import socket
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from producer.log_output import MAX_WAITING_BYTES, LogOutput, writer_of
from worker.telemetry import logs


def record(text):
    return logging.LogRecord("worker", logging.INFO, "", 0, text, (), None)


@contextmanager
def pipe_ends():
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def read_all(file):
    os.set_blocking(file, False)
    data = b""
    try:
        while piece := os.read(file, 1 << 16):
            data += piece
    except BlockingIOError:
        pass
    return data


def fill(output, lines):
    for number in range(lines):
        output.emit(record(f"{number:06} " + "x" * 1000))


def test_a_pipe_that_nobody_reads_holds_up_nobody_and_loses_no_line_that_fits_in_memory():
    with pipe_ends() as (reader, writer):
        output = LogOutput(writer_of(writer))
        fill(output, 300)
        data = b""
        while piece := read_all(reader):
            data += piece
            output.flush()
    numbers = [int(line[:6]) for line in data.splitlines()]
    assert numbers == list(range(300))
    assert output.dropped == 0


def test_beyond_the_limit_lines_are_dropped_counted_and_spoken_of_later():
    counted = []
    with pipe_ends() as (reader, writer):
        output = LogOutput(writer_of(writer))
        output.count_with(counted.append)
        fill(output, 2 * MAX_WAITING_BYTES // 1000)
        data = b""
        while piece := read_all(reader):
            data += piece
            output.flush()
    lines = data.splitlines()
    assert output.dropped == sum(counted) > 900
    assert lines[-1] == b"log_lines_dropped"
    assert [int(line[:6]) for line in lines[:-1]] == list(range(len(lines) - 1))


def test_a_file_that_others_share_stays_as_it_is_for_them():
    with pipe_ends() as (_, writer):
        LogOutput(writer_of(writer)).emit(record("line"))
        assert os.get_blocking(writer)


def test_a_held_terminal_holds_up_nobody():
    master, terminal = pty.openpty()
    try:
        output = LogOutput(writer_of(terminal))
        fill(output, 500)
        assert os.get_blocking(terminal)
    finally:
        os.close(terminal)
        os.close(master)


def test_a_socket_that_nobody_reads_holds_up_nobody():
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        output = LogOutput(writer_of(ours.fileno()))
        fill(output, 3 * MAX_WAITING_BYTES // 1000)
        assert output.dropped > 0
        assert ours.getblocking()


def test_a_reader_that_is_gone_ends_nothing():
    reader, writer = os.pipe()
    os.close(reader)
    output = LogOutput(writer_of(writer))
    output.emit(record("into nothing"))
    output.close()
    os.close(writer)
    assert output.dropped == 1


def test_a_line_that_cannot_be_made_ends_nothing():
    class Broken(logging.Formatter):
        def format(self, record):
            raise ValueError

    output = LogOutput(writer_of(2))
    output.setFormatter(Broken())
    output.emit(record("x"))
    assert output.dropped == 1


class MessagePipe:
    """What Dramatiq's command gives its processes for stderr."""

    encoding = "utf-8"

    def __init__(self, file):
        self._file = file
        self.sizes = []

    def fileno(self):
        return self._file

    def isatty(self):
        return False

    def write(self, text):
        self.sizes.append(len(text.encode()))
        os.write(self._file, text.encode())


@pytest.fixture
def restored():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level


def test_dramatiqs_pipe_gets_messages_that_fit_whole_characters_only(restored):
    with pipe_ends() as (reader, writer):
        stream = MessagePipe(writer)
        output = logs.configure("INFO", "json", stream).output
        logging.getLogger("worker").info("ä" * 1000)
        logging.getLogger("worker").error("event", extra={"a": "ä" * 1900, "b": "ö" * 1900})
        for _ in range(200):
            logging.getLogger("worker").info("y" * 1000)
        data = b""
        while piece := read_all(reader):
            data += piece
            output.flush()
    assert max(stream.sizes) < 4096
    lines = [json.loads(line) for line in data.splitlines()]
    assert lines[1]["a"] + lines[1]["b"] == "ä" * 1900 + "ö" * 1900
    assert len(lines) == 202


def test_a_stream_without_a_file_is_written_to(restored):
    stream = io.StringIO()
    logs.configure("INFO", "json", stream)
    logging.getLogger("worker").info("line")
    assert json.loads(stream.getvalue())["event"] == "line"


UNREAD = """
import logging
from worker.telemetry import logs
own = logs.configure("INFO", "json")
for _ in range(5000):
    logging.getLogger("worker").info("x" * 1000)
own.output.close()
print("went on", own.output.dropped > 0)
"""


def test_a_process_whose_stderr_nobody_reads_goes_on_to_its_end():
    process = subprocess.Popen(
        [sys.executable, "-c", UNREAD], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout.readline() == b"went on True\n"
        assert process.wait(100) == 0
    finally:
        process.kill()
        process.communicate()
