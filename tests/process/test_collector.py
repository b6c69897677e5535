"""How long the garbage collector holds up a worker's loop."""

import json
import subprocess
import sys

import pytest

PASSES = """
import gc, json
gc.disable()  # as a worker process starts
from collections import deque
from worker.process.boot import tune_garbage_collection

passes = []
jobs = deque([[]] for _ in range(100_000))

def count(step, about):
    if step == "start":
        young = range(about["generation"] + 1)
        passes.append([about["generation"], sum(len(gc.get_objects(one)) for one in young)])

tune_garbage_collection()
gc.callbacks.append(count)
"""

JOBS_THAT_STAY = """
in_use = [[] for _ in range(200_000)]
"""
JOBS_THAT_GO_WHILE_MORE_COME = """
for _ in range(len(jobs)):
    jobs.popleft()  # two objects
    jobs.append([[], []])
"""

TELL = """
print(json.dumps(passes))
"""


@pytest.mark.parametrize("work", [JOBS_THAT_STAY, JOBS_THAT_GO_WHILE_MORE_COME], ids=["stay", "go"])
def test_a_pass_of_the_collector_walks_some_ten_thousand_objects_at_the_most(work):
    program = PASSES + work + TELL
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    passes = json.loads(told.stdout)
    assert len(passes) > 20
    assert max(objects for _, objects in passes) < 15_000
    assert {generation for generation, _ in passes} == {0, 1}
