"""Keeps the queue consistent: sends heartbeats, requeues what dead workers or outages left behind.

Every PERIOD_SECONDS in each process. What concerns all workers (`maintain.lua`, `release.lua`) is
done by whichever comes first. Nothing here runs `KEYS`: the dead are known by their heartbeats, and
the queues by their actors.

Why 15 s of silence: 2 s between beats and 12 s of a stopped Redis are survived without taking a
living worker for dead, and a killed worker's jobs run again within 17 s.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Final

from producer.contract.names import HEARTBEAT_LIFETIME_MS, REQUEST_TTL_SECONDS
from worker.queue import lua
from worker.queue.broker import DEAD_LETTER_LIFETIME_MS
from worker.queue.layout import delayed
from worker.queue.message import MAX_MESSAGE_BYTES
from worker.queue.observer import Observer
from worker.queue.setup import Setup, Shard
from worker.redis_link.link import Link, Script
from worker.redis_link.pipe import Outage
from worker.redis_link.trouble import log_failure

PERIOD_SECONDS: Final = 2.0
QUIET_MS: Final = 5_000
"""After a gap in which nobody beat: time for the living to be seen alive."""

STRAY_SECONDS: Final = 10.0
"""A fetch whose reply is still on its way is no older than its time-out of 5 s."""

RELEASE_MS: Final = 800
MOST_PER_RELEASE: Final = 500
"""Looked at in one call, which holds Redis for some milliseconds."""

MOST_PER_REQUEUE: Final = 1000
MOST_STRAYS: Final = 10_000
SCAN_COUNT: Final = 1000
"""Of an ack set of 300,000 whole, Redis is held for 0.17 s."""

CLOCK_TOLERANCE_SECONDS: Final = HEARTBEAT_LIFETIME_MS / 1000 / 4

_MAINTAIN = Script("maintain", lua.source("maintain"))
_RELEASE = Script("release", lua.source("release"))
_REQUEUE = Script("requeue", lua.source("requeue"))
_log = logging.getLogger("worker.queue")

Held = Callable[[str], Collection[bytes]]
"""The redis message ids of a queue that a task of this process holds."""


class ClockCheck:
    """Tells when our clock and Redis' begin to differ.

    Heartbeats are Redis' own time, so nothing breaks; waiting times in reports are wrong.
    """

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._skewed = False

    def compare(self, theirs: float, ours: float) -> None:
        """Both in seconds since 1970."""
        skewed = abs(theirs - ours) > CLOCK_TOLERANCE_SECONDS
        if skewed and not self._skewed:
            self._observer.clock_skewed(theirs - ours)
        self._skewed = skewed


class Janitor:
    """One per process and shard."""

    def __init__(
        self,
        setup: Setup,
        shard: Shard,
        queues: Sequence[str],
        held: Held,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.workers = 1
        self._link = Link(shard.pool)
        self._layout = shard.layout
        self._broker_id = setup.broker.broker_id
        self._observer = setup.observer
        self._queues = queues
        self._held = held
        self._now = now
        self._strays: dict[tuple[str, bytes], float] = {}
        self._clock = ClockCheck(setup.observer)

    async def run(self) -> None:
        """Work until cancelled; whatever happens, beat again.

        Over a connection of its own: a beat must not wait behind megabytes of requests.
        """
        delayed_messages = asyncio.create_task(self._run_release(), name="release")
        try:
            while True:
                try:
                    await self.clean()
                except Exception as error:  # noqa: BLE001 - without beats its jobs run elsewhere, too
                    log_failure(_log, "janitor_failed", error)
                await asyncio.sleep(PERIOD_SECONDS)
        finally:
            delayed_messages.cancel()
            await self._link.close()

    async def clean(self) -> None:
        """One pass."""
        await self._maintain()
        for queue in self._queues:
            await self._give_back_strays(queue)

    async def _maintain(self) -> None:
        layout = self._layout
        now_ms, self.workers, given_back = await self._link.call(
            _MAINTAIN,
            [layout.heartbeats, layout.janitor],
            [
                self._broker_id,
                layout.namespace,
                int(PERIOD_SECONDS * 1000),
                HEARTBEAT_LIFETIME_MS,
                QUIET_MS,
                DEAD_LETTER_LIFETIME_MS,
                *self._queues,
            ],
        )
        self._clock.compare(now_ms / 1000, time.time())
        if given_back:
            self._observer.messages_redelivered(None, given_back)

    async def _give_back_strays(self, queue: str) -> None:
        """Requeue messages in our ack set that no task holds.

        The reply to their fetch was lost, or Redis has lost the end of their jobs.
        """
        layout = self._layout
        acks = layout.acks(self._broker_id, queue)
        due = self._due(queue, await self._look_for_strays(queue, acks))
        keys = [
            *(layout.queue(queue), layout.messages(queue), acks),
            *(layout.started(self._broker_id), layout.retried(self._broker_id)),
        ]
        count = 0
        for start in range(0, len(due), MOST_PER_REQUEUE):
            portion = due[start : start + MOST_PER_REQUEUE]
            # Not made again after an outage: a task of ours may hold some of them by then.
            with suppress(Outage):
                count += await self._link.call(
                    _REQUEUE,
                    keys,
                    [self._broker_id, layout.running_prefix, MAX_MESSAGE_BYTES, *portion],
                    retry=False,
                )
        if count:
            self._observer.messages_redelivered(queue, count)

    async def _look_for_strays(self, queue: str, acks: str) -> set[bytes]:
        """Some of them, where there are many: a producer may push any number without messages."""
        strays: set[bytes] = set()
        cursor = b"0"
        while len(strays) < MOST_STRAYS:
            cursor, page = await self._link.execute("SSCAN", acks, cursor, "COUNT", SCAN_COUNT)
            strays.update(set(page).difference(self._held(queue)))
            if cursor == b"0":
                break
        return strays

    def _due(self, queue: str, strays: set[bytes]) -> list[bytes]:
        """Return those that have been stray for long enough; note the others."""
        now = self._now()
        seen = {key: since for key, since in self._strays.items() if key[0] != queue}
        for stray in strays:
            seen[queue, stray] = self._strays.get((queue, stray), now)
        self._strays = seen
        return [stray for stray in strays if now - seen[queue, stray] >= STRAY_SECONDS]

    async def _run_release(self) -> None:
        while True:
            for queue in self._queues:
                try:
                    await self._release_due(queue)
                except Exception as error:  # noqa: BLE001 - what is delayed would wait for ever
                    log_failure(_log, "release_failed", error)
            await asyncio.sleep(RELEASE_MS / 1000)

    async def _release_due(self, queue: str) -> None:
        """Move the delayed messages that are due to their queue, so many in a call."""
        layout, later = self._layout, delayed(queue)
        least_ms = RELEASE_MS // 2
        keys = [
            layout.queue(later),
            layout.messages(later),
            layout.queue(queue),
            layout.messages(queue),
            layout.janitor,
            layout.delayed_index(queue),
        ]
        more = 1
        while more:
            _, more = await self._link.call(
                _RELEASE,
                keys,
                [queue, least_ms, MOST_PER_RELEASE, MAX_MESSAGE_BYTES, REQUEST_TTL_SECONDS * 1000],
            )
            least_ms = 0
