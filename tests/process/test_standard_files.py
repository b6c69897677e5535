"""Whoever starts a command may have closed its input, output and error."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from producer.client import Client, credential_test
from tests.support.redis_process import redis_process
from tests.support.worker_process import worker_environment

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, os, socket, sys
from producer.standard_files import open_standard_files
open_standard_files()
print("nobody", file=sys.stderr)
print("nobody")
with socket.socket() as first, open(sys.argv[1], "w") as told:
    json.dump([first.fileno(), sys.stdin.read(), [os.get_inheritable(n) for n in range(3)]], told)
"""


def shell(redirections, *words, **options):
    """Start `words` without the files that a shell's words close."""
    line = f'exec "$@" {redirections}'
    return subprocess.Popen(["/bin/sh", "-c", line, "sh", *words], **options)


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", "2>&-", "<&-", ">&-", ""])
def test_no_file_gets_the_number_of_one_that_was_closed(tmp_path, closed):
    told = tmp_path / "told"
    words = [sys.executable, "-c", PROGRAM, str(told)]
    with shell(closed, *words, cwd=ROOT, stdin=subprocess.DEVNULL) as process:
        assert process.wait(100) == 0
    first, read, inheritable = json.loads(told.read_text())
    assert first > 2
    assert (read, inheritable) == ("", [True] * 3)


@pytest.mark.redis_server
def test_a_worker_without_standard_files_runs_jobs_and_stops(tmp_path):
    with redis_process(tmp_path / "redis") as server:
        environment = worker_environment(tmp_path, REDIS_URL=server.url, PROCESSES="1")
        words = [sys.executable, "-m", "worker.cli", "run"]
        with shell("<&- >&- 2>&-", *words, cwd=tmp_path, env=environment) as worker:
            try:
                client = Client(server.url)
                job = client.submit(credential_test({"emailCredentialsRequests": [{}]}, "dealer"))
                assert client.wait(job, timeout_seconds=60) is not None
                client.close()
                worker.terminate()
                assert worker.wait(100) == 0
            finally:
                worker.kill()
