"""The files that a worker process counts into: allocated, kept, made again."""

import shutil
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from worker.telemetry.shared_values import _ROOM_BYTES, forget_gauges

PROGRAM = """
import os, shutil, sys
from pathlib import Path
from producer.contract.names import Kind
from worker.telemetry.metrics import JobOutcome, Metrics
from worker.telemetry.shared_values import SharedValues

shared = SharedValues(Path(sys.argv[1]), int(sys.argv[2]))
shared.begin()
metrics = Metrics()

def count():
    metrics.observe_job(Kind.CREDENTIAL_TEST, JobOutcome.SUCCESS, 0.3, 0.0)

"""
SUCCEEDED = 'mailvouch_jobs_total{kind="credential-test",outcome="success"}'


def run(directory, steps, slot=0):
    return subprocess.run(
        [sys.executable, "-c", PROGRAM + steps, str(directory), str(slot)],
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )


def exposed(directory):
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(directory))
    text = generate_latest(registry).decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_a_directory_that_is_removed_is_made_again_with_what_was_counted(tmp_path):
    folder = tmp_path / "run"
    run(folder, "count(); shutil.rmtree(sys.argv[1]); count(); shared.keep(); count()")
    assert exposed(folder)[SUCCEEDED] == 3

    run(folder, "count()")  # the next process of the slot counts on
    assert exposed(folder)[SUCCEEDED] == 4


def test_a_file_that_is_being_made_can_be_read_at_every_moment(tmp_path):
    steps = """
from prometheus_client.multiprocess import MultiProcessCollector
for name in ("posix_fallocate", "pwrite"):
    def reading(*words, made=getattr(os, name)):
        print("read", len(list(MultiProcessCollector(None, sys.argv[1]).collect())))
        made(*words)
        print("read", len(list(MultiProcessCollector(None, sys.argv[1]).collect())))
    setattr(os, name, reading)
shutil.rmtree(sys.argv[1])
shared.keep()
"""
    assert "read" in run(tmp_path / "run", steps).stdout
    assert not list((tmp_path / "run").glob("*.new"))


def test_it_may_be_removed_again_and_again(tmp_path):
    folder = tmp_path / "run"
    run(folder, "for _ in range(3): count(); shutil.rmtree(sys.argv[1]); shared.keep()")
    assert exposed(folder)[SUCCEEDED] == 3
    run(folder, "shared.keep(); count()", slot=1)
    assert exposed(folder)[SUCCEEDED] == 4


def test_what_a_dead_process_had_in_flight_is_forgotten_also_after_a_removal(tmp_path):
    folder = tmp_path / "run"
    run(folder, "shutil.rmtree(sys.argv[1]); shared.keep(); metrics._count_in_flight(1)")
    run(folder, "metrics._count_in_flight(1)", slot=1)
    forget_gauges(folder, 0)
    assert exposed(folder)["mailvouch_jobs_in_flight"] == 1


def test_what_cannot_be_removed_does_not_end_the_supervisor(tmp_path):
    """Its file system was made read-only; here it is a directory, which is not removed either."""
    (tmp_path / "gauge_livesum_0.db").mkdir()
    gone = tmp_path / "gauge_livesum_0.1.db"
    gone.touch()
    forget_gauges(tmp_path, 0)
    assert not gone.exists()


@pytest.mark.parametrize(
    "octets",
    [b"\xff" * 4096, b"\x40\x10\0\0" + b"\x7f" * 4092, b"\0\1\0\0" + b"\x01\0\0\0" * 1023, b"x"],
    ids=["negative", "longer than itself", "no text", "nothing"],
)
def test_a_file_that_cannot_be_read_ends_no_process_and_is_made_anew(tmp_path, octets):
    folder = tmp_path / "run"
    run(folder, "count()")
    (folder / "counter_0.db").write_bytes(octets)
    assert "metrics_lost" in run(folder, "count()").stderr
    assert exposed(folder)[SUCCEEDED] == 1


def test_where_nothing_can_be_written_a_process_counts_for_itself(tmp_path):
    (tmp_path / "run").write_text("in the way")
    ended = run(tmp_path / "run", "count(); shared.keep(); print('went on')")
    assert ended.stdout == "went on\n"
    assert "metrics_not_shared" in ended.stderr


def test_all_labels_of_all_metrics_fit_into_the_room_that_is_allocated(tmp_path):
    steps = """
from producer.contract.codes import Code
from producer.contract.report import Phase, PhaseName, PhaseState
from worker.probing.target import Protocol
phases = [Phase(name=name, state=PhaseState.OK, milliseconds=1.0) for name in PhaseName]
for protocol in Protocol:
    metrics.observe_unclassified(protocol)
    for code in Code:
        metrics.observe_probe(protocol, code, phases)
for kind in (*Kind, None):
    for outcome in JobOutcome:
        metrics.observe_job(kind, outcome, 1.0, 1.0)
"""
    run(tmp_path, steps)
    for file in tmp_path.glob("*.db"):
        used = int.from_bytes(file.read_bytes()[:4], sys.byteorder)
        assert used < _ROOM_BYTES / 2, file
        assert file.stat().st_size == _ROOM_BYTES


@pytest.fixture
def full_disk(tmp_path):
    """A file system with less room than the files need; needs the right to mount."""
    folder = tmp_path / "full"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("may not mount a file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_kills_no_process_and_spoils_no_count(full_disk):
    ended = run(full_disk, "count(); print('went on')")
    assert ended.stdout == "went on\n"
    assert "metrics_not_shared" in ended.stderr


def test_a_disk_that_becomes_full_meanwhile_kills_no_process(full_disk):
    subprocess.run(["mount", "-o", "remount,size=2m", str(full_disk)], check=True)
    steps = """
Path(sys.argv[1], "ballast").open("wb").write(bytes(3 << 18))
try:
    Path(sys.argv[1], "more").open("wb").write(bytes(8 << 20))
except OSError:
    pass
for _ in range(100):
    count()
print("went on")
"""
    assert run(full_disk, steps).stdout == "went on\n"
    assert exposed(full_disk)[SUCCEEDED] == 100
