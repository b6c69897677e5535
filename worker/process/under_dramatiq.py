"""`dramatiq worker.app`: the same worker, with Dramatiq's command in the place of our supervisor.

Its processes know nothing of each other but their parent, so they meet in a folder named after it.
Each takes a slot, counts and beats there; one more process, which Dramatiq starts for the purpose,
serves the metrics page of them all. Dramatiq replaces no process: when one ends, it ends them all.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import dramatiq
import structlog

from producer.version import VERSION
from worker.process.boot import Booted, ProcessSlot, boot
from worker.process.run_directory import RunDirectory, claim_slot, parents_of, slots_in_use
from worker.process.start import warn_of_unknown_settings
from worker.queue.shard_clients import open_shards
from worker.queue.signals import SignalWatch, stop_signals
from worker.settings import Settings, load_settings
from worker.telemetry import logs
from worker.telemetry.exporter import REDIS_TIMEOUT_SECONDS, Exporter, PortTakenError, Sources
from worker.telemetry.heartbeat import BEAT_SECONDS, FileBeat, Heartbeat, read_files

POLL_SECONDS: Final = 0.2
_log = structlog.get_logger("worker.process.under_dramatiq")


class DramatiqWorkers:
    """The worker processes of Dramatiq's command, as the metrics page sees them."""

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        self._since = time.monotonic()

    def heartbeats(self) -> Sequence[Heartbeat]:
        """Those that were found; where there is none, one that is missing."""
        found = read_files(self.directory) if self.directory else []
        return found or [Heartbeat("0", time.monotonic() - self._since, has_beaten=False)]

    def pids(self) -> Mapping[str, int]:
        """Those that hold a slot."""
        return slots_in_use(self.directory) if self.directory else {}

    def restarts(self) -> int:
        """Dramatiq replaces none."""
        return 0


class Page(dramatiq.Middleware):
    """Has Dramatiq's command start the process of the metrics page."""

    @property
    def forks(self) -> list[Callable[[], int]]:
        """What else the command runs, each in a process of its own."""
        return [serve_page]


def start(settings: Settings) -> tuple[Booted, Callable[[], None]]:
    """Boot a process of Dramatiq's command; also returns what to call when it has stopped."""
    directory = _shared_directory(settings)
    slot = claim_slot(directory.path) if directory.path else 0
    own_logs = logs.configure(settings.log_level, settings.log_format, slot=str(slot))
    if threading.current_thread() is threading.main_thread():
        # Dramatiq's main thread looks around once a second: a handler is called soon enough.
        signal.signal(signal.SIGUSR1, lambda *_: own_logs.level.toggle_debug())
    beat = FileBeat(directory.path, slot) if directory.path else None
    booted = boot(settings, own_logs, ProcessSlot(slot, directory.path, (beat,) if beat else ()))

    def end() -> None:
        if beat is not None:
            beat.end()
        booted.tracing.close()
        directory.close()

    return booted, end


def serve_page() -> int:
    """Serve the metrics page until the last worker process has ended; its exit status."""
    signals = SignalWatch(stop_signals())
    settings = load_settings()
    logs.configure(settings.log_level, settings.log_format, slot="page")
    warn_of_unknown_settings()  # here, for of this process there is one
    directory = _shared_directory(settings)
    workers = DramatiqWorkers(directory.path)
    with open_shards(settings.redis_address, settings.keyspace, REDIS_TIMEOUT_SECONDS) as shards:
        status = _serve_page(settings, Sources(shards, VERSION, workers), workers, signals)
    directory.close()
    return status


def _serve_page(
    settings: Settings, sources: Sources, workers: DramatiqWorkers, signals: SignalWatch
) -> int:
    try:
        page = Exporter(settings.metrics_host, settings.metrics_port, sources)
    except PortTakenError as error:
        _log.error("metrics_page_missing", reason=str(error))
        return 1
    page.start()
    _log.info("metrics_page", metrics=page.url)
    parent = os.getppid()
    while not signals.stopping and os.getppid() == parent:
        signals.wait(BEAT_SECONDS)
    page.drain()
    while workers.pids() and os.getppid() == parent:
        signals.wait(POLL_SECONDS)
    page.stop()
    return 0


def _shared_directory(settings: Settings) -> RunDirectory:
    """The folder of those that have the same parent, in the same namespace of process ids."""
    try:
        namespace: Any = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        namespace = 0
    return RunDirectory(parents_of(settings.data_dir), f"dramatiq-{namespace}-{os.getppid()}")
