"""How slow this machine is just now, for bounds on CPU time.

Who else works on a machine takes caches and half of a core away, and the same instructions then
take up to twice the CPU time.
"""

import time
import unicodedata
from collections.abc import Callable

USUAL_SECONDS = 0.0066
"""CPU time of `_work` on an idle AMD EPYC with Python 3.11, where the budgets were stated."""

SLOWEST = 3.0
"""A bound that grows for ever holds nothing."""

_TEXT = "Zażółć gęślą jaźń, 535 5.7.8 \ufdfa" * 1200


def slowness() -> float:
    """Return how many times longer than USUAL_SECONDS `_work` takes now, at least 1."""
    seconds = min(_work() for _ in range(3))
    return min(max(1.0, seconds / USUAL_SECONDS), SLOWEST)


RUNS = 5
"""The least of so many counts: whatever else the machine does adds to it, and never takes."""


def least(measure: Callable[[], float], bound: float) -> float:
    """Return the first count below the bound, or else the least, as the usual machine counts."""
    counts = []
    for _ in range(RUNS):
        seconds = measure()
        if seconds < bound:
            return seconds
        counts.append(seconds / slowness())
    return min(counts)


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
