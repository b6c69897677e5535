"""Submit jobs and get their results.

    client = Client.from_settings()
    job_id = client.submit(credential_test({"emailCredentialsRequests": [...]}))
    result = client.wait(job_id, timeout_seconds=60)

Submitting is one transaction (docs/CONTRACT.md section 2) and idempotent by job id: after any
doubt, submit again with the same id. `AsyncClient` has the same methods, to be awaited.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import redis
from pydantic import SecretStr

from producer.client_base import ClientBase
from producer.contract.envelope import CredentialTestEnvelope, Envelope, IntegrationEnvelope
from producer.contract.names import Keys, Kind
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
from producer.redis_clients import close, connect_each, exchange
from producer.redis_failures import FAILURES, RedisUnavailableError, unavailable
from producer.submission import Transaction

__all__ = ["Client", "JobState", "credential_test", "integration"]

T = TypeVar("T")


def credential_test(body: Any, dealer_uuid: str = "") -> Envelope:
    """Wrap the documented request body of the credential test."""
    return CredentialTestEnvelope(dealerUUID=dealer_uuid, body=body)


def integration(
    kind: Kind, *, brand_url: str, auth_key: str, integration_id: str = "", body: Any = None
) -> Envelope:
    """Wrap a create, an update or a delete of an integration."""
    return IntegrationEnvelope.model_validate(
        {
            "kind": kind,
            "id": integration_id,
            "brandUrl": brand_url,
            "authKey": SecretStr(auth_key),
            "body": body,
        }
    )


class Client(ClientBase[redis.Redis]):
    """Talks to one Redis or cluster. Safe to share between threads; connects on first use.

    Every method raises RedisUnavailableError where Redis cannot be used.
    """

    def _connect_each(self, namespaces: Sequence[str]) -> list[tuple[redis.Redis, Keys]]:
        return connect_each(self.url, namespaces)

    def submit(self, envelope: Envelope, *, job_id: str | None = None) -> str:
        """Submit one job, in one round trip; return its id. A known id changes nothing.

        Raises JobIdTakenError where the id is that of another dealer's or brand's job.
        """
        transaction = self._submitter.one(envelope, job_id)
        self._write(transaction)
        return transaction.jobs[0].job_id

    def submit_many(
        self, envelopes: Iterable[Envelope], *, job_ids: Iterable[str] | None = None
    ) -> list[str]:
        """Submit any number of jobs, hundreds in a transaction; return their ids in order.

        Raises SubmitInterruptedError, which says what went in: with its ids, or with `job_ids` of
        your own, all may be submitted again and none runs twice. A job that is refused raises
        RefusedJobError, which says the same.
        """
        submissions = self._submitter.many(envelopes, job_ids)
        with submissions.accounted():
            for transaction in submissions:
                self._write(transaction)
        return submissions.submitted

    def fetch(self, job_id: str, *, owner: str | None = None) -> Json | None:
        """Return the result, or None where there is none (yet).

        With `owner` (`producer.contract.ownership`) raises JobIdTakenError for another's result.
        """
        client, keys = self._shard(job_id)
        places = keys.result(job_id), keys.owner(job_id)
        return parse(owned_result(self._call(lambda: client.mget(places)), owner))

    def report(self, job_id: str) -> Json | None:
        """Return the diagnosis beside the result (docs/CONTRACT.md section 5)."""
        client, keys = self._shard(job_id)
        return parse(self._call(lambda: client.get(keys.report(job_id))))

    def state(self, job_id: str) -> JobState:
        """Tell where a job is."""
        client, keys = self._shard(job_id)
        with client.pipeline(transaction=True) as pipe:
            pipe.exists(keys.result(job_id))
            pipe.exists(keys.request(job_id))
            return state_of(*self._call(pipe.execute))

    def wait(
        self,
        job_id: str,
        timeout_seconds: float,
        *,
        owner: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> Json:
        """Return the result as soon as it is there, without polling.

        Subscribes first and looks afterwards, so that no result slips through between; outlives
        an outage of Redis within the time. Calls `on_progress` as items of a batch end, where
        Redis lets this user hear of it. Raises TimeoutError; with `owner` as `fetch` does.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                return self._wait_subscribed(job_id, deadline, owner, on_progress)
            except TimeoutError:
                raise
            except (RedisUnavailableError, *FAILURES) as error:
                left = deadline - time.monotonic()
                on_progress, pause = next_try(self.url, error, left, on_progress)
            time.sleep(pause)

    def workers(self) -> int | None:
        """Count the worker processes that live; None where Redis lets this user not look.

        Only those count that serve every shard: a worker with fewer leaves jobs lying.
        """
        try:
            return min(self._living(client, keys) for client, keys in self._shards)
        except RedisUnavailableError as error:
            if isinstance(error.__cause__, redis.exceptions.NoPermissionError):
                return None
            raise

    def ping(self) -> None:
        """Raise RedisUnavailableError where Redis cannot be used."""
        for client, _ in self._shards:
            self._call(client.ping)

    def close(self) -> None:
        """Close the connections."""
        for client, _ in self._shards:
            close(client)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _living(self, client: redis.Redis, keys: Keys) -> int:
        scores = living_scores(self._call(client.time))
        return int(self._call(lambda: client.zcount(keys.heartbeats, *scores)))

    def _wait_subscribed(
        self, job_id: str, deadline: float, owner: str | None, on_progress: OnProgress | None
    ) -> Json:
        client, keys = self._shard(job_id)
        with client.pubsub() as subscription:
            subscription.subscribe(*channels(keys, job_id, on_progress))
            while True:
                left = max(0.0, deadline - time.monotonic())
                # Whatever comes is a reason to look: the confirmation of the subscription (also
                # after a reconnect, when the message may have been missed), the message, silence.
                message = subscription.get_message(timeout=min(left, RECHECK_SECONDS))
                tell_progress(keys.progress(job_id), message, on_progress)
                result = self.fetch(job_id, owner=owner)
                if result is not None:
                    return result
                if time.monotonic() >= deadline:
                    raise TimeoutError(f"no result of job {job_id} in time")

    def _write(self, transaction: Transaction) -> None:
        """Write a transaction; again after an outage or a doubt, as often as any other call."""
        client, _ = self._shards[transaction.shard]
        retry = client.get_retry()
        assert retry is not None, "connect() gives every client one"
        outcomes = self._call(
            lambda: retry.call_with_retry(
                lambda: exchange(client, transaction.octets, transaction.replies),
                lambda _error: None,
            )
        )
        self._call(lambda: transaction.check(outcomes))

    def _call(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except FAILURES as error:
            raise unavailable(self.url, error) from error
