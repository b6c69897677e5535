"""One worker process: what `mailvouch-worker run` supervises, `python -m worker.child SLOT DIR`.

SLOT is the process' place under its supervisor, DIR where metrics and pulses are kept.
"""

import sys
from pathlib import Path

from worker import logs
from worker.compose import build
from worker.metrics import share_values
from worker.pulse import Pulse
from worker.queue.runner import AsyncWorker, run
from worker.settings import load_settings


def main(slot: int, directory: Path) -> int:
    """Run until SIGTERM or SIGINT, drain, return the exit status."""
    settings = load_settings()
    level = logs.configure(settings.log_level, settings.log_format)
    level.toggle_on_signal()
    share_values(directory, slot)
    setup = build(settings, Pulse(directory, slot).beat)
    return run(AsyncWorker(setup))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2])))
