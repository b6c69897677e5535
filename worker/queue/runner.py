"""The worker of one process: every job is a task on one event loop.

Takes the place of `dramatiq.Worker`, whose thread per job holds 2 MB of stack and, for an async
actor, polls ten times a second: 2,048 jobs in flight cost half a core doing nothing. Here 5,000 are
5,000 tasks.

The same surface (`start`, `stop`, `pause`, `resume`, `join`), so that Dramatiq's own command can
use it (`dramatiq_command.py`); and `run` for a process of our own:

    broker = HardenedBroker(redis_url, namespace="mailvouch")
    pool = async_pool(redis_url)
    link = Link(pool)
    jobs = Jobs(link, broker.layout, broker.broker_id, error_result)
    shard = Shard(broker.layout, pool, link, jobs)
    setup = Setup(broker, (shard,), concurrency=1000, shutdown_seconds=30)

    @dramatiq.actor(broker=broker, actor_class=AsyncActor,
                    actor_name="test_credentials", queue_name="credential-tests")
    async def test_credentials(job_id: str) -> None:
        match await jobs.start(job_id):
            case Started() as job:
                result, report = await ...
                await jobs.finish(job_id, result, report)

    run(AsyncWorker(setup))             # until SIGTERM, SIGINT or SIGHUP; then drains
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any, Final

from worker.queue.fetcher import Fetcher
from worker.queue.setup import Companion, Setup
from worker.queue.shard_worker import ShardWorker
from worker.queue.signals import SignalWatch, ignore_stop_signals, stop_signals
from worker.queue.slots import Slots
from worker.queue.watchdog import EXIT_STATUS, Watchdog

try:
    from uvloop import new_event_loop
except ImportError:  # pragma: no cover - not built for this platform
    new_event_loop = asyncio.new_event_loop  # type: ignore[assignment]

BOOT_SECONDS: Final = 30.0
STOP_MARGIN_SECONDS: Final = 30.0
"""Beyond the drain: cancelling, giving back, closing."""

LOOP_CLOSE_SECONDS: Final = 1.0
"""A loop that closes waits for threads that look up Redis' address: not for long here, for a name
server may hang.
"""

JOIN_POLL_SECONDS: Final = 0.05
COMPANION_PAUSE_SECONDS: Final = 1.0

_log = logging.getLogger("worker.queue")


def _end_process() -> None:
    """Log the exception that is being handled and exit, whatever else still runs."""
    _log.critical("event_loop_failed", exc_info=True)
    os._exit(EXIT_STATUS)


class AsyncWorker:
    """Runs the actors of a setup's broker on an event loop in a thread of its own."""

    def __init__(
        self,
        setup: Setup,
        *,
        queues: Collection[str] | None = None,
        concurrency: int | None = None,
    ) -> None:
        declared = setup.broker.get_declared_queues()
        self.queues = sorted(declared & set(queues) if queues else declared)
        self._setup = setup
        self._declared = sorted(declared)
        self._slots = Slots(concurrency or setup.concurrency, declared)
        self._shards: list[ShardWorker] = []
        self._booted: Future[asyncio.AbstractEventLoop] = Future()
        self._stop = asyncio.Event()
        self._grace_seconds = setup.shutdown_seconds
        self._watchdog = Watchdog()
        self._served = threading.Event()
        self._thread = threading.Thread(target=self._main, name="jobs", daemon=True)

    @property
    def in_flight(self) -> int:
        """Jobs in hand now, those that wait included."""
        return self._slots.jobs

    def start(self) -> None:
        """Return once the loop runs, whether or not Redis is there yet."""
        broker = self._setup.broker
        broker.emit_before("worker_boot", self)
        # The thread that fetches comes last: where another cannot be started, no job has begun.
        self._watchdog.start()
        try:
            self._thread.start()
            self._booted.result(BOOT_SECONDS)
        except BaseException:
            self._watchdog.stop()  # there is no loop whose standstill could end the process
            raise
        broker.emit_after("worker_boot", self)

    def stop(self, timeout: int | None = None) -> None:
        """Drain for the setup's time, at most `timeout` milliseconds; give the rest back."""
        broker = self._setup.broker
        broker.emit_before("worker_shutdown", self)
        if timeout is not None:
            self._grace_seconds = min(self._grace_seconds, timeout / 1000)
        self._on_loop(self._stop.set)
        self._served.wait(self._grace_seconds + STOP_MARGIN_SECONDS)
        self._thread.join(LOOP_CLOSE_SECONDS)
        self._watchdog.stop()
        broker.emit_after("worker_shutdown", self)

    def pause(self) -> None:
        for fetcher in self._fetchers:
            self._on_loop(fetcher.pause)

    def resume(self) -> None:
        for fetcher in self._fetchers:
            self._on_loop(fetcher.resume)

    def join(self) -> None:
        """Wait until the queues are empty and nothing runs. For tests, as in Dramatiq."""
        broker = self._setup.broker
        while any(broker.do_qsize(queue) for queue in self.queues) or self.in_flight:
            time.sleep(JOIN_POLL_SECONDS)

    @property
    def _fetchers(self) -> list[Fetcher]:
        return [fetcher for shard in self._shards for fetcher in shard.fetchers]

    def _on_loop(self, function: Callable[[], None]) -> None:
        try:
            self._booted.result(0).call_soon_threadsafe(function)
        except RuntimeError:
            _log.debug("loop_has_ended")

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            try:
                runner.run(self._serve())
                self._served.set()
            except BaseException:  # noqa: BLE001 - also what asyncio lets through, SystemExit
                # Before the runner is closed: it would cancel the jobs, and each would be saved as
                # an error of its own. So they are left as they are, for redelivery.
                _end_process()

    async def _serve(self) -> None:
        setup, loop = self._setup, asyncio.get_running_loop()
        self._shards = [
            ShardWorker(setup, shard, self._slots, self._declared) for shard in setup.shards
        ]
        stop = loop.create_task(self._stop.wait(), name="stop")
        tasks = [
            stop,
            loop.create_task(self._watchdog.watch(), name="watchdog"),
            *(task for shard in self._shards for task in shard.start(self.queues)),
        ]
        beside = [loop.create_task(_go_on(one), name="companion") for one in setup.companions]
        self._booted.set_result(loop)
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in ended - {stop}:
            raise RuntimeError(f"the {task.get_name()} task has ended") from task.exception()
        await self._shut_down([*tasks, *beside])

    async def _shut_down(self, tasks: list[asyncio.Task[Any]]) -> None:
        """The janitor beats until all is given back: a drain may last longer than a heartbeat."""
        await asyncio.gather(*(shard.drain(self._grace_seconds) for shard in self._shards))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(shard.close() for shard in self._shards))
        await asyncio.gather(*(link.close() for link in self._setup.other_links))


async def _go_on(companion: Companion) -> None:
    """Run a companion again and again; an error ends neither it nor the jobs."""
    while True:
        try:
            await companion()
        except Exception:  # noqa: BLE001 - whatever it is: the jobs matter more
            _log.error("companion_failed", exc_info=True)
        await asyncio.sleep(COMPANION_PAUSE_SECONDS)


def run(
    worker: AsyncWorker,
    signals: SignalWatch | None = None,
    on_other: Callable[[int], object] = lambda _number: None,
) -> int:
    """Run until a signal to stop, drain, return the exit status. Only from the main thread.

    `on_other` is called with the numbers of the other signals that `signals` watches.

    A supervisor forwards what its whole group has got already, and people press ctrl-c twice: the
    signal means the same each time.
    """
    signals = signals or SignalWatch(stop_signals())
    if not signals.stopping:
        worker.start()
        signals.wait_for_stop(on_other)
        worker.stop()
    ignore_stop_signals()
    return 0
