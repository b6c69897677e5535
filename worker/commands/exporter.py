"""`mailvouch-worker exporter`: the metrics page without any worker."""

import signal
import sys

import click

from producer.printable import echo
from producer.version import VERSION
from worker.commands.console import operators_shards
from worker.settings import Settings, load_settings
from worker.telemetry.exporter import REDIS_TIMEOUT_SECONDS, Exporter, PortTakenError, Sources


@click.command("exporter")
def exporter() -> None:
    """Serve queue depth and age without any worker, until interrupted."""
    settings = load_settings()
    with operators_shards(settings, REDIS_TIMEOUT_SECONDS) as shards:
        _serve(settings, Sources(shards, VERSION))


def _serve(settings: Settings, sources: Sources) -> None:
    try:
        page = Exporter(settings.metrics_host, settings.metrics_port, sources)
    except PortTakenError as error:
        raise click.UsageError(str(error)) from None
    echo(f"serving {page.url}/metrics", err=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        page.serve()
    finally:
        page.stop()
