"""One worker process: what `mailvouch-worker run` supervises, `python -m worker.process.child`.

Its arguments are SLOT, which of the supervisor's processes it is; DIR, where all of them count, or
`-`; PARENT, the supervisor's process id; PIPE, the file into which it beats. The last two are
missing where it is run without a supervisor, as the benchmarks do. Signals are held until there are
handlers for them, so that none that comes during the imports is lost or kills.
"""

import gc
import os
import signal
import sys
from functools import partial
from pathlib import Path

import producer.lean  # noqa: F401 - before what it makes smaller

# isort: split
if __name__ == "__main__":
    # It finds nothing in what is imported, and takes a fifth of the time; `boot` switches it on.
    gc.disable()

import structlog

from worker.process.boot import ProcessSlot, boot
from worker.process.threads import REMEDY, is_lack_of_threads
from worker.queue.runner import AsyncWorker, run
from worker.queue.signals import SignalWatch, die_with_parent, stop_signals
from worker.settings import Settings, load_settings
from worker.telemetry import logs
from worker.telemetry.heartbeat import beat_into
from worker.telemetry.logs import Logs

_log = structlog.get_logger("worker.process.child")


def main(
    slot: int, directory: Path | None, parent: int | None = None, pipe: int | None = None
) -> int:
    """Run until a signal to stop, drain, return the exit status."""
    signals = SignalWatch((*stop_signals(), signal.SIGUSR1))
    if parent is not None and not die_with_parent(parent):
        return 0
    settings = load_settings()
    own_logs = logs.configure(settings.log_level, settings.log_format, slot=str(slot))
    beats = () if pipe is None else (partial(beat_into, pipe),)
    try:
        return _work(settings, own_logs, ProcessSlot(slot, directory, beats), signals)
    except RuntimeError as error:
        if not is_lack_of_threads(error):
            raise
        _log.critical("worker_process_not_started", reason=REMEDY)
        return os.EX_OSERR  # the supervisor tries again
    finally:
        own_logs.output.close()


def _work(settings: Settings, own_logs: Logs, slot: ProcessSlot, signals: SignalWatch) -> int:
    booted = boot(settings, own_logs, slot)
    try:
        return run(
            AsyncWorker(booted.setup), signals, lambda _number: own_logs.level.toggle_debug()
        )
    finally:
        booted.tracing.close()


if __name__ == "__main__":
    _slot, _directory, *_supervisor = sys.argv[1:]
    _where = None if _directory == "-" else Path(_directory)
    # At once: Python's own end would wait for threads that ask a name server that hangs.
    os._exit(main(int(_slot), _where, *map(int, _supervisor)))
