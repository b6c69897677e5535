"""The supervisor, `python -m worker.process.serve`: embedded Redis, worker processes, metrics page.

This process runs no job. It keeps the others running, so that the page answers while they drain,
hang or die. `worker.process.start` put it in its own place once every setting was checked; what a
job needs (Dramatiq, pydantic, cryptography) is not imported here (tests/process/test_lean.py).

Its arguments are the command's own name, for people, and last the settings.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import producer.lean  # noqa: F401 - before what it makes smaller

# isort: split
import structlog

from producer.version import VERSION
from worker.process.embedded import EmbeddedRedis
from worker.process.redis_program import EmbeddedRedisError
from worker.process.run_directory import RunDirectory, parents_of
from worker.process.spawn import Command
from worker.process.supervisor import Hooks, Supervisor
from worker.process.supervisor_settings import SupervisorSettings
from worker.process.threads import REMEDY, is_lack_of_threads
from worker.queue.shard_clients import open_shards
from worker.queue.signals import SignalWatch, ignore_stop_signals, stop_signals
from worker.telemetry import logs
from worker.telemetry.exporter import REDIS_TIMEOUT_SECONDS, Exporter, PortTakenError, Sources
from worker.telemetry.heartbeat import Heartbeat
from worker.telemetry.logs import SUPERVISOR, Logs
from worker.telemetry.shared_values import forget_gauges

_log = structlog.get_logger("worker")


def main(settings: SupervisorSettings) -> int:
    """Run until a signal to stop; return the exit status: 2 where the start failed of itself."""
    signals = SignalWatch((*stop_signals(), signal.SIGCHLD, signal.SIGUSR1))
    own_logs = logs.configure(settings.log_level, settings.log_format)
    try:
        return serve(settings, own_logs, signals)
    except (EmbeddedRedisError, PortTakenError) as error:
        if signals.stopping:  # a whole group's signal ends a server that has begun just now
            return 0
        _refuse(str(error))
        return 2
    except RuntimeError as error:
        if not is_lack_of_threads(error):
            raise
        _refuse(REMEDY)
        return 2
    finally:
        own_logs.output.close()


def serve(settings: SupervisorSettings, logs: Logs, signals: SignalWatch) -> int:
    """Run until a signal to stop, also one that comes during the start; return the exit status.

    Raises EmbeddedRedisError, PortTakenError: each says in one line what to do.
    """
    with ExitStack() as stack:
        directory = RunDirectory(parents_of(settings.folder))
        stack.callback(directory.close)
        supervisor = Supervisor(
            _command(directory.path),
            settings.processes,
            shutdown_seconds=settings.shutdown_seconds,
            signals=signals,
        )
        workers = SupervisedWorkers(supervisor, directory)
        # Before anything that takes time: a port that is taken stops the start.
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


class SupervisedWorkers:
    """The supervisor's processes, as the metrics page sees them."""

    def __init__(self, supervisor: Supervisor, directory: RunDirectory) -> None:
        self.directory = directory.path
        self._supervisor = supervisor

    def heartbeats(self) -> Sequence[Heartbeat]:
        return self._supervisor.heartbeats()

    def pids(self) -> Mapping[str, int]:
        """The worker processes, and this one."""
        return {SUPERVISOR: os.getpid(), **self._supervisor.pids()}

    def restarts(self) -> int:
        return self._supervisor.restarts


class _ServeHooks(Hooks):
    def __init__(self, page: Exporter, logs: Logs, directory: RunDirectory) -> None:
        self._page = page
        self._logs = logs
        self._directory = directory

    def on_look(self) -> None:
        """Write the log lines that a slow reader has left waiting; keep the directory."""
        self._logs.output.flush()
        self._directory.keep()

    def on_exit(self, slot: int) -> None:
        """Forget what the process had in flight."""
        if self._directory.path is not None:
            forget_gauges(self._directory.path, slot)

    def on_stop(self) -> None:
        """Tell orchestrators that no more jobs are fetched."""
        self._page.drain()


def _start_redis(settings: SupervisorSettings, stack: ExitStack) -> None:
    if not settings.embedded:
        return
    embedded = EmbeddedRedis(settings.folder)
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


def _page(settings: SupervisorSettings, workers: SupervisedWorkers, stack: ExitStack) -> Exporter:
    opening = open_shards(settings.redis_address, settings.keyspace, REDIS_TIMEOUT_SECONDS)
    sources = Sources(stack.enter_context(opening), VERSION, workers)
    page = Exporter(settings.metrics_host, settings.metrics_port, sources)
    page.start()
    stack.callback(page.stop)
    return page


def _command(directory: Path | None) -> Callable[[int], Command]:
    """How a child is started; the Redis and the keys are in the environment, which it inherits."""
    program = (sys.executable, "-P", "-m", "worker.process.child")
    where = "-" if directory is None else str(directory)
    parent = str(os.getpid())
    return lambda slot: Command((*program, str(slot), where, parent))


def _refuse(reason: str) -> None:
    from producer.printable import echo, plain  # noqa: PLC0415 - click, for a start that failed

    echo(f"mailvouch-worker: {plain(reason)}", err=True)


if __name__ == "__main__":
    _status = main(SupervisorSettings.from_json(sys.argv[-1]))
    ignore_stop_signals()
    sys.exit(_status)
