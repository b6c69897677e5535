"""The start of a worker process, whoever started it: our supervisor or Dramatiq's command."""

import gc
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from producer.core_dumps import forbid_core_dumps
from worker.probing.classify import learnt
from worker.process.compose import build
from worker.process.open_files import allow_open_files
from worker.queue.setup import Companion, Setup
from worker.settings import Settings
from worker.telemetry.heartbeat import Beat, keep_up
from worker.telemetry.logs import Logs
from worker.telemetry.metrics import Metrics
from worker.telemetry.shared_values import SharedValues
from worker.telemetry.tracing import Tracing, start_tracing

COLLECT_AFTER: Final = (500, 3, 8_000)
"""New objects beyond those that went meanwhile, passes over them, passes over the middle-aged; by
default 700, 10, 10. A pass holds up the loop, for 0.4 ms a thousand objects, and beside what goes
many more are new: 10 ms measured with 6,000 jobs at once (58 with 2,000 and 5, and no less in all).
The pass over all that is old comes once in hours. What a job leaves behind needs none
(`forget_frames`).
"""


@dataclass(frozen=True, slots=True)
class ProcessSlot:
    """What tells one worker process from the others: its number, metrics directory and heartbeats.

    `directory` None: there is none; the process counts for itself alone.
    """

    number: int
    directory: Path | None
    beats: tuple[Beat, ...]


@dataclass(frozen=True, slots=True)
class Booted:
    """A worker process that is ready to run."""

    setup: Setup
    tracing: Tracing


def boot(settings: Settings, logs: Logs, slot: ProcessSlot, *companions: Companion) -> Booted:
    """Put the process together; connects nothing. Ends the start for what cannot be used.

    Raises RuntimeError where the system allows no thread (`threads`).
    `companions` run beside the jobs, on the same loop.
    """
    forbid_core_dumps()
    enough_for = allow_open_files(settings.concurrency)
    settings = settings.model_copy(update={"concurrency": min(settings.concurrency, enough_for)})
    duties: list[Beat] = [*slot.beats, logs.output.flush]
    if slot.directory is not None:
        shared = SharedValues(slot.directory, slot.number)
        shared.begin()
        duties.append(shared.keep)
    metrics = Metrics()
    logs.output.count_with(metrics.observe_dropped_lines)
    tracing = start_tracing()
    setup = build(
        settings, tracing, metrics, partial(keep_up, duties, metrics.observe_loop_lag), *companions
    )
    learnt.models()  # 40 ms, for which the loop would stand still at the first unknown words
    tune_garbage_collection()
    return Booted(setup, tracing)


def tune_garbage_collection() -> None:
    """Look for reference cycles less often, and never in what lives as long as the process.

    With hundreds of jobs in flight nearly everything that is young is still in use: by default the
    collector walks it again and again, for 5 % of all time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    gc.enable()
