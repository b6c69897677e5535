"""From the start of a worker to the result of a job that waits already."""

import tempfile
import time
from pathlib import Path
from typing import Final

from bench.arena import Farm, running_farm
from bench.contenders import environment
from bench.machine import Program
from bench.peers.ours_client import request
from bench.report import spread, table
from bench.wide.ours import ONE_PROCESS, WHOLE_WORKER, ours
from producer.client import Client
from tests.support.redis_process import redis_process

TITLE: Final = "Cold start"
REPEATS: Final = 5
COMMANDS: Final = {
    "`mailvouch-worker run`": WHOLE_WORKER,
    "one of its processes": ONE_PROCESS,
}


def section(repeats: int = REPEATS) -> str:
    took: dict[str, list[float]] = {name: [] for name in COMMANDS}
    with running_farm() as farm:
        for _ in range(repeats):
            for name, module in COMMANDS.items():
                took[name].append(seconds_to_result(module, farm))
    heads = ("start to the first job's result", "seconds", "target")
    return table(heads, [(name, spread(values, 2), "1") for name, values in took.items()])


def seconds_to_result(module: tuple[str, ...], farm: Farm) -> float:
    command = ours(module).worker_command(100)
    with (
        tempfile.TemporaryDirectory(prefix="bench-wide-") as directory,
        redis_process(Path(directory), "--appendonly", "no") as server,
        Client(server.url) as client,
    ):
        job_id = client.submit(request(farm.jobs(1)[0]))
        started = time.perf_counter()
        surroundings = environment(server.url, farm.ca_file, 100)
        with Program(command, surroundings, Path(directory)):
            client.wait(job_id, 60)
            return time.perf_counter() - started
