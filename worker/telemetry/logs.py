"""Logs: one set-up for our own events and for the records of Dramatiq, redis-py and asyncio.

Every line goes to stderr, so that a command's own output stays clean. What may stand in a line is
decided by type (`log_values.py`): plain values pass, secrets become the mask, anything else is its
type's name. Tracebacks carry no locals and no inputs. SIGUSR1 switches debug on and off. No line is
ever waited for (`log_output.py`).
"""

import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from producer.log_output import LogOutput, writer_to
from worker.telemetry.log_values import (
    describe_chain,
    plain,
    plain_argument,
    print_chain,
    restrained_message,
)

SUPERVISOR: Final = "supervisor"
"""The slot of the process that runs no job."""

OWN_LOGGERS: Final = ("worker", "producer")
"""Whose `extra=` is shown; a foreign library's may hold anything."""

_PLAIN_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class Level:
    """The log level of this process, which a running worker can change."""

    def __init__(self, configured: str) -> None:
        self._configured = logging.getLevelNamesMapping()[configured.upper()]
        self._now = self._configured
        logging.getLogger().setLevel(self._now)

    def toggle_debug(self) -> None:
        """Switch between DEBUG and the configured level."""
        self._now = self._configured if self._now is logging.DEBUG else logging.DEBUG
        logging.getLogger().setLevel(self._now)
        structlog.get_logger("worker").warning("debug_logs", on=self._now is logging.DEBUG)


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs of this process."""

    level: Level
    output: LogOutput


def configure(
    level: str = "INFO",
    log_format: str | None = None,
    stream: TextIO | None = None,
    *,
    slot: str = SUPERVISOR,
) -> Logs:
    """Set logs up for this process. `log_format` None: console on a terminal, else JSON.

    `slot`: which of the worker's processes this is; it stands in every line.
    """
    out = stream or sys.stderr
    console = (log_format or ("console" if out.isatty() else "json")) == "console"
    handler = LogOutput(writer_to(out), getattr(out, "encoding", None) or "utf-8")
    handler.addFilter(_tame_foreign_record)
    shared = _shared_processors(os.getpid(), slot)
    render = _console_processors(colors=out.isatty()) if console else _json_processors()
    handler.setFormatter(_formatter(shared, render))
    logging.raiseExceptions = False  # a line that cannot be written is no reason to print another
    logging.getLogger().handlers = [handler]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return Logs(Level(level), handler)


def _formatter(
    shared: Sequence[Processor], render: Sequence[Processor]
) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_add_own_extra, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    )


def _shared_processors(pid: int, slot: str) -> list[Processor]:
    """What our events and foreign records have in common."""

    def add_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("pid", pid)
        event.setdefault("slot", slot)
        return event

    return [
        add_process,
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _add_own_extra(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Show what our own modules give to the standard library's logging as `extra=`."""
    record: logging.LogRecord = event["_record"]
    if record.name.partition(".")[0] in OWN_LOGGERS:
        fields = vars(record).items()
        event.update({name: value for name, value in fields if name not in _PLAIN_RECORD})
    return event


def _json_processors() -> list[Processor]:
    return [
        _render_exception_as(describe_chain),
        _plain_values,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]


def _console_processors(*, colors: bool) -> list[Processor]:
    return [
        _plain_values,
        _render_exception_as(print_chain),
        structlog.dev.ConsoleRenderer(colors=colors),
    ]


def _render_exception_as(render: Any) -> Processor:
    """Put what `render` makes of the exception under the key `exception`."""

    def processor(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        exc_info = event.pop("exc_info", None)
        if exc_info is True:
            exc_info = sys.exc_info()
        error = exc_info[1] if isinstance(exc_info, tuple) else exc_info
        if isinstance(error, BaseException):
            event["exception"] = render(error)
        return event

    return processor


def _plain_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Let only plain values into the line, secrets masked."""
    return {
        key: value if key == "exc_info" else plain(value, name=key) for key, value in event.items()
    }


def _tame_foreign_record(record: logging.LogRecord) -> bool:
    """Take out of another library's record what it should not have put in."""
    if isinstance(record.msg, dict):
        return True  # One of our own events: its values are judged by `_plain_values`.
    if isinstance(record.args, tuple):
        record.args = tuple(plain_argument(argument) for argument in record.args)
    elif record.args:
        record.args = plain(record.args)
    record.msg = restrained_message(record.name, record.msg)
    return True
