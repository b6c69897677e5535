"""Bounds on CPU time that hold on a machine that is shared: they tell a bound from none.

Who else works on a machine takes caches and half of a core away, and the same instructions then
take up to twice the CPU time. What a thing takes where nobody else works is told by `bench/`.
"""

import time
import unicodedata
from collections.abc import Callable

USUAL_SECONDS = 0.0066
"""CPU time of `_work` on an idle AMD EPYC with Python 3.11, where the budgets were stated."""

SLOWEST = 3.0
"""A bound that grows for ever holds nothing."""

MARGIN = 3.0
"""What has lost its bound goes beyond it by tens and hundreds of times; a busy machine by two."""

RUNS = 5
"""The least of so many counts: whatever else the machine does adds to it, and never takes."""

_TEXT = "Zażółć gęślą jaźń, 535 5.7.8 \ufdfa" * 1200


def assert_within(budget: float, measure: Callable[[], float]) -> None:
    """Fail where the least of some measures, as the usual machine counts, is far beyond `budget`.

    `measure` gives CPU seconds; or shares of several budgets, the largest of them, beside a
    `budget` of 1.
    """
    counts = []
    for _ in range(RUNS):
        count = measure()
        if count < budget:
            return
        counts.append(count / slowness())
    assert min(counts) < MARGIN * budget, f"the budget is {budget}, the counts are {counts}"


def slowness() -> float:
    """Return how many times longer than USUAL_SECONDS `_work` takes now, at least 1."""
    seconds = min(_work() for _ in range(3))
    return min(max(1.0, seconds / USUAL_SECONDS), SLOWEST)


def _work() -> float:
    """Do what judging a text does: fold, translate, look up and search."""
    began = time.thread_time()
    plain = unicodedata.normalize("NFKD", _TEXT).casefold()
    octets = plain.encode()
    table = bytes(reversed(range(256)))
    for _ in range(4):
        octets = octets.translate(table)
        octets.count(b"no")
    spaced = "".join(one if one.isalnum() else " " for one in plain)
    counted = dict.fromkeys(spaced.split(), 0)
    for word in spaced.split():
        counted[word] += 1
    return time.thread_time() - began
