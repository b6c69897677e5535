"""The gateway's logs: one line an event on stderr, JSON or for a terminal; nobody waits for it."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from typing import Final

import structlog

from producer.log_output import LogOutput, writer_to
from producer.settings import LogFormat

FLUSH_SECONDS: Final = 1.0
"""How long lines may wait that a slow reader had no room for, once there is room."""


def configure(level: str, log_format: LogFormat | None) -> LogOutput:
    """Set logs up. uvicorn's records come from "error" upwards.

    Its requests are ours to log, and any client can cause its warnings: one of them tells the
    operator to install a package for web sockets.
    """
    console = (log_format or ("console" if sys.stderr.isatty() else "json")) == "console"
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    output = LogOutput(writer_to(sys.stderr), sys.stderr.encoding)
    output.setFormatter(_formatter(shared, console=console))
    root = logging.getLogger()
    root.handlers = [output]
    root.setLevel(level)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return output


def _formatter(
    shared: Sequence[structlog.types.Processor], *, console: bool
) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        # How many lines were dropped stands in the record's `count`.
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow={"count"}), *shared],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_traceback,
            structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(),
        ],
    )


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Leave out answers that nobody took to their end: uvicorn cancels them when it stops."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


async def keep_flushing(output: LogOutput) -> None:
    """Write what has waited for a slow reader, until cancelled."""
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        output.flush()


def _without_traceback(
    _logger: structlog.types.WrappedLogger, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Name an exception by its type: its text may quote what was sent."""
    exc_info = event.pop("exc_info", None)
    if isinstance(exc_info, tuple) and exc_info[0] is not None:
        event["exception"] = exc_info[0].__name__
    return event
