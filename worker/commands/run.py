"""`mailvouch-worker run`."""

import sys

import click

from worker.process.embedded import EmbeddedRedisError
from worker.process.serve import serve
from worker.settings import load_settings
from worker.telemetry import logs
from worker.telemetry.exporter import PortTakenError


@click.command()
def run() -> None:
    """Run the worker: all processes, metrics, and an embedded Redis if none is set.

    SIGTERM (or ctrl-c, or a closed terminal) stops fetching, lets the running jobs end within
    SHUTDOWN_SECONDS, gives the rest back to the queue and exits with 0. SIGUSR1 switches debug logs
    on and off.
    """
    settings = load_settings()
    logs.configure(settings.log_level, settings.log_format)
    try:
        sys.exit(serve(settings))
    except (EmbeddedRedisError, PortTakenError) as error:
        raise click.UsageError(str(error)) from None
