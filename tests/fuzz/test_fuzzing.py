"""Fuzzing guided by coverage, from the kept corpus on, for as long as CI can spare."""

import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = 20
HERE = Path(__file__).parent

pytest.importorskip("atheris", reason="atheris has no wheel for this Python or machine")


def fuzz(directory, *options):
    """What the fuzzer said, and how it ended. Texts that it finds worth keeping go to `new`."""
    new = directory / "new"
    new.mkdir()
    command = (sys.executable, "-m", "tests.fuzz.fuzz", f"-artifact_prefix={directory}/")
    return subprocess.run(
        [*command, *options, str(new), str(HERE / "corpus")],
        cwd=HERE.parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def kept(directory):
    """The text that broke something, to be put into the corpus."""
    return {path.name: path.read_bytes().hex() for path in directory.iterdir() if path.is_file()}


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 240)
def test_some_seconds_of_fuzzing_find_no_text_that_raises(tmp_path):
    ended = fuzz(tmp_path, f"-max_total_time={SECONDS}", "-max_len=4096", "-timeout=60")
    assert ended.returncode == 0, f"{kept(tmp_path)}\n{ended.stdout[-4000:]}"
    assert "DONE" in ended.stdout  # it has fuzzed, not merely started
