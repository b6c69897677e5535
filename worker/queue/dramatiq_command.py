"""Makes `dramatiq worker.app` run our worker, with Dramatiq's own flags."""

import signal
import threading
from collections.abc import Callable, Collection
from types import FrameType
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
        _stop_once()
        concurrency = None if worker_threads == DRAMATIQ_THREADS else worker_threads
        return DramatiqWorker(setup, queues=queues, concurrency=concurrency)

    dramatiq.set_broker(setup.broker)
    dramatiq.cli.Worker = make  # type: ignore[attr-defined,assignment]


def _stop_once() -> None:
    """Take repeated signals for one: Dramatiq's handler ends the process at the second.

    A signal to the group comes twice: from the sender and from Dramatiq's parent process. Its main
    thread looks once a second, so a signal that another thread gets is seen as well.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    seen = False

    def only_first(handler: Callable[[int, FrameType | None], object]) -> None:
        def once(signum: int, frame: FrameType | None) -> None:
            nonlocal seen
            if not seen:
                seen = True
                handler(signum, frame)

        signal.signal(number, once)

    for number in (signal.SIGTERM, signal.SIGHUP):
        handler = signal.getsignal(number)
        if callable(handler):
            only_first(handler)
