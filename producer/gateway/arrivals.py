"""Tells those that wait for a job of its result and progress: one subscription for a gateway.

A gateway subscribes before it takes requests. A waiter registers (`expect`), looks or submits, and
then waits: no result slips through between.
A message may be lost with its connection, so every waiting job is looked at again after each
reconnect and every few seconds. A lost Redis is no error to a waiter until the time is up.
"""

import asyncio
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

from producer.cancellation import heed_cancellation
from producer.contract.progress import Progress
from producer.gateway.redis_calls import RedisTroubles
from producer.gateway.store import GatewayStore
from producer.redis_failures import RedisUnavailableError

LOOK_AGAIN_SECONDS: Final = 2.0
SILENCE_SECONDS: Final = 10.0
"""After this long a subscription is asked whether it lives: a cut cable says nothing."""

RECONNECT_SECONDS: Final = 0.25
RESULTS_AT_ONCE: Final = 16
"""Read in one call: a result is 3 kB, but one of a full batch may have megabytes."""

REMEMBERED_JOBS: Final = 10_000
REMEMBERED_ENDS: Final = 200

T = TypeVar("T")


class EndedJob(NamedTuple):
    """A job whose end was heard, and when (unix time)."""

    job_id: str
    at: float


@dataclass(slots=True)
class _ToLook:
    """The jobs of one shard that may have a result. A shard that is away holds up no other."""

    jobs: set[str] = field(default_factory=set)
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, job_id: str) -> None:
        self.jobs.add(job_id)
        self.wake.set()

    def take(self) -> set[str]:
        self.wake.clear()
        jobs, self.jobs = self.jobs, set()
        return jobs


Waiter = asyncio.Future[bytes | None]
"""Holds the result; None where the gateway closes before there is one."""


class Arrivals:
    """The waiters of one gateway. `run` serves them."""

    def __init__(self, store: GatewayStore) -> None:
        self._store = store
        self._waiters: defaultdict[str, set[Waiter]] = defaultdict(set)
        self._listeners: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._progress: OrderedDict[str, Progress] = OrderedDict()
        self.ended: deque[EndedJob] = deque(maxlen=REMEMBERED_ENDS)
        self._tried_to_subscribe = asyncio.Event()
        self._to_look = [_ToLook() for _ in range(store.keyspace.shards)]
        self._closed = False
        self.streams_ended = asyncio.Event()

    @contextmanager
    def expect(self, job_id: str) -> Iterator[Waiter]:
        """Give a future that will hold the result; begin before submitting or looking."""
        waiter: Waiter = asyncio.get_running_loop().create_future()
        if self._closed:
            waiter.set_result(None)
        self._waiters[job_id].add(waiter)
        try:
            yield waiter
        finally:
            waiter.cancel()
            _discard(self._waiters, job_id, waiter)

    @contextmanager
    def listen(self, job_id: str) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever `progress(job_id)` has changed."""
        changed = asyncio.Event()
        self._listeners[job_id].add(changed)
        try:
            yield changed
        finally:
            _discard(self._listeners, job_id, changed)

    def progress(self, job_id: str) -> Progress | None:
        """Return what was heard last of a job that runs; None where nothing was."""
        return self._progress.get(job_id)

    def look(self, job_ids: Iterable[str]) -> None:
        """Look whether these jobs have a result."""
        for job_id in job_ids:
            self._to_look[self._store.keyspace.shard_of_job(job_id)].add(job_id)

    def end_streams(self) -> None:
        """Let every listener go, now and from now on."""
        self.streams_ended.set()
        for changed in [event for events in self._listeners.values() for event in events]:
            changed.set()

    def end_waits(self) -> None:
        """Let every waiter go, now and from now on."""
        self._closed = True
        for waiter in [waiter for waiters in self._waiters.values() for waiter in waiters]:
            if not waiter.done():
                waiter.set_result(None)

    async def await_subscription(self, seconds: float) -> None:
        """Wait until the subscription holds, or Redis is known to be away.

        Progress that jobs publish before is lost.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._tried_to_subscribe.wait()

    async def run(self) -> None:
        """Serve the waiters until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._listen())
            for to_look in self._to_look:
                group.create_task(self._fetch(to_look))
            group.create_task(self._look_again())

    async def _listen(self) -> None:
        troubles = RedisTroubles("subscription")
        while True:
            try:
                async with self._store.subscription() as subscription:
                    self.look(self._waiters)
                    await self._hear(subscription, troubles)
            except RedisUnavailableError as error:
                troubles.tell(error)
            self._tried_to_subscribe.set()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _hear(self, subscription: Any, troubles: RedisTroubles) -> None:
        """Hear messages until the subscription is silent, though asked whether it lives."""
        asked = False
        while True:
            message = await heed_cancellation(subscription.get_message(timeout=SILENCE_SECONDS))
            if message is not None:
                asked = False
                self._tried_to_subscribe.set()
                troubles.over()
                self._take(message)
                await asyncio.sleep(0)  # thousands may be there at once: others have their turn
            elif asked:
                return
            else:
                asked = True
                await heed_cancellation(subscription.ping())

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] != "pmessage":
            return
        channel: bytes = message["channel"]
        _, kind, job_id = channel.decode("utf-8", "replace").split(":", 2)
        if kind == "done":
            self._progress.pop(job_id, None)
            self.ended.append(EndedJob(job_id, time.time()))
            if job_id in self._waiters:
                self.look([job_id])
        else:
            self._note(job_id, message["data"])

    def _note(self, job_id: str, data: bytes) -> None:
        heard = Progress.read(data)
        if heard is not None:
            self._progress[job_id] = heard
        while len(self._progress) > REMEMBERED_JOBS:
            self._progress.popitem(last=False)
        for changed in self._listeners.get(job_id, ()):
            changed.set()

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            self.look(self._waiters)

    async def _fetch(self, to_look: _ToLook) -> None:
        troubles = RedisTroubles("results")
        while True:
            await to_look.wake.wait()
            wanted = iter([job_id for job_id in to_look.take() if job_id in self._waiters])
            while chunk := list(islice(wanted, RESULTS_AT_ONCE)):
                try:
                    self._deliver(chunk, await self._store.results(chunk))
                    troubles.over()
                except RedisUnavailableError as error:
                    troubles.tell(error)
                    await asyncio.sleep(RECONNECT_SECONDS)
                    for job_id in (*chunk, *wanted):
                        to_look.add(job_id)

    def _deliver(self, job_ids: list[str], results: list[bytes | None]) -> None:
        for job_id, result in zip(job_ids, results, strict=True):
            for waiter in self._waiters.get(job_id, ()):
                if result is not None and not waiter.done():
                    waiter.set_result(result)


def _discard(registry: dict[str, set[T]], job_id: str, member: T) -> None:
    members = registry[job_id]
    members.discard(member)
    if not members:
        del registry[job_id]
