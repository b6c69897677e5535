"""Logs: one set-up for our own events and for the records of Dramatiq, redis-py and asyncio.

Every line goes to stderr, so that a command's own output stays clean. What may stand in a line is
decided by type (`log_values.py`): plain values pass, secrets become the mask, anything else is its
type's name. Tracebacks carry no locals and no inputs. SIGUSR1 switches debug on and off.
"""

import logging
import signal
import sys
from typing import Any, Literal, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from worker.telemetry.log_values import (
    describe_chain,
    plain,
    plain_argument,
    print_chain,
    restrained_message,
)

LogFormat = Literal["json", "console"]


class Level:
    """The log level of this process, which a running worker can change."""

    def __init__(self, configured: str) -> None:
        self._configured = logging.getLevelNamesMapping()[configured.upper()]
        self._now = self._configured
        logging.getLogger().setLevel(self._now)

    def toggle_debug(self) -> bool:
        """Switch between DEBUG and the configured level; tells whether debug is on now."""
        self._now = self._configured if self._now is logging.DEBUG else logging.DEBUG
        logging.getLogger().setLevel(self._now)
        on = self._now is logging.DEBUG
        structlog.get_logger("worker").warning("debug_logs", on=on)
        return on

    def toggle_on_signal(self) -> None:
        """`kill -USR1 <pid>` toggles debug. Main thread only; a supervisor passes the signal on."""
        signal.signal(signal.SIGUSR1, lambda _signal, _frame: self.toggle_debug())


def configure(
    level: str = "INFO", log_format: LogFormat | None = None, stream: TextIO | None = None
) -> Level:
    """Set logs up for this process. `log_format` None: console on a terminal, else JSON."""
    out = stream or sys.stderr
    console = (log_format or ("console" if out.isatty() else "json")) == "console"
    handler = logging.StreamHandler(out)
    handler.addFilter(_tame_foreign_record)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared_processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_console_processors(colors=out.isatty()) if console else _json_processors()),
            ],
        )
    )
    logging.getLogger().handlers = [handler]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return Level(level)


def _shared_processors() -> list[Processor]:
    """What our events and foreign records have in common."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


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
