"""The submitting side of a contender, driven over stdin and stdout, one JSON object a line.

{"do": "submit" | "bulk" | "latency", "jobs": <file>, "gap_seconds": 0.1}
{"seconds": 1.5}, null (no bulk call), {"milliseconds": [...], "wrong": 0}
"""

import asyncio
import json
import random
import sys
import time
from pathlib import Path


def orders():
    print("{}", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        yield order, json.loads(Path(order["jobs"]).read_text())


def answer(content):
    print(json.dumps(content), flush=True)


def is_right(result):
    return result["smtp"] and result["imap"]


def drive(submit, wait, bulk=None):
    """`submit(job)` gives what `wait` turns into a result; `bulk(jobs)` submits many."""
    for order, jobs in orders():
        started = time.perf_counter()
        if order["do"] == "submit":
            for job in jobs:
                submit(job)
            answer({"seconds": time.perf_counter() - started})
        elif order["do"] == "bulk":
            if bulk is not None:
                bulk(jobs)
            answer(bulk and {"seconds": time.perf_counter() - started})
        else:
            took, wrong = [], 0
            for job in jobs:
                started = time.perf_counter()
                wrong += not is_right(wait(submit(job)))
                took.append(1000 * (time.perf_counter() - started))
                time.sleep(order["gap_seconds"] * random.uniform(0.5, 1.5))
            answer({"milliseconds": took, "wrong": wrong})


async def drive_async(submit, wait):
    """The same for coroutines."""
    for order, jobs in orders():
        started = time.perf_counter()
        if order["do"] == "submit":
            for job in jobs:
                await submit(job)
            answer({"seconds": time.perf_counter() - started})
        elif order["do"] == "bulk":
            answer(None)
        else:
            took, wrong = [], 0
            for job in jobs:
                started = time.perf_counter()
                wrong += not is_right(await wait(await submit(job)))
                took.append(1000 * (time.perf_counter() - started))
                await asyncio.sleep(order["gap_seconds"] * random.uniform(0.5, 1.5))
            answer({"milliseconds": took, "wrong": wrong})
