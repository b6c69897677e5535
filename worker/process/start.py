"""The start of `mailvouch-worker run`: everything is checked, then the supervisor takes over.

Checking takes pydantic and cryptography, which the supervisor never uses while it lives as long as
the worker. So the supervisor is a fresh interpreter that imports neither, under the same process id
(execve(2)). Signals are held until then: those that come meanwhile stay pending, and are its own.
"""

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final, NoReturn

import structlog

from producer.setting_names import PREFIX, unknown_settings
from worker.process import keys
from worker.process.spawn import module_path
from worker.process.supervisor_settings import REDIS_URL, SupervisorSettings
from worker.settings import Settings, load_settings, refuse
from worker.telemetry import logs

EXTRA: Final = ("dns", "dramatiq", "hiredis", "idna", "prometheus_client", "re2", "structlog")
"""What the worker processes cannot do without; they would die of its absence one by one."""

_log = structlog.get_logger("worker")


def start() -> NoReturn:
    """Check the settings and every file that they name, then become the supervisor.

    Ends the start with one line for what cannot be used. Raises ModuleNotFoundError.
    """
    _require_extra()
    settings = load_settings()
    own_logs = logs.configure(settings.log_level, settings.log_format)
    try:
        keys.check_files(settings)
        warn_of_unknown_settings()
        environment = _environment(settings)
    finally:
        own_logs.output.close()
    program = (sys.executable, "-P", "-m", "worker.process.serve")
    # The command's own name, for those who look for it among the processes.
    arguments = (*program, "mailvouch-worker", "run", _supervisor_settings(settings).to_json())
    os.execve(sys.executable, arguments, environment)  # noqa: S606 - no shell is wanted


def warn_of_unknown_settings() -> None:
    """Log each variable that looks like a setting and is none."""
    for line in unknown_settings():
        _log.warning("unknown_setting", remedy=line)


def _require_extra() -> None:
    for name in EXTRA:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _environment(settings: Settings) -> Mapping[str, str]:
    """Of the supervisor and its children: the Redis and the keys that were decided on here."""
    files = keys.store_key_files(settings)
    keys.vault_of(files)  # those under DATA_DIR have not been checked yet
    for file in files:
        if "," in str(file.absolute()):
            setting = "store_keys" if settings.store_keys else "data_dir"
            refuse(f"{file.absolute()} has a comma: no list of files can hold it", setting)
    return module_path(
        {
            **os.environ,
            REDIS_URL: settings.redis_address,
            f"{PREFIX}STORE_KEYS": ",".join(str(file.absolute()) for file in files),
        }
    )


def _supervisor_settings(settings: Settings) -> SupervisorSettings:
    return SupervisorSettings(
        embedded=settings.redis_url is None,
        data_dir=str(settings.data_dir),
        namespace=settings.namespace,
        shards=settings.shards,
        processes=settings.processes,
        concurrency=settings.concurrency,
        shutdown_seconds=settings.shutdown_seconds,
        metrics_host=settings.metrics_host,
        metrics_port=settings.metrics_port,
        log_level=settings.log_level,
        log_format=settings.log_format,
    )
