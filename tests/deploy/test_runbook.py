"""The runbook's own commands, typed into a shell beside a worker that runs."""

import os
import re
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import producer.commands.tree
from producer.client import Client, credential_test
from tests.support.ports import free_port
from tests.support.redis_server import data_folder
from tests.support.worker_process import WorkerProcess, running_worker, worker_environment
from worker.commands import tree

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
RUNBOOK = ROOT / "deploy/RUNBOOK.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL)
TYPED_PORT = ":9191/"
"""The default, as an operator types it. Here another worker may have it: any free one is used."""

SETTINGS = {"METRICS_PORT": str(free_port()), "LOG_FORMAT": "json"}


@pytest.fixture(scope="module")
def worker():
    with (
        data_folder() as folder,
        running_worker(folder, worker_environment(folder, **SETTINGS)) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def shell(worker, tmp_path_factory):
    """Run a block as an operator would: in a folder of their own, the commands on PATH."""
    folder = tmp_path_factory.mktemp("operator")
    for name, module in (("mailvouch", "producer.cli"), ("mailvouch-worker", "worker.cli")):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        program.chmod(0o755)
    environment = {
        **worker_environment(worker.socket.parent.parent, **SETTINGS),
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "JOB": _finished_job(worker),
        "KEYS": str(folder),
    }

    def run(block: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here(block)],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    return run


def here(block: str) -> str:
    """The block, with the port of this worker."""
    return block.replace(TYPED_PORT, f":{SETTINGS['METRICS_PORT']}/")


def _finished_job(worker: WorkerProcess) -> str:
    with closing(Client(worker.url)) as client:
        job = client.submit(credential_test({"emailCredentialsRequests": [{}]}))
        client.wait(job, timeout_seconds=60)
    return job


@pytest.mark.slow
@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0][:60])
def test_a_block_of_the_runbook_runs(shell, block):
    done = shell(block)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "No such command" not in done.stderr


def test_the_runbook_has_blocks_to_run():
    assert len(BLOCKS) > 10
    assert any(TYPED_PORT in block for block in BLOCKS)


@pytest.mark.slow
def test_debug_logs_are_switched_on_and_off_without_a_restart(shell, worker):
    for switched in ('"on": true', '"on": false'):
        assert shell(f"kill -USR1 {worker.process.pid}").returncode == 0
        deadline = time.monotonic() + 20
        while not re.search(f"{switched}.*debug_logs", worker.log()):
            assert time.monotonic() < deadline, worker.log()
            time.sleep(0.05)


COMMANDS = {"mailvouch-worker": tree.COMMANDS, "mailvouch": producer.commands.tree.COMMANDS}
TYPED = set(re.findall(r"(?m)(?:^|`)(mailvouch(?:-worker)?) ([a-z]+)", RUNBOOK.read_text()))


@pytest.mark.parametrize(("program", "command"), sorted(TYPED))
def test_a_command_of_the_runbook_exists(program, command):
    assert command in COMMANDS[program]
