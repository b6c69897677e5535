"""The bench runs: one contender, a handful of jobs, every login counted by the farm."""

import pytest

from bench import measure, report
from bench.arena import Farm
from bench.contenders import contenders

pytestmark = pytest.mark.redis_server


@pytest.fixture
def farm(tmp_path):
    running = Farm(tmp_path)
    yield running
    running.stop()


@pytest.mark.slow
def test_our_worker_can_be_measured(farm):
    ours = contenders()[0]
    ours.prepare()
    row = measure.throughput(ours, farm, ("starttls",), jobs=20)
    assert row["starttls"]["right"]
    written = report.throughput_table({ours.name: [row]}, "starttls")
    assert "| mailvouch |" in written
    assert "NO" not in written


def test_the_plot_is_an_image_with_every_name_in_it():
    image = report.plot({"jobs/s": {"ours": 300.0, "theirs & others": 200.0}})
    assert image.startswith("<svg ")
    assert "theirs &amp; others" in image
