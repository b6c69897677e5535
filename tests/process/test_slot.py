"""What the supervisor makes of a process' heartbeat, by times alone."""

import os
import subprocess

import pytest

from worker.process.slot import ChildSlot, HeartbeatLimits
from worker.process.spawn import Child

LIMITS = HeartbeatLimits(between_beats=30.0, before_the_first=60.0)


@pytest.fixture
def start():
    """Put a child that was started at a time into a slot; return how it beats."""
    ends = []

    def start(slot, at):
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        ends.extend((reader, writer))
        slot.child = Child(subprocess.Popen(["true"]), reader, at)
        slot.child.process.wait()
        slot.heard_at, slot.stuck = at, False
        return lambda: os.write(writer, b".")

    yield start
    for end in ends:
        os.close(end)


def patience_with(slot, start):
    """How many seconds a child that says nothing is given; it is given up then."""
    began = slot.heard_at + 5000.0
    start(slot, began)
    seconds = next(s for s in range(1, 10_000) if slot.is_stuck(began + s, LIMITS))
    slot.give_up(slot.child)
    return seconds - 1


def test_each_start_that_was_given_up_gives_the_next_twice_the_time(start):
    slot = ChildSlot(0, 0.0)
    assert [patience_with(slot, start) for _ in range(6)] == [60, 120, 240, 480, 960, 960]


def test_a_process_that_has_beaten_gives_the_next_no_more_than_the_first_had(start):
    slot = ChildSlot(0, 0.0)
    assert [patience_with(slot, start) for _ in range(2)] == [60, 120]
    beat = start(slot, 20_000.0)
    beat()
    slot.hear(20_001.0)
    assert not slot.is_stuck(20_031.0, LIMITS)
    assert slot.is_stuck(20_032.0, LIMITS)
    slot.give_up(slot.child)
    assert patience_with(slot, start) == 60
