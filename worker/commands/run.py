"""`mailvouch-worker run`."""

import signal
import sys

import click

from worker.queue.signals import SignalWatch, ignore_stop_signals, stop_signals


@click.command()
def run() -> None:
    """Run the worker: all processes, metrics, and an embedded Redis if none is set.

    SIGTERM (or ctrl-c, or a closed terminal) stops fetching, lets the running jobs end within
    SHUTDOWN_SECONDS, gives the rest back to the queue and exits with 0. SIGUSR1 switches debug logs
    on and off.
    """
    signals = SignalWatch((*stop_signals(), signal.SIGCHLD, signal.SIGUSR1))
    status = _serve(signals)
    ignore_stop_signals()
    sys.exit(status)


def _serve(signals: SignalWatch) -> int:
    # Imported here: what takes long has to find the handlers set.
    from worker.process.embedded import EmbeddedRedisError  # noqa: PLC0415
    from worker.process.serve import serve  # noqa: PLC0415
    from worker.settings import load_settings  # noqa: PLC0415
    from worker.telemetry import logs  # noqa: PLC0415
    from worker.telemetry.exporter import PortTakenError  # noqa: PLC0415

    settings = load_settings()
    own_logs = logs.configure(settings.log_level, settings.log_format)
    try:
        return serve(settings, own_logs, signals)
    except (EmbeddedRedisError, PortTakenError) as error:
        raise click.UsageError(str(error)) from None
    finally:
        own_logs.output.close()
