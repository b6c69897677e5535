"""One worker process: what `mailvouch-worker run` supervises, `python -m worker.process.child`.

Its arguments are SLOT, the process' place under its supervisor, and DIR, where metrics and pulses
are kept.
"""

import gc
import sys
from pathlib import Path
from typing import Final

from worker.process.compose import build
from worker.process.open_files import allow_open_files
from worker.queue.runner import AsyncWorker, run
from worker.settings import load_settings
from worker.telemetry import logs
from worker.telemetry.metrics import share_values
from worker.telemetry.pulse import Pulse
from worker.telemetry.tracing import start_tracing

COLLECT_AFTER: Final = (2_000, 30, 200)
"""New objects, passes over them, passes over the middle-aged; by default 700, 10, 10. A pass holds
up the loop: with 20,000 new objects, 5,000 jobs in flight, for 20 to 400 ms.
"""


def main(slot: int, directory: Path) -> int:
    """Run until a signal to stop, drain, return the exit status."""
    settings = load_settings()
    level = logs.configure(settings.log_level, settings.log_format)
    level.toggle_on_signal()
    allow_open_files(settings.concurrency)
    share_values(directory, slot)
    tracing = start_tracing()
    setup = build(settings, tracing, Pulse(directory, slot).beat)
    spare_the_collector()
    try:
        return run(AsyncWorker(setup))
    finally:
        tracing.close()


def spare_the_collector() -> None:
    """Look for reference cycles less often, and never in what lives as long as the process.

    With hundreds of jobs in flight nearly everything that is young is still in use: by default the
    collector walks it again and again, for 5 % of all time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2])))
