"""What a worker process does for one shard: it fetches, runs, cleans up, and gives back."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from worker.queue.fetcher import Fetcher
from worker.queue.janitor import Janitor
from worker.queue.setup import Setup, Shard
from worker.queue.slots import Slots
from worker.queue.tasks import Tasks

RECOVERY_LOOKS: Final = 5
RECOVERY_LOOK_SECONDS: Final = 1.0
"""For so long, while Redis answers, nothing is fetched before the results of earlier processes are
saved. A result that Redis refuses for good, or that ends each connection, must not stop all jobs.
"""


class ShardWorker:
    """One shard of a process; its jobs and those of the others share the process' slots.

    The fetcher that waits longest gets the next free slots, at most a portion, so that a backlog
    in one shard does not keep out the others.
    """

    def __init__(self, setup: Setup, shard: Shard, slots: Slots, declared: Sequence[str]) -> None:
        self._setup = setup
        self._shard = shard
        self._slots = slots
        self._tasks = Tasks(setup, shard, declared, slots)
        self._janitor = Janitor(setup, shard, declared, self._tasks.held)
        self.fetchers: list[Fetcher] = []

    def start(self, queues: Sequence[str]) -> list[asyncio.Task[Any]]:
        """Begin; return the tasks that go on until they are cancelled."""
        loop = asyncio.get_running_loop()
        self.fetchers = [
            Fetcher(queue, self._setup, self._shard, self._slots, self._tasks.take, self._workers)
            for queue in queues
        ]
        recovery = self._shard.jobs.results.recover()
        self._recovery = loop.create_task(recovery, name="recovery")
        return [
            loop.create_task(self._janitor.run(), name="janitor"),
            loop.create_task(self._tasks.watch(), name="memory"),
            *(loop.create_task(self._fetch(one), name=one.queue) for one in self.fetchers),
        ]

    async def drain(self, seconds: float) -> None:
        """Fetch no more; wait so long for the jobs that run; give the others back."""
        await asyncio.gather(*(fetcher.stop() for fetcher in self.fetchers))
        await self._tasks.drain(seconds)

    async def close(self) -> None:
        """End what is left once the tasks of `start` have."""
        self._recovery.cancel()
        await asyncio.gather(self._recovery, return_exceptions=True)
        await self._shard.link.close()

    async def _fetch(self, fetcher: Fetcher) -> None:
        """Fetch once the results of an earlier process are saved: their jobs must not run."""
        for _ in range(RECOVERY_LOOKS):
            if self._recovery.done():
                break
            await self._shard.link.execute("PING")  # answered once Redis is there
            await asyncio.wait([self._recovery], timeout=RECOVERY_LOOK_SECONDS)
        await fetcher.run()

    def _workers(self) -> int:
        return self._janitor.workers
