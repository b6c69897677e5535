"""Whose folder it is, and where it may be."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from contextlib import ExitStack
from pathlib import Path

import pytest

from worker.process import spawn
from worker.process.run_directory import RunDirectory, claim_slot, parents_of, slots_in_use


def test_it_is_not_in_the_temp_directory_where_there_is_another_place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    first, second, *_ = parents_of(tmp_path / "data")
    assert first == tmp_path / "data" / "run"
    assert second == tmp_path / "runtime" / "mailvouch"


def test_the_next_place_is_taken_where_the_first_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("in the way")
    directory = RunDirectory([tmp_path / "file" / "run", tmp_path / "second"])
    assert directory.path.parent == tmp_path / "second"
    directory.close()
    assert not directory.path.exists()


def test_the_next_place_is_taken_where_the_first_is_full(tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(full)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("may not mount a file system here")
    try:
        directory = RunDirectory([full, tmp_path / "second"])
        assert directory.path.parent == tmp_path / "second"
        directory.close()
    finally:
        subprocess.run(["umount", str(full)], check=True)


def test_a_temp_directory_that_is_of_no_use_matters_only_where_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/proc/nowhere")
    directory = RunDirectory(parents_of(tmp_path))
    assert directory.path.parent == tmp_path / "run"
    directory.close()


def test_without_any_place_there_is_none_and_nothing_fails(tmp_path):
    (tmp_path / "file").write_text("in the way")
    directory = RunDirectory([tmp_path / "file" / "run"])
    assert directory.path is None
    directory.keep()
    directory.close()


@pytest.mark.skipif(os.getuid() != 0, reason="gives a folder to another user")
def test_a_folder_that_another_user_has_made_is_not_trusted(tmp_path):
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 65534, 65534)
    assert RunDirectory([tmp_path / "theirs"]).path is None


def test_what_no_process_holds_is_cleared_and_what_one_holds_is_not(tmp_path):
    held = RunDirectory([tmp_path])
    (tmp_path / "left").mkdir()
    (tmp_path / "left" / "lock").touch()
    other = RunDirectory([tmp_path])
    assert {path.name for path in tmp_path.iterdir()} == {
        *("lock", held.path.name, other.path.name)
    }
    held.close()
    other.close()


def test_a_removed_folder_is_held_again(tmp_path):
    directory = RunDirectory([tmp_path])
    shutil.rmtree(directory.path)
    directory.keep()
    RunDirectory([tmp_path]).close()
    assert directory.path.is_dir()
    directory.close()


def test_processes_that_share_a_name_share_the_folder_until_the_last_has_left(tmp_path):
    first, second = RunDirectory([tmp_path], "same"), RunDirectory([tmp_path], "same")
    assert first.path == second.path
    (first.path / "counter_0.db").touch()
    first.close()
    assert (second.path / "counter_0.db").exists()
    second.close()
    assert not second.path.exists()


CLAIM = """
import sys
from pathlib import Path
from worker.process.run_directory import claim_slot
print(claim_slot(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def test_a_slot_has_one_process_and_is_free_when_that_has_died(tmp_path):
    assert claim_slot(tmp_path) == 0
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "1\n"
        assert slots_in_use(tmp_path) == {"0": os.getpid(), "1": process.pid}
        process.kill()
        process.wait()
        assert slots_in_use(tmp_path) == {"0": os.getpid()}
    assert claim_slot(tmp_path) == 1


def test_a_child_finds_our_packages_where_this_process_has_them_and_nowhere_else(monkeypatch):
    root = str(spawn._ROOT)
    assert spawn.module_path({"PYTHONPATH": "/x"})["PYTHONPATH"] == f"{root}{os.pathsep}/x"
    monkeypatch.setattr(sysconfig, "get_path", lambda _name: root)
    assert spawn.module_path({"A": "b"}) == {"A": "b"}, "installed: the interpreter finds them"


HOLD = """
import os, sys
from pathlib import Path
from worker.process.run_directory import RunDirectory
directory = RunDirectory([Path(sys.argv[1])])
print(os.getpid(), directory.path, flush=True)
sys.stdin.read()
"""
OWN_PIDS = ("unshare", "--pid", "--fork", "--kill-child")


def can_unshare():
    try:
        return subprocess.run([*OWN_PIDS, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not can_unshare(), reason="may make no namespace of process ids")
def test_workers_that_all_have_process_id_1_clear_no_folder_of_the_living(tmp_path):
    """As in containers that share a volume."""
    with ExitStack() as stack:
        held = []
        for _ in range(3):
            process = stack.enter_context(
                subprocess.Popen(
                    [*OWN_PIDS, sys.executable, "-c", HOLD, str(tmp_path)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            pid, folder = process.stdout.readline().split()
            assert pid == "1"
            held.append((process, Path(folder)))
        assert all(folder.is_dir() for _, folder in held)
        killed, left = held.pop()
        (worker,) = Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()
        os.kill(int(worker), signal.SIGKILL)
        killed.wait()  # as unshare ends with its child
        heir = RunDirectory([tmp_path])
        assert not left.exists()
        assert all(folder.is_dir() for _, folder in held)
        heir.close()
