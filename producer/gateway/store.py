"""The gateway's way to Redis: one client, a bounded number of connections, its own few keys.

    <ns>:gateway:subscribers      hash    see producer.records.subscribers
    <ns>:gateway:job:<job id>     hash    a JobClaim: owner, mark, kind, total, party
    <ns>:gateway:rate:<owner>     string  submits in the minute that began with the first of them

At most MAX_CALLS + MAX_READERS + 1 (the subscription) connections are open, whoever waits.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any, Final, TypeVar

import redis
import redis.asyncio

from producer.contract.envelope import queue_message
from producer.contract.names import HEARTBEAT_LIFETIME_MS, Keys, Kind
from producer.gateway.lua import source
from producer.records.store import BrandKeys, StoreKeys
from producer.records.subscribers import Subscriber, read_subscriber, subscribers_key
from producer.redis_clients import (
    FAILURES,
    RedisUnavailableError,
    close,
    close_async,
    connect,
    connect_async,
    heed_cancellation,
    unavailable,
)
from producer.redis_url import RedisUrl
from producer.submission import Submission

MAX_CALLS: Final = 8
MAX_READERS: Final = 2
QUEUE_SECONDS: Final = 10.0
"""How long a call waits for one of MAX_CALLS; one takes well under a millisecond."""

_SUBMIT: Final = source("submit")
_WORKERS: Final = source("workers")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class JobClaim:
    """Whose job, of which request: of caller `owner`, for dealer or brand `party`.

    `mark` tells whether two requests are the same: a keyed hash, nothing can be guessed from it.
    `party` is `producer.contract.ownership`'s, `total` the number of items.
    """

    owner: str
    mark: str
    kind: Kind
    total: int
    party: str


@dataclass(frozen=True, slots=True)
class SubmitLimits:
    """How long things live, in seconds, and how many submits a minute a caller has (0: any)."""

    request_seconds: int
    result_seconds: int
    submits_per_minute: int


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What is known of a job that came through a gateway."""

    owner: str
    kind: Kind
    total: int
    result: bytes | None
    waiting: bool


@dataclass(frozen=True, slots=True)
class SubmitOutcome:
    """How a submit ended: `state` is one of the words that lua/submit.lua returns."""

    state: str
    result: bytes | None = None
    retry_seconds: int = 0


