"""Makes `dramatiq worker.app` run our worker, with Dramatiq's own flags."""

from collections.abc import Callable, Collection
from typing import Final

import dramatiq.cli

from worker.queue.runner import AsyncWorker
from worker.queue.setup import Setup
from worker.queue.signals import ignore_stop_signals

DRAMATIQ_THREADS: Final = 8
"""What `--threads` is where nobody gave it: then the number of jobs in flight is ours."""


def substitute(setup: Setup, on_stop: Callable[[], None] | None = None) -> None:
    """Make Dramatiq's own command run our worker: to be called while its module is imported.

    The command looks `Worker` up in its module after the import, with fork, spawn and forkserver,
    and takes the global broker where it is given a module only. `on_stop` is called once the worker
    has drained.
    """

    class DramatiqWorker(AsyncWorker):
        """The worker of a process that Dramatiq's command has started."""

        def stop(self, timeout: int | None = None) -> None:
            """As `AsyncWorker.stop`; a signal that comes afterwards must not change the status."""
            super().stop(timeout)
            if on_stop is not None:
                on_stop()
            ignore_stop_signals()

    def make(
        broker: dramatiq.Broker,
        *,
        queues: Collection[str] | None = None,
        worker_threads: int = DRAMATIQ_THREADS,
    ) -> AsyncWorker:
        assert broker is setup.broker, "one broker in a process"
        concurrency = None if worker_threads == DRAMATIQ_THREADS else worker_threads
        return DramatiqWorker(setup, queues=queues, concurrency=concurrency)

    dramatiq.set_broker(setup.broker)
    dramatiq.cli.Worker = make  # type: ignore[attr-defined,assignment]
