"""What the wide measurements reckon with, and one of them at its smallest."""

import re
import struct

import pytest

from bench.arena import Farm
from bench.sections import with_section
from bench.wide import in_flight, lag
from bench.wide.wire import turned


def test_a_stall_counts_for_every_instant_that_it_skipped():
    late = [seconds for _, seconds in lag.met(10.0, 10.035)]
    assert late == pytest.approx([0.035, 0.025, 0.015, 0.005])


def test_an_instant_that_is_not_due_yet_does_not_count():
    assert list(lag.met(10.0, 9.999)) == []


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_a_value_that_was_measured(share, value):
    assert lag.percentile(list(range(100, 0, -1)), share) == value


def test_a_section_takes_the_place_of_the_one_of_its_title():
    written = with_section("# Head\n", "One", "first\n")
    written = with_section(written, "Two", "second\n")
    written = with_section(written, "One", "third\n")
    assert written == "# Head\n\n## One\n\nthird\n\n## Two\n\nsecond\n"


def test_a_packet_that_was_turned_keeps_its_checksum_and_comes_from_where_it_went():
    near, far, rest = bytes([10, 88, 0, 1]), bytes([10, 88, 0, 2]), b"\x01\x02\x03\x04"
    packet = bytes(range(12)) + near + far + rest
    assert turned(packet) == bytes(range(12)) + far + near + rest
    assert sum(struct.unpack("!12H", turned(packet))) == sum(struct.unpack("!12H", packet))


@pytest.mark.slow
@pytest.mark.redis_server
def test_the_lag_of_a_worker_with_jobs_in_flight_is_told(tmp_path):
    farm = Farm(tmp_path)
    try:
        run = in_flight.measure(farm, 20, tmp_path / "lag.json", reply_ms=1000)
    finally:
        farm.stop()
    told = in_flight.told(run, 20)
    assert "| jobs, of them with both logins right | 40, 40 |" in told
    assert re.search(r"\| loop lag p50 / p99 / max \| \d+ / \d+ / \d+ ms \|", told)