class GatewayStore:
    """Every method raises RedisUnavailableError where Redis cannot be used."""

    def __init__(self, url: RedisUrl, namespace: str, limits: SubmitLimits) -> None:
        self.keys = Keys(namespace)
        self._records = StoreKeys(namespace)
        self._url = url
        self._namespace = namespace
        self._limits = limits
        self._redis = connect_async(url)
        self._reader = connect(url)
        self._calls = asyncio.Semaphore(MAX_CALLS)
        self._reads = asyncio.Semaphore(MAX_READERS)

    async def close(self) -> None:
        """Close all connections."""
        await close_async(self._redis)
        close(self._reader)

    async def subscriber(self, name: str) -> Subscriber | None:
        """Return a subscriber, None where there is none of that name."""
        key = subscribers_key(self._namespace)
        return read_subscriber(name, await self._call(lambda: self._redis.hget(key, name)))

    async def brand_keys(self, brand: str) -> tuple[BrandKeys, int]:
        """Return a brand's digests and Redis' clock in milliseconds."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.hmget(self._records.auth_keys(brand), "current", "previous", "previousUntil")
            (seconds, micros), found = await self._call(pipe.execute)
        current, previous, until = (value.decode() if value else None for value in found)
        return BrandKeys(current, previous, int(until or 0)), seconds * 1000 + micros // 1000

    async def workers(self) -> tuple[int, float | None]:
        """Return how many workers beat, and the seconds since the last beat, None without any."""
        count, age = await self._run(_WORKERS, [self.keys.heartbeats], [HEARTBEAT_LIFETIME_MS])
        return count, None if age < 0 else age / 1000

    async def submit(self, job: Submission, claim: JobClaim, *, may_enqueue: bool) -> SubmitOutcome:
        """Submit a job under a claim, or find the one that was."""
        limits, keys = self._limits, self.keys
        message_id = token_hex(16)
        now_ms = time.time_ns() // 1_000_000
        names = [
            self._origin(job.job_id),
            keys.request(job.job_id),
            keys.result(job.job_id),
            keys.messages(job.queue),
            keys.queue(job.queue),
            f"{self._namespace}:gateway:rate:{claim.owner}",
            keys.owner(job.job_id),
        ]
        words = [
            claim.owner,
            claim.mark,
            claim.kind.value,
            claim.total,
            limits.request_seconds + limits.result_seconds,
            job.request,
            limits.request_seconds,
            message_id,
            queue_message(job.queue, job.job_id, message_id, now_ms),
            limits.submits_per_minute,
            int(may_enqueue),
            claim.party,
        ]
        reply = await self._run(_SUBMIT, names, words)
        state = reply[0].decode()
        result = reply[1] if state == "done" else None
        retry = max(1, -(-int(reply[1]) // 1000)) if state == "limited" else 0
        return SubmitOutcome(state, result, retry)

    async def job(self, job_id: str) -> JobFacts | None:
        """Look at a job; None where no gateway knows it."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hmget(self._origin(job_id), "owner", "kind", "total", "party")
            pipe.get(self.keys.owner(job_id))
            pipe.get(self.keys.result(job_id))
            pipe.exists(self.keys.request(job_id))
            (owner, kind, total, party), holder, result, requests = await self._call(pipe.execute)
        if owner is None or holder not in (None, party):
            return None
        return JobFacts(owner.decode(), Kind(kind.decode()), int(total), result, bool(requests))

    async def results(self, job_ids: Sequence[str]) -> list[bytes | None]:
        """Return the results of some jobs, None for each that has none yet."""
        names = [self.keys.result(job_id) for job_id in job_ids]
        found: list[bytes | None] = await self._call(lambda: self._redis.mget(names))
        return found

    async def report(self, job_id: str) -> bytes | None:
        """Return the report beside a result."""
        key = self.keys.report(job_id)
        found: bytes | None = await self._call(lambda: self._redis.get(key))
        return found

    async def read_records(self, read: Callable[[redis.Redis, StoreKeys], T]) -> T:
        """Run a function of producer.records, which reads blockingly, beside the event loop."""
        async with self._reads:
            try:
                return await asyncio.to_thread(read, self._reader, self._records)
            except FAILURES as error:
                raise unavailable(self._url, error) from error

    @asynccontextmanager
    async def subscription(self) -> AsyncIterator[redis.asyncio.client.PubSub]:
        """Hear of the end and the progress of every job."""
        patterns = (self.keys.done("*"), f"{self._namespace}:progress:*")
        try:
            async with self._redis.pubsub() as subscription:
                await heed_cancellation(subscription.psubscribe(*patterns))
                yield subscription
        except FAILURES as error:
            raise unavailable(self._url, error) from error

    def _origin(self, job_id: str) -> str:
        return f"{self._namespace}:gateway:job:{job_id}"

    async def _run(self, script: str, names: list[str], words: list[Any]) -> Any:
        # Its text each time, not its hash: a Redis that has restarted knows no hash.
        return await self._call(lambda: self._redis.eval(script, len(names), *names, *words))

    async def _call(self, call: Callable[[], Awaitable[Any]]) -> Any:
        try:
            # A Redis that hangs must not hold up a queue of requests for longer and longer.
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._calls.acquire()
        except TimeoutError:
            raise RedisUnavailableError(f"Redis at {self._url.location} is too slow") from None
        try:
            return await heed_cancellation(call())
        except FAILURES as error:
            raise unavailable(self._url, error) from error
        finally:
            self._calls.release()


def document(stored: bytes) -> dict[str, Any]:
    """Read a stored result or report."""
    found: dict[str, Any] = json.loads(stored)
    return found


__all__ = [
    "GatewayStore",
    "JobClaim",
    "JobFacts",
    "RedisUnavailableError",
    "SubmitLimits",
    "SubmitOutcome",
    "document",
]
