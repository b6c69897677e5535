"""`mailvouch-worker run`: embedded Redis if none is set, worker processes, metrics page.

This process runs no job. It keeps the others running, so that the page answers while they drain,
hang or die.
"""

import os
import shutil
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from typing import Final

import redis
import structlog

from producer.settings import PREFIX
from worker.process import keys
from worker.process.embedded import EmbeddedRedis, EmbeddedRedisError
from worker.process.supervisor import Signals, Supervisor, noted_signals
from worker.redis_link.connections import sync_client
from worker.settings import Settings
from worker.telemetry import metrics, pulse
from worker.telemetry.exporter import REDIS_TIMEOUT_SECONDS, Exporter, Sources
from worker.version import VERSION

FIGURES: Final = "mailvouch-"
EMBEDDED_LOOK_SECONDS: Final = 1.0

_log = structlog.get_logger("worker")


def serve(settings: Settings) -> int:
    """Run until a signal to stop, also one that comes during the start; return the exit status.

    Raises EmbeddedRedisError, PortTakenError: each says in one line what to do.
    """
    keys.check_files(settings)
    signals: Signals = SimpleQueue()
    with noted_signals(signals), ExitStack() as stack:
        url = _redis(settings, stack)
        directory = _directory_of_figures(stack)
        _tell_the_children(settings, url)
        client = stack.enter_context(
            sync_client(url, max_connections=4, timeout_seconds=REDIS_TIMEOUT_SECONDS)
        )
        exporter = Exporter(
            settings.metrics_host,
            settings.metrics_port,
            Sources(client, settings.namespace, VERSION, directory),
        )
        exporter.start()
        stack.callback(exporter.stop)
        _log.info(
            "worker_starts",
            version=VERSION,
            processes=settings.processes,
            concurrency=settings.concurrency,
            metrics=exporter.url,
        )
        supervisor = Supervisor(
            lambda slot: [sys.executable, "-m", "worker.process.child", str(slot), str(directory)],
            settings.processes,
            shutdown_seconds=settings.shutdown_seconds,
            on_stop=exporter.drain,
            on_exit=lambda slot: metrics.forget_gauges(directory, slot),
            signals=signals,
        )
        status = supervisor.run()
        _log.info("worker_ends", status=status)
        return status


def _redis(settings: Settings, stack: ExitStack) -> str:
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    embedded = EmbeddedRedis(settings.data_dir)
    _log.info("embedded_redis", note=embedded.start())
    stack.callback(lambda: _log.info("embedded_redis", note=embedded.stop()))
    ended = threading.Event()
    stack.callback(ended.set)
    threading.Thread(
        target=_keep_alive, args=(embedded, ended), name="embedded-redis", daemon=True
    ).start()
    return embedded.url


def _keep_alive(embedded: EmbeddedRedis, ended: threading.Event) -> None:
    """Start the server again where it died under its workers."""
    client = redis.Redis.from_url(embedded.url, socket_timeout=5)
    while not ended.wait(EMBEDDED_LOOK_SECONDS):
        try:
            client.ping()
        except redis.RedisError:
            if ended.is_set():
                return
            try:
                _log.warning("embedded_redis", note=embedded.start())
            except EmbeddedRedisError as error:
                _log.error("embedded_redis", note=str(error))


def _directory_of_figures(stack: ExitStack) -> Path:
    for stale in Path(tempfile.gettempdir()).glob(f"{FIGURES}*"):
        if not _is_alive(stale.name.removeprefix(FIGURES).partition("-")[0]):
            shutil.rmtree(stale, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{FIGURES}{os.getpid()}-"))
    stack.callback(shutil.rmtree, directory, ignore_errors=True)
    metrics.clear_directory(directory)
    pulse.forget_pulses(directory)
    return directory


def _is_alive(pid: str) -> bool:
    """Tell whether the worker that left a directory runs; one that was killed did not tidy up."""
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (ValueError, PermissionError):
        return True
    return True


def _tell_the_children(settings: Settings, url: str) -> None:
    """Hand down what this process has decided: the Redis in use and the keys that were made."""
    files = keys.store_key_files(settings)
    keys.vault_of(files)  # those under DATA_DIR have not been checked yet
    os.environ[f"{PREFIX}REDIS_URL"] = url
    os.environ[f"{PREFIX}STORE_KEYS"] = ",".join(str(file.absolute()) for file in files)
