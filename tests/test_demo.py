"""`make demo` is what a new user sees first: it must hold."""

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.redis_server
@pytest.mark.timeout(300)
def test_the_demo_holds_all_its_expectations():
    ended = subprocess.run(
        [sys.executable, "-m", "tests.demo"],
        check=False,
        capture_output=True,
        text=True,
        timeout=220,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "every expectation held" in ended.stdout
