"""Memory and descriptors over 100,000 jobs: does anything grow?"""

import sys
import time
from typing import Final

from bench.arena import running_farm, session
from bench.machine import descriptors, memory_mb, threads
from bench.report import table
from bench.wide.ours import ours

TITLE: Final = "Memory and descriptors over 100,000 jobs"
JOBS: Final = 100_000
PORTIONS: Final = 10
PLACES: Final = 100
RESULT_TTL_SECONDS: Final = 60
"""What Redis holds is not measured here."""


def section(jobs: int = JOBS) -> str:
    rows, sizes = [], []
    worker = ours(MAILVOUCH_RESULT_TTL_SECONDS=RESULT_TTL_SECONDS)
    with running_farm() as farm, session(worker, farm, PLACES) as running:
        pid = running.worker.pid
        for portion in range(PORTIONS):
            count = jobs // PORTIONS
            accounts = farm.jobs(count, first=portion * count)
            farm.counters()
            started = time.perf_counter()
            running.submit(accounts)
            running.finish()
            seconds = time.perf_counter() - started
            counted = farm.counters()
            right = min(counted["right smtp"], counted["right imap"])
            sizes.append(memory_mb([pid]))
            row = (
                f"{(portion + 1) * count:,}",
                f"{sizes[-1]:.1f}",
                str(descriptors(pid)),
                str(threads(pid)),
                f"{count / seconds:.0f}",
                "yes" if right == count else "NO",
            )
            print("  " + ", ".join(row), file=sys.stderr, flush=True)
            rows.append(row)
    heads = ("jobs", "RSS, MB", "descriptors", "threads", "jobs/s", "all right")
    drift = sizes[-1] / sizes[0] - 1
    return (
        table(heads, rows) + f"\nDrift of RSS after the first tenth: {drift:+.1%} (target 5 %).\n"
    )
