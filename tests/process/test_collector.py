"""How long the garbage collector holds up a worker's loop."""

import json
import subprocess
import sys

PASSES = """
import gc, json
gc.disable()  # as a worker process starts
from worker.process.boot import tune_garbage_collection

passes = []

def count(step, about):
    if step == "start":
        young = range(about["generation"] + 1)
        passes.append([about["generation"], sum(len(gc.get_objects(one)) for one in young)])

tune_garbage_collection()
gc.callbacks.append(count)
in_use = [[] for _ in range(200_000)]
print(json.dumps(passes))
"""


def test_a_pass_of_the_collector_walks_some_ten_thousand_objects_at_the_most():
    told = subprocess.run([sys.executable, "-c", PASSES], check=True, capture_output=True)
    passes = json.loads(told.stdout)
    assert len(passes) > 20
    assert max(objects for _, objects in passes) < 15_000
    assert {generation for generation, _ in passes} == {0, 1}
