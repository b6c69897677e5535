"""The gateway's way to Redis: one client, a bounded number of connections, its own few keys.

    <ns>:gateway:subscribers      hash    see producer.records.subscribers
    <ns>:gateway:job:<job id>     hash    a JobClaim: caller, mark, kind, total, owner, dealer
    <ns>:gateway:rate:<caller>    string  submits in the minute that began with the first of them

Beside the connections of `redis_calls` there is one for the subscription.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any, Final, TypeVar

import redis
import redis.asyncio

from producer.cancellation import heed_cancellation
from producer.contract.envelope import queue_message
from producer.contract.keyspace import Keyspace, hash_slot_of
from producer.contract.names import Keys, Kind
from producer.gateway.claims import (
    JobClaim,
    JobFacts,
    SubmitLimits,
    SubmitOutcome,
    SubmitState,
)
from producer.gateway.lua import source
from producer.gateway.redis_calls import RedisCalls, unreadable
from producer.gateway.submit_rate import SubmitRate, rate_key
from producer.records.store import BrandKeys, StoreKeys
from producer.records.subscribers import Subscriber, read_subscriber, subscribers_key
from producer.redis_failures import FAILURES
from producer.redis_url import RedisUrl
from producer.submission import Submission

_SUBMIT: Final = source("submit")
_ERRORS: Final = {"OOM": redis.exceptions.OutOfMemoryError, "READONLY": redis.ReadOnlyError}
"""What a script tells in words, as redis-py knows it."""

T = TypeVar("T")


class GatewayStore:
    """Every method raises RedisUnavailableError where Redis cannot be used."""

    def __init__(self, url: RedisUrl, keyspace: Keyspace, limits: SubmitLimits) -> None:
        self.keyspace = keyspace
        self._records = StoreKeys(keyspace.records)
        self._limits = limits
        self._calls = _calls(url, keyspace)
        self.redis = self._calls[keyspace.records]
        self.shards = [(self._calls[name], Keys(name)) for name in keyspace.of_jobs]

    async def close(self) -> None:
        await asyncio.gather(*(calls.close() for calls in set(self._calls.values())))

    async def subscriber(self, name: str) -> Subscriber | None:
        """Return a subscriber, None where there is none of that name."""
        key = subscribers_key(self.keyspace.records)
        stored = await self.redis.ask("HGET", key, name)
        try:
            return read_subscriber(name, stored)
        except (ValueError, TypeError, KeyError):
            raise unreadable("HGET", key) from None

    async def brand_keys(self, brand: str) -> tuple[BrandKeys, int]:
        """Return a brand's digests and Redis' clock in milliseconds."""
        key = self._records.auth_keys(brand)
        (seconds, micros), found = await self.redis.ask_all(
            ("TIME", ""), ("HMGET", key, "current", "previous", "previousUntil")
        )
        try:
            current, previous, until = (value.decode() if value else None for value in found)
            return BrandKeys(current, previous, int(until or 0)), seconds * 1000 + micros // 1000
        except ValueError:
            raise unreadable("HMGET", key) from None

    async def submit(self, job: Submission, claim: JobClaim, *, may_enqueue: bool) -> SubmitOutcome:
        """Submit a job under a claim, or find the one that was."""
        limit = self._limits.submits_per_minute
        if len(self.shards) == 1:
            return await self._submit(job, claim, limit, may_enqueue=may_enqueue)
        calls, keys = self.shards[self.keyspace.shard_of(claim.caller)]
        rate = SubmitRate(calls, rate_key(keys, claim.caller), limit)
        wait = await rate.seconds_to_wait()
        ended = await self._submit(job, claim, 0, may_enqueue=may_enqueue and not wait)
        if ended.state is not SubmitState.NEW:
            await rate.take_back()
        if wait and may_enqueue and ended.state is SubmitState.NO_WORKER:
            return SubmitOutcome(SubmitState.LIMITED, None, wait)
        return ended

    async def _submit(
        self, job: Submission, claim: JobClaim, limit: int, *, may_enqueue: bool
    ) -> SubmitOutcome:
        calls, keys = self.shard(job.job_id)
        names = [
            _origin(keys, job.job_id),
            keys.request(job.job_id),
            keys.result(job.job_id),
            keys.messages(job.queue),
            keys.queue(job.queue),
            rate_key(keys, claim.caller),
            keys.owner(job.job_id),
        ]
        args = self._args_of(job, claim)
        args += [limit, int(may_enqueue), claim.owner, claim.dealer]
        reply = await calls.run(_SUBMIT, names, args)
        if reply[0] == b"refused":
            raise _refused(calls, *(word.decode("utf-8", "replace") for word in reply[1:]))
        state = SubmitState(reply[0].decode())
        result = reply[1] if state is SubmitState.DONE else None
        retry = max(1, -(-int(reply[1]) // 1000)) if state is SubmitState.LIMITED else 0
        return SubmitOutcome(state, result, retry)

    def _args_of(self, job: Submission, claim: JobClaim) -> list[str | bytes | int]:
        """The arguments that tell of the job and its claim, the queue message included."""
        limits, message_id = self._limits, token_hex(16)
        now_ms = time.time_ns() // 1_000_000
        return [
            claim.caller,
            claim.mark,
            claim.kind.value,
            claim.total,
            limits.request_seconds + limits.result_seconds,
            job.request,
            limits.request_seconds,
            message_id,
            queue_message(job.queue, job.job_id, message_id, now_ms),
        ]

    async def job(self, job_id: str) -> JobFacts | None:
        """Look at a job; None where no gateway knows it."""
        calls, keys = self.shard(job_id)
        origin = _origin(keys, job_id)
        # In this order: a request that is gone has its result, a result that is there its owner.
        facts, requests, result, holder = await calls.ask_all(
            ("HMGET", origin, "caller", "kind", "total", "owner", "dealer"),
            ("EXISTS", keys.request(job_id)),
            ("GET", keys.result(job_id)),
            ("GET", keys.owner(job_id)),
        )
        caller, kind, total, owner, dealer = facts
        if caller is None or holder not in (None, owner):
            return None
        try:
            return JobFacts(
                caller=caller.decode(),
                kind=Kind(kind.decode()),
                total=int(total),
                result=result,
                waiting=bool(requests),
                dealer=(dealer or b"").decode(),
            )
        except (ValueError, TypeError, AttributeError):
            raise unreadable("HMGET", origin) from None

    async def results(self, job_ids: Sequence[str]) -> list[bytes | None]:
        """Return the results of some jobs, None for each that has none yet."""
        by_shard: defaultdict[int, list[str]] = defaultdict(list)
        for job_id in job_ids:
            by_shard[self.keyspace.shard_of_job(job_id)].append(job_id)
        found: dict[str, bytes | None] = {}
        for shard, its_jobs in by_shard.items():
            calls, keys = self.shards[shard]
            results = await calls.ask("MGET", *map(keys.result, its_jobs))
            found |= zip(its_jobs, results, strict=True)
        return [found[job_id] for job_id in job_ids]

    async def report(self, job_id: str) -> dict[str, Any] | None:
        """Return the report beside a result; None also where it is unreadable."""
        stored = await self.report_text(job_id)
        return None if stored is None else _object(stored)

    async def report_text(self, job_id: str) -> bytes | None:
        """Return the report beside a result, as the worker wrote it."""
        calls, keys = self.shard(job_id)
        found: bytes | None = await calls.ask("GET", keys.report(job_id))
        return found

    def document(self, job_id: str, result: bytes) -> dict[str, Any]:
        """Read a job's result. Raises CommandFailedError."""
        found = _object(result)
        if found is None:
            raise unreadable("GET", self.shard(job_id)[1].result(job_id))
        return found

    async def read_records(self, read: Callable[[redis.Redis, StoreKeys], T]) -> T:
        """Run a function of producer.records, which reads blockingly, beside the event loop."""
        return await self.redis.read(lambda client: read(client, self._records))

    @asynccontextmanager
    async def subscription(self) -> AsyncIterator[redis.asyncio.client.PubSub]:
        """Hear of the end and the progress of every job."""
        every = [Keys(pattern) for pattern in self.keyspace.patterns]
        patterns = [name for keys in every for name in (keys.done("*"), keys.progress("*"))]
        try:
            async with self.redis.pubsub() as subscription:
                await heed_cancellation(subscription.psubscribe(*patterns))
                yield subscription
        except FAILURES as error:
            raise self.redis.failed(error, "PSUBSCRIBE", " ".join(patterns)) from error

    def shard(self, job_id: str) -> tuple[RedisCalls, Keys]:
        return self.shards[self.keyspace.shard_of_job(job_id)]


def _calls(url: RedisUrl, keyspace: Keyspace) -> dict[str, RedisCalls]:
    """By namespace; without a cluster all are one and the same."""
    names = (keyspace.records, *keyspace.of_jobs)
    if not keyspace.on_cluster:
        return dict.fromkeys(names, RedisCalls(url))
    return {name: RedisCalls(url, hash_slot_of(name)) for name in names}


def _origin(keys: Keys, job_id: str) -> str:
    return f"{keys.namespace}:gateway:job:{job_id}"


def _refused(calls: RedisCalls, command: str, key: str, words: str) -> Exception:
    """Say what Redis refused to a script."""
    kind = _ERRORS.get(words.split(" ", 1)[0], redis.ResponseError)
    return calls.failed(kind(words), command, key)


def _object(stored: bytes) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(stored)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
