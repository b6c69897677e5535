"""`mailvouch-worker run`."""

import click


@click.command()
def run() -> None:
    """Run the worker: all processes, metrics, and an embedded Redis if none is set.

    SIGTERM (or ctrl-c, or a closed terminal) stops fetching, lets the running jobs end within
    SHUTDOWN_SECONDS, gives the rest back to the queue and exits with 0. SIGUSR1 switches debug logs
    on and off.
    """
    from worker.process.start import start  # noqa: PLC0415 - `run --help` needs none of it

    start()
