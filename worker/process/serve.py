"""`mailvouch-worker run`: embedded Redis if none is set, worker processes, metrics page.

This process runs no job. It keeps the others running, so that the page answers while they drain,
hang or die.
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import structlog

from producer.setting_names import unknown_settings
from producer.settings import PREFIX
from worker.process import keys
from worker.process.embedded import EmbeddedRedis
from worker.process.run_directory import RunDirectory, parents_of
from worker.process.spawn import Command, module_path
from worker.process.supervisor import Hooks, Supervisor
from worker.queue.shard_clients import open_shards
from worker.queue.signals import SignalWatch
from worker.settings import Settings
from worker.telemetry.exporter import REDIS_TIMEOUT_SECONDS, Exporter, Sources
from worker.telemetry.heartbeat import Heartbeat
from worker.telemetry.logs import SUPERVISOR, Logs
from worker.telemetry.shared_values import forget_gauges
from worker.version import VERSION

_log = structlog.get_logger("worker")


def serve(settings: Settings, logs: Logs, signals: SignalWatch) -> int:
    """Run until a signal to stop, also one that comes during the start; return the exit status.

    Raises EmbeddedRedisError, PortTakenError: each says in one line what to do.
    """
    keys.check_files(settings)
    warn_of_unknown_settings()
    with ExitStack() as stack:
        directory = RunDirectory(parents_of(settings.data_dir))
        stack.callback(directory.close)
        supervisor = Supervisor(
            _command(settings, directory.path),
            settings.processes,
            shutdown_seconds=settings.shutdown_seconds,
            signals=signals,
        )
        workers = SupervisedWorkers(supervisor, directory)
        # First of all that can be waited for: a port that is taken stops the start.
        page = _page(settings, workers, stack)
        _start_redis(settings, stack)
        supervisor.hooks = _ServeHooks(page, logs, directory)
        _log.info(
            "worker_starts",
            version=VERSION,
            processes=settings.processes,
            concurrency=settings.concurrency,
            metrics=page.url,
        )
        status = supervisor.run()
        _log.info("worker_ends", status=status)
        return status


def warn_of_unknown_settings() -> None:
    """Log each variable that looks like a setting and is none."""
    for line in unknown_settings():
        _log.warning("unknown_setting", remedy=line)


class SupervisedWorkers:
    """The supervisor's processes, as the metrics page sees them."""

    def __init__(self, supervisor: Supervisor, directory: RunDirectory) -> None:
        self.directory = directory.path
        self._supervisor = supervisor

    def heartbeats(self) -> Sequence[Heartbeat]:
        """One for each process that should run."""
        return self._supervisor.heartbeats()

    def pids(self) -> Mapping[str, int]:
        """The worker processes, and this one."""
        return {SUPERVISOR: os.getpid(), **self._supervisor.pids()}

    def restarts(self) -> int:
        """How many were replaced."""
        return self._supervisor.restarts


class _ServeHooks(Hooks):
    def __init__(self, page: Exporter, logs: Logs, directory: RunDirectory) -> None:
        self._page = page
        self._logs = logs
        self._directory = directory

    def on_look(self) -> None:
        """Write the log lines that a slow reader has left waiting; keep the directory."""
        self._logs.flush()
        self._directory.keep()

    def on_exit(self, slot: int) -> None:
        """Forget what the process had in flight."""
        if self._directory.path is not None:
            forget_gauges(self._directory.path, slot)

    def on_stop(self) -> None:
        """Tell orchestrators that no more jobs are fetched."""
        self._page.drain()


def _start_redis(settings: Settings, stack: ExitStack) -> None:
    if settings.redis_url is not None:
        return
    embedded = EmbeddedRedis(settings.data_dir)
    _log.info("embedded_redis", note=embedded.start())
    stack.callback(lambda: _log.info("embedded_redis", note=embedded.stop()))
    ended = threading.Event()
    stack.callback(ended.set)
    threading.Thread(
        target=embedded.keep_alive,
        args=(ended, lambda note: _log.warning("embedded_redis", note=note)),
        name="embedded-redis",
        daemon=True,
    ).start()


def _page(settings: Settings, workers: SupervisedWorkers, stack: ExitStack) -> Exporter:
    opening = open_shards(settings.redis_address, settings.keyspace, REDIS_TIMEOUT_SECONDS)
    sources = Sources(stack.enter_context(opening), VERSION, workers)
    page = Exporter(settings.metrics_host, settings.metrics_port, sources)
    page.start()
    stack.callback(page.stop)
    return page


def _command(settings: Settings, directory: Path | None) -> Callable[[int], Command]:
    """How a child is started; it gets what this process has decided: the Redis, the keys made."""
    files = keys.store_key_files(settings)
    keys.vault_of(files)  # those under DATA_DIR have not been checked yet
    environment = module_path(
        {
            **os.environ,
            f"{PREFIX}REDIS_URL": settings.redis_address,
            f"{PREFIX}STORE_KEYS": ",".join(str(file.absolute()) for file in files),
        }
    )
    program = (sys.executable, "-P", "-m", "worker.process.child")
    where = "-" if directory is None else str(directory)
    parent = str(os.getpid())
    return lambda slot: Command((*program, str(slot), where, parent), environment)
