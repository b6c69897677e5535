"""The limits under real worker processes."""

import subprocess
import sys
import time
from collections import Counter

import pytest

from tests.support.queueing import wait_for
from worker.limits.heartbeat import HEARTBEATS_PER_LIFE

pytestmark = pytest.mark.redis_server

PROCESSES = "test:limits:processes"


@pytest.fixture
def start(server, redis):
    started = []

    def run(name, places, probes, milliseconds, users):
        numbers = (str(number) for number in (places, probes, milliseconds, users))
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.gate_process", server.url, name, *numbers],
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def events(processes):
    """All that was told of who went in or not, in time: (time, word, user)."""
    told = []
    for process in processes:
        output, _ = process.communicate(timeout=50)
        assert process.returncode == 0
        for line in output.splitlines():
            word, user, when = line.split()
            if word == "waits":
                continue
            told.append((float(when), word, user))
    return sorted(told)


@pytest.mark.slow
def test_four_processes_share_the_places_of_a_host(start):
    told = events([start(f"p{n}", 5, 20, 30, 1000) for n in range(4)])
    inside = most = 0
    for _, word, _ in told:
        inside += {"in": 1, "out": -1}[word]
        most = max(most, inside)
    assert most == 5
    assert Counter(word for _, word, _ in told) == {"in": 80, "out": 80}


def test_four_processes_send_five_wrong_passwords_and_no_sixth(start):
    told = events([start(f"p{n}", 50, 10, 10, 1) for n in range(4)])
    assert Counter(word for _, word, _ in told) == {"in": 5, "out": 5, "cooldown": 35}
    assert [word for _, word, _ in told if word != "cooldown"] == ["in", "out"] * 5


def await_beats(redis, process, count):
    for _ in range(count):
        last = redis.zscore(PROCESSES, process)
        wait_for(lambda last=last: redis.zscore(PROCESSES, process) != last)


def test_the_places_of_a_killed_process_come_back(start, redis):
    lost = start("lost", 2, 2, 60_000, 2)
    assert lost.stdout.readline().startswith("in")
    assert lost.stdout.readline().startswith("in")
    (process,) = (name for name in redis.zrange(PROCESSES, 0, -1) if not name.startswith(b"#"))
    heir = start("heir", 2, 2, 1, 2)
    assert heir.stdout.readline().startswith("waits")
    await_beats(redis, process, HEARTBEATS_PER_LIFE + 1)
    killed = time.monotonic()
    lost.kill()
    told = events([heir])
    assert Counter(word for _, word, _ in told) == {"in": 2, "out": 2}
    assert killed < told[0][0], "a process that lives keeps its places beyond one life's beats"
