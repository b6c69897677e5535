"""How many jobs a process takes on by the number of files that it may open."""

import subprocess
import sys

import pytest

REPORT = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from worker.process.open_files import allow_open_files
print(allow_open_files(400), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def report(soft, hard):
    program = REPORT.format(soft=soft, hard=hard)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    log, _, numbers = done.stdout.rstrip().rpartition("\n")
    return [int(number) for number in numbers.split()], log + done.stderr


def test_a_soft_limit_is_raised_and_all_jobs_run():
    assert report(300, 2000)[0] == [400, 2000, 2000]


@pytest.mark.parametrize(("hard", "jobs"), [(600, 200), (120, 30)])
def test_under_a_hard_limit_so_many_run_as_there_are_files_for_and_it_is_told(hard, jobs):
    numbers, log = report(100, hard)
    assert numbers == [jobs, hard, hard]
    assert "too_few_open_files" in log
