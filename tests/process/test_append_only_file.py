"""What has ended does not stay in the embedded server's file."""

import os
import signal
import time
from pathlib import Path

import pytest
import redis

from tests.support.redis_server import data_folder
from worker.process.append_only_file import PAUSE_SECONDS, AppendOnlyFile
from worker.process.append_only_repair import close_holes, cut_zeros
from worker.process.embedded import EmbeddedRedis

pytestmark = pytest.mark.redis_server

CANARY = b"canary-password-3f9a"


@pytest.fixture
def folder():
    with data_folder() as folder:
        yield folder


@pytest.fixture
def server(folder):
    server = EmbeddedRedis(folder)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(server):
    with redis.Redis.from_url(server.url) as client:
        yield client


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def on_disk(folder: Path) -> bytes:
    files = [path for path in (folder / "redis").rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


def wait_until(seen) -> None:
    deadline = time.monotonic() + 20
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_rewriting(client) -> bool:
    facts = client.info("persistence")
    return bool(facts["aof_rewrite_in_progress"] or facts["aof_rewrite_scheduled"])


def end_a_request(client) -> None:
    """As the worker's script does: SET by a producer, DEL with the result."""
    client.set("mailvouch:request:j", CANARY)
    client.eval("redis.call('DEL', KEYS[1])", 1, "mailvouch:request:j")


def test_an_ended_request_is_gone_from_the_file_after_a_look(client, folder):
    end_a_request(client)
    client.set("mailvouch:result:j", "kept")
    wait_until(lambda: CANARY in on_disk(folder))  # written once a second

    assert AppendOnlyFile(client, Clock()).look()
    wait_until(lambda: not is_rewriting(client))
    assert CANARY not in on_disk(folder)
    assert b"kept" in on_disk(folder)


def test_a_request_that_expired_counts_as_ended(client, folder):
    file, clock = _looked_at(client)
    client.set("mailvouch:request:j", CANARY, px=1)
    wait_until(lambda: client.info("stats")["expired_keys"] == 1)
    clock.now += PAUSE_SECONDS
    assert file.look()
    wait_until(lambda: not is_rewriting(client))
    assert CANARY not in on_disk(folder)


def _looked_at(client) -> tuple[AppendOnlyFile, Clock]:
    clock = Clock()
    file = AppendOnlyFile(client, clock)
    assert file.look(), "what a server before this one left"
    wait_until(lambda: not is_rewriting(client))
    return file, clock


def test_nothing_is_rewritten_where_nothing_ended(client):
    file, clock = _looked_at(client)
    client.set("mailvouch:request:j", "waits")
    clock.now += 10 * PAUSE_SECONDS
    assert not file.look()


def test_it_is_rewritten_once_a_minute_at_most(client):
    file, clock = _looked_at(client)
    end_a_request(client)
    clock.now += PAUSE_SECONDS - 1
    assert not file.look()
    clock.now += 1
    assert file.look()


class Slow:
    """A server whose last rewrite took a minute."""

    status = write_status = "ok"

    def __init__(self):
        self.rewrites = 0

    def info(self, section):
        return {
            "persistence": {
                "aof_rewrite_in_progress": 0,
                "aof_last_rewrite_time_sec": 60,
                "aof_last_bgrewrite_status": self.status,
                "aof_last_write_status": self.write_status,
            },
            "commandstats": {"cmdstat_del": {"calls": self.rewrites}},
            "stats": {"expired_keys": 0},
        }[section]

    def bgrewriteaof(self):
        self.rewrites += 1


def test_where_a_rewrite_takes_long_it_is_rewritten_more_seldom():
    clock, slow = Clock(), Slow()
    file = AppendOnlyFile(slow, clock)
    for _ in range(3600):
        file.look()
        clock.now += 1
    assert slow.rewrites == 3


class Full(Slow):
    """A server whose rewrites fail, as on a full disk, and where no more requests end."""

    status = "err"

    def info(self, section):
        return {**super().info(section), "cmdstat_del": {"calls": 0}}


def test_a_rewrite_that_failed_is_made_again_though_nothing_has_ended_since():
    clock, full = Clock(), Full()
    file = AppendOnlyFile(full, clock)
    assert file.look()
    assert not file.look(), "not at once"
    clock.now += 3600
    assert file.look()
    full.status = "ok"
    clock.now += 3600
    assert not file.look()


def test_it_is_rewritten_as_soon_as_a_full_disk_has_room_again():
    """The second full disk cut off what had been confirmed since the first."""
    server = Slow()
    file = AppendOnlyFile(server, Clock())
    assert file.look()
    assert not file.look()
    server.write_status = "err"
    assert not file.look(), "no room"
    server.write_status = "ok"
    assert file.look()
    assert not file.look(), "once"


class Gone:
    def info(self, *_section):
        raise redis.ConnectionError

    bgrewriteaof = info


def test_a_server_that_is_away_is_no_error():
    assert not AppendOnlyFile(Gone()).look()
    AppendOnlyFile(Gone()).clear()


def test_a_server_that_was_stopped_leaves_no_ended_request_behind(folder):
    server = EmbeddedRedis(folder)
    server.start()
    with redis.Redis.from_url(server.url) as client:
        end_a_request(client)
        client.set("mailvouch:result:j", "kept")
        wait_until(lambda: CANARY in on_disk(folder))
    server.stop()
    assert CANARY not in on_disk(folder)
    assert b"kept" in on_disk(folder)


def test_a_server_that_was_killed_in_a_rewrite_leaves_no_ended_request_behind(folder):
    first = EmbeddedRedis(folder)
    first.start()
    with redis.Redis.from_url(first.url) as client:
        client.mset({f"kept {number}": "x" for number in range(100)})
        client.config_set("rdb-key-save-delay", 10_000_000)  # microseconds: it ends never
        client.bgrewriteaof()
        wait_until(lambda: unfinished(folder))
        (begun,) = unfinished(folder)
        process = client.info("server")["process_id"]
    os.kill(process, signal.SIGKILL)
    os.kill(int(begun.stem.rpartition("-")[2]), signal.SIGKILL)  # who writes it: temp-...-<pid>.aof
    first._server.wait()
    begun.write_bytes(CANARY)
    second = EmbeddedRedis(folder)
    second.start()
    assert CANARY not in on_disk(folder)
    with redis.Redis.from_url(second.url) as client:
        assert client.dbsize() == 100
    first.stop()
    second.stop()


def unfinished(folder: Path) -> list[Path]:
    return list((folder / "redis").glob("temp-*"))


@pytest.mark.parametrize("zeros", [1, 4096, 200_000])
def test_a_file_that_a_loss_of_power_left_with_zeros_at_its_end_is_read(folder, zeros):
    first = EmbeddedRedis(folder)
    first.start()
    with redis.Redis.from_url(first.url) as client:
        client.config_set("appendfsync", "always")
        client.set("whole", "1")
        client.set("torn", "2" * 300)
        process = client.info("server")["process_id"]
    os.kill(process, signal.SIGKILL)
    first._server.wait()
    (file,) = (folder / "redis" / "appendonlydir").glob("*.incr.aof")
    size = file.stat().st_size
    os.truncate(file, size - 100)
    os.truncate(file, size - 100 + zeros)
    second = EmbeddedRedis(folder)
    assert f"less {zeros} bytes that were zeros" in second.start()
    with redis.Redis.from_url(second.url) as client:
        assert client.keys() == [b"whole"]
    first.stop()
    second.stop()


def test_a_file_that_a_full_disk_left_with_zeros_between_its_commands_is_read(folder):
    """After a rewrite that failed: what was not written whole is cut off, and then written past."""
    first, odd = EmbeddedRedis(folder), b"a\r\n\0\0*1\r\n$4\r\nEXEC\r\n\0"
    first.start()
    with redis.Redis.from_url(first.url) as client:
        client.set("before", odd)
        process = client.info("server")["process_id"]
        client.execute_command("WAITAOF", 1, 0, 5000)
    os.kill(process, signal.SIGKILL)
    first._server.wait()
    (file,) = (folder / "redis" / "appendonlydir").glob("*.incr.aof")
    with file.open("ab") as stream:
        stream.write(bytes(200_000) + b"*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$1\r\n\0\r\n")
        stream.write(bytes(7) + b"*3\r\n$3\r\nSET\r\n$4\r\ntorn\r\n$9\r\n12")
    second = EmbeddedRedis(folder)
    assert "bytes that were zeros" in second.start()
    with redis.Redis.from_url(second.url) as client:
        assert (client.get("before"), client.get("after")) == (odd, b"\0")
        assert client.dbsize() == 2
    first.stop()
    second.stop()


SET = b"*3\r\n$3\r\nSET\r\n$1\r\n%c\r\n$10\r\n\r\n\0*1\r\n$\0\0\r\n"
MULTI, EXEC = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"
TORN = MULTI + SET % b"h" + SET % b"t" + EXEC
LAST = MULTI + SET % b"l" + EXEC


def write_files(folder: Path, *octets: bytes) -> list[Path]:
    directory = folder / "appendonlydir"
    directory.mkdir(exist_ok=True)
    files = [directory / f"a.aof.{9 + number}.incr.aof" for number in range(len(octets))]
    for file, its_octets in zip(files, octets, strict=True):
        file.write_bytes(its_octets)
    return files


def test_what_a_disk_that_was_full_twice_tore_is_left_out_with_its_transaction(tmp_path):
    """The second time the server cuts off too much, by the zeros of the first."""
    for cut in range(1, len(TORN)):
        torn = SET % b"a" + bytes(7) + b"#TS:1\r\n" + SET % b"b" + TORN[:cut]
        (file,) = write_files(tmp_path, torn + bytes(30) + LAST + LAST[:-3])
        close_holes(tmp_path)
        assert file.read_bytes() == SET % b"a" + b"#TS:1\r\n" + SET % b"b" + LAST, cut


@pytest.mark.parametrize("before", [b"\0", b"\n"])
@pytest.mark.parametrize("like", [SET % b"x", (SET % b"x")[:-14], b"*1\r\n$", b"#TS:1\r\n"])
def test_what_looks_like_a_command_in_a_torn_value_is_not_taken_for_one(tmp_path, before, like):
    value = b"v" + before + like + b"*1\r\n"
    torn = b"*2\r\n$3\r\nSET\r\n$900\r\n" + value + bytes(900) + LAST
    (file,) = write_files(tmp_path, SET % b"a" + bytes(9) + torn)
    close_holes(tmp_path)
    assert file.read_bytes() == SET % b"a" + LAST


def test_zeros_at_the_start_of_the_newest_file_are_taken_out(tmp_path):
    """A rewrite began on a disk that was nearly full: the new file's first write was short."""
    (file,) = write_files(tmp_path, bytes(5000) + SET % b"a")
    assert close_holes(tmp_path) == 5000
    assert file.read_bytes() == SET % b"a"


@pytest.mark.parametrize("first", [b"", SET % b"a", SET % b"a" + TORN[:-30]])
def test_zeros_that_take_no_room_on_the_disk_are_not_read(tmp_path, first):
    """Each try to write on a full disk adds some: ten seconds made a gigabyte."""
    (file,) = write_files(tmp_path, first)
    with file.open("r+b") as stream:
        stream.seek(1 << 40)
        stream.write(LAST)
    assert close_holes(tmp_path) > (1 << 40) - 4096
    assert file.read_bytes() == (SET % b"a" if first else b"") + LAST


@pytest.mark.parametrize("zeros", [0, 30])
def test_the_torn_end_of_a_file_before_the_newest_is_left_out(tmp_path, zeros):
    """Power was lost in a rewrite, when the manifest was on the disk and the old file's end not."""
    for cut in range(1, len(TORN)):
        older, newest = write_files(tmp_path, LAST + TORN[:cut] + bytes(zeros), SET % b"n")
        close_holes(tmp_path)
        assert (older.read_bytes(), newest.read_bytes()) == (LAST, SET % b"n"), cut


def test_a_server_starts_from_files_that_are_torn_in_their_midst(folder):
    first = EmbeddedRedis(folder)
    first.start()
    with redis.Redis.from_url(first.url) as client:
        client.set("before", "1")
        process = client.info("server")["process_id"]
        client.execute_command("WAITAOF", 1, 0, 5000)
    os.kill(process, signal.SIGKILL)
    first._server.wait()
    directory = folder / "redis" / "appendonlydir"
    (file,) = directory.glob("*.incr.aof")
    with file.open("ab") as stream:
        stream.write(bytes(7) + SET % b"a" + TORN[:-30] + bytes(30) + LAST + TORN[:-30])
    newest = file.name.replace("1.incr", "2.incr")
    (directory / newest).write_bytes(SET % b"z")
    with (directory / "appendonly.aof.manifest").open("a") as manifest:
        manifest.write(f"file {newest} seq 2 type i\n")
    second = EmbeddedRedis(folder)
    assert "less " in second.start()
    with redis.Redis.from_url(second.url) as client:
        assert sorted(client.keys()) == [b"a", b"before", b"l", b"z"]
    first.stop()
    second.stop()


def test_a_file_that_is_whole_is_left_as_it_is(tmp_path):
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    files = {"a.aof.9.incr.aof": b"old\0", "a.aof.10.incr.aof": b"*1\r\n$1\r\n\0\r\n", "x": b"\0"}
    files["a.aof.8.incr.aof"] = b"*x\r\n\0"
    for name, octets in files.items():
        (folder / name).write_bytes(octets)
    assert cut_zeros(tmp_path) + close_holes(tmp_path) == 0
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == files
    assert cut_zeros(folder) == 0, "a folder without a file"
