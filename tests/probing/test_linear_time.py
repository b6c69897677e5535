"""What a server says is read in linear time: 16 times the text takes some 16 times as long."""

import time

import pytest

from tests.support.text_functions import FUNCTIONS, UNITS, grown

SMALL, LARGE = 4 * 1024, 64 * 1024
MOST_SECONDS = 0.01
"""Below, a slope cannot be measured and need not be: 64 KiB may take so long."""

STEEPEST = 48
"""Linear would be 16, quadratic 256."""


def cpu_seconds(function, text, times):
    """The least CPU time of some runs: what the machine does beside it adds, and never takes."""
    return min(_once(function, text) for _ in range(times))


def _once(function, text):
    started = time.thread_time()
    function(text)
    return time.thread_time() - started


def is_steep(function, unit, times):
    large = cpu_seconds(function, grown(unit, LARGE), times)
    return (
        large > MOST_SECONDS and large / cpu_seconds(function, grown(unit, SMALL), times) > STEEPEST
    )


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_slope_of_each_function_is_linear_at_most_on_every_shape(name):
    function = FUNCTIONS[name]
    suspects = {shape: unit for shape, unit in UNITS.items() if is_steep(function, unit, 1)}
    assert [shape for shape, unit in suspects.items() if is_steep(function, unit, 5)] == []


def test_a_quadratic_function_would_be_noticed():
    def quadratic(text):
        for start in range(0, len(text), 16):
            text[start:].translate(None, b"x")

    assert is_steep(quadratic, b"a", 5)
