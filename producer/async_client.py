"""`AsyncClient`: what `Client` does, for a program that runs on asyncio."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import redis
import redis.asyncio

from producer.cancellation import heed_cancellation
from producer.client_base import ClientBase
from producer.contract.envelope import Envelope
from producer.contract.names import Keys
from producer.job_reads import (
    RECHECK_SECONDS,
    JobState,
    Json,
    OnProgress,
    channels,
    living_scores,
    next_try,
    owned_result,
    parse,
    state_of,
    tell_progress,
)
from producer.redis_clients import close_async, connect_each_async
from producer.redis_failures import FAILURES, RedisUnavailableError, unavailable
from producer.submission import Transaction

T = TypeVar("T")


class AsyncClient(ClientBase[redis.asyncio.Redis]):
    """Talks to one Redis or cluster, for one event loop; connects on first use.

    Every method raises RedisUnavailableError where Redis cannot be used.
    """

    def _connect_each(self, namespaces: Sequence[str]) -> list[tuple[redis.asyncio.Redis, Keys]]:
        return connect_each_async(self.url, namespaces)

    async def submit(self, envelope: Envelope, *, job_id: str | None = None) -> str:
        """Submit one job, in one round trip, as `Client.submit` does."""
        transaction = self._submitter.one(envelope, job_id)
        await self._write(transaction)
        return transaction.jobs[0].job_id

    async def submit_many(
        self, envelopes: Iterable[Envelope], *, job_ids: Iterable[str] | None = None
    ) -> list[str]:
        """Submit any number of jobs, as `Client.submit_many` does."""
        submissions = self._submitter.many(envelopes, job_ids)
        with submissions.accounted():
            for transaction in submissions:
                await self._write(transaction)
        return submissions.submitted

    async def fetch(self, job_id: str, *, owner: str | None = None) -> Json | None:
        """Return the result, or None where there is none (yet), as `Client.fetch` does."""
        client, keys = self._shard(job_id)
        places = keys.result(job_id), keys.owner(job_id)
        return parse(owned_result(await self._call(client.mget(places)), owner))

    async def report(self, job_id: str) -> Json | None:
        """Return the diagnosis beside the result (docs/CONTRACT.md section 5)."""
        client, keys = self._shard(job_id)
        return parse(await self._call(client.get(keys.report(job_id))))

    async def state(self, job_id: str) -> JobState:
        """Tell where a job is."""
        client, keys = self._shard(job_id)
        async with client.pipeline(transaction=True) as pipe:
            pipe.exists(keys.result(job_id))
            pipe.exists(keys.request(job_id))
            return state_of(*await self._call(pipe.execute()))

    async def wait(
        self,
        job_id: str,
        timeout_seconds: float,
        *,
        owner: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Json:
        """Return the result as soon as it is there, as `Client.wait` does. Raises TimeoutError."""
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        while True:
            try:
                return await self._wait_subscribed(job_id, deadline, owner, on_progress)
            except TimeoutError:
                raise
            except (RedisUnavailableError, *FAILURES) as error:
                left = deadline - asyncio.get_running_loop().time()
                on_progress, pause = next_try(self.url, error, left, on_progress)
            await asyncio.sleep(pause)

    async def workers(self) -> int | None:
        """Count the worker processes that live, as `Client.workers` does."""
        try:
            return min([await self._living(client, keys) for client, keys in self._shards])
        except RedisUnavailableError as error:
            if isinstance(error.__cause__, redis.exceptions.NoPermissionError):
                return None
            raise

    async def close(self) -> None:
        """Close the connections."""
        for client, _ in self._shards:
            await close_async(client)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _living(self, client: redis.asyncio.Redis, keys: Keys) -> int:
        scores = living_scores(await self._call(client.time()))
        return int(await self._call(client.zcount(keys.heartbeats, *scores)))

    async def _wait_subscribed(
        self, job_id: str, deadline: float, owner: str | None, on_progress: OnProgress | None
    ) -> Json:
        loop = asyncio.get_running_loop()
        client, keys = self._shard(job_id)
        async with client.pubsub() as subscription:
            names = channels(keys, job_id, on_progress)
            await heed_cancellation(subscription.subscribe(*names))
            while True:
                left = max(0.0, deadline - loop.time())
                # As in Client: whatever comes, silence included, is a reason to look.
                message = await heed_cancellation(
                    subscription.get_message(timeout=min(left, RECHECK_SECONDS))
                )
                tell_progress(keys.progress(job_id), message, on_progress)
                result = await self.fetch(job_id, owner=owner)
                if result is not None:
                    return result
                if loop.time() >= deadline:
                    raise TimeoutError(f"no result of job {job_id} in time")

    async def _write(self, transaction: Transaction) -> None:
        """Write a transaction, as Client does."""
        client, _ = self._shards[transaction.shard]
        retry = client.get_retry()
        assert retry is not None, "connect_async() gives every client one"
        outcomes = await self._call(
            retry.call_with_retry(lambda: _exchange(client, transaction), _pass)
        )
        try:
            transaction.check(outcomes)
        except FAILURES as error:
            raise unavailable(self.url, error) from error

    async def _call(self, call: Awaitable[T]) -> T:
        try:
            return await heed_cancellation(call)
        except FAILURES as error:
            raise unavailable(self.url, error) from error


async def _exchange(client: redis.asyncio.Redis, transaction: Transaction) -> Any:
    pool = client.connection_pool
    connection = await pool.get_connection()
    try:
        await connection.send_packed_command([transaction.octets])
        for _ in range(transaction.replies - 1):
            await connection.read_response()
        return await connection.read_response()
    except BaseException:
        await connection.disconnect(nowait=True)  # replies may be left unread in it
        raise
    finally:
        await pool.release(connection)


async def _pass(_error: Exception) -> None:
    """Nothing has to be done before the next try: `_exchange` has closed its connection."""
