"""No process of ours leaves its memory, and with it passwords, on a disk."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.redis_server import data_folder
from tests.support.worker_process import running_worker, worker_environment

pytestmark = [
    pytest.mark.redis_server,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

FORBIDDEN = ["0", "0"]


def core_limit(pid: int) -> list[str]:
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
        if line.startswith("Max core file size")
    )
    return line.split()[4:6]


def with_children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [child for task in tasks for child in task.read_text().split()]
    return [pid, *(one for child in children for one in with_children(int(child)))]


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


@pytest.mark.slow
def test_supervisor_worker_processes_and_embedded_server_write_none():
    with (
        data_folder() as folder,
        running_worker(folder, worker_environment(folder, PROCESSES="2")) as running,
    ):
        deadline = time.monotonic() + 30
        while sum("worker.process.child" in name for name in names_under(running)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        pids = with_children(running.process.pid)
        names = names_under(running)
        assert any("-server" in name for name in names)
        for pid in pids:
            assert core_limit(pid) == FORBIDDEN, name_of(pid)
            assert int(Path(f"/proc/{pid}/coredump_filter").read_text(), 16) == 0


def names_under(running) -> list[str]:
    return [name_of(pid) for pid in with_children(running.process.pid)]


COMMAND = """
import json, resource, sys, click
sys.argv = [{program!r}, "shows-limits"]
from producer.command_line import Command, CommandGroup
from {module} import {group} as group

@click.command()
def shows_limits():
    print(json.dumps(resource.getrlimit(resource.RLIMIT_CORE)))

sys.modules["shown"] = type(sys)("shown")
sys.modules["shown"].shows_limits = shows_limits
group._by_name = {{"shows-limits": Command("shown:shows_limits", "")}}
group()
"""


@pytest.mark.parametrize(
    ("program", "module", "group"),
    [
        ("mailvouch", "producer.commands.tree", "mailvouch"),
        ("mailvouch-worker", "worker.commands.tree", "mailvouch_worker"),
    ],
)
def test_every_command_forbids_them_before_it_reads_anything(program, module, group):
    done = subprocess.run(
        [sys.executable, "-c", COMMAND.format(program=program, module=module, group=group)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert json.loads(done.stdout) == [0, 0]
