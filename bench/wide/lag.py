"""How late a worker's event loop is: `python -m bench.wide.lag SLOT DIR`.

That is `worker.process.child` with one task more, beside its jobs on the same loop. Instants 10 ms
apart are due, and each counts with how late the loop came to it, also those that a stall skipped:
else a stall of 300 ms would be one sample of many instead of 30. Written to BENCH_LAG_FILE at the
end.
"""

import asyncio
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from worker.process import child

STEP_SECONDS: Final = 0.01

Sample = tuple[float, float]
"""When the loop's turn was due (seconds of the machine's monotonic clock), and how late it came."""


def met(due: float, now: float) -> Iterator[Sample]:
    """The instants from `due` up to `now`, all met now."""
    while due <= now:
        yield due, now - due
        due += STEP_SECONDS


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def between(file: Path, start: float, end: float) -> list[float]:
    """Milliseconds late, for the instants due from `start` to `end`."""
    return [1000 * late for due, late in json.loads(file.read_text()) if start <= due < end]


async def watch(file: Path) -> None:
    """Run on the worker's loop until cancelled."""
    samples: list[Sample] = []
    due = time.monotonic() + STEP_SECONDS
    try:
        while True:
            await asyncio.sleep(due - time.monotonic())
            for sample in met(due, time.monotonic()):
                samples.append(sample)
                due = sample[0] + STEP_SECONDS
    finally:
        keep(file, samples)


def keep(file: Path, samples: list[Sample]) -> None:
    file.write_text(json.dumps(samples))


if __name__ == "__main__":
    beside = partial(watch, Path(os.environ["BENCH_LAG_FILE"]))
    boot = child.boot
    child.boot = lambda *arguments: boot(*arguments, beside)  # type: ignore[assignment]  # the very start of a child, and one watcher more
    sys.exit(child.main(int(sys.argv[1]), Path(sys.argv[2])))
