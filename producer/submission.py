"""What is written to Redis to submit jobs: the one transaction of docs/CONTRACT.md section 2.

No I/O: `Client` and `AsyncClient` carry the octets over and hand the replies back.
"""

import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice, repeat
from secrets import token_hex
from typing import Any, Final

from producer.contract.envelope import (
    CredentialTestEnvelope,
    Envelope,
    dump_envelope,
    queue_message,
)
from producer.contract.keyspace import Keyspace
from producer.contract.names import MAX_REQUEST_BYTES, QUEUE_OF, Keys, Queue, is_job_id
from producer.contract.ownership import owner_of
from producer.redis_failures import RedisUnavailableError
from producer.sealing.requests import Sealer
from producer.submit_errors import (
    InvalidJobIdError,
    JobIdTakenError,
    RefusedJobError,
    RequestTooLargeError,
    SubmitInterruptedError,
)

JOBS_PER_TRANSACTION: Final = 256
"""Bulk: Redis is held up for well under a millisecond each time."""

Command = tuple[bytes | str | int, ...]


@dataclass(frozen=True, slots=True)
class Submission:
    """One job, ready to be written.

    `owner` is empty where the id is a fresh UUID, which nobody else has chosen.
    """

    job_id: str
    queue: Queue
    request: bytes = field(repr=False)
    owner: str = ""


def new_job_id(envelope: Envelope, keyspace: Keyspace) -> str:
    """Return a fresh UUID4; with shards it names that of the dealer or brand, if any."""
    job_id = str(uuid.uuid4())
    if isinstance(envelope, CredentialTestEnvelope) and not envelope.dealer_uuid:
        return job_id
    return keyspace.name_shard(job_id, owner_of(envelope))


def prepare(
    envelope: Envelope, job_id: str | None, sealer: Sealer | None, keyspace: Keyspace
) -> Submission:
    """Raises InvalidJobIdError, RequestTooLargeError."""
    chosen = new_job_id(envelope, keyspace) if job_id is None else job_id
    owner = "" if job_id is None else owner_of(envelope)
    if not is_job_id(chosen):
        raise InvalidJobIdError
    request = dump_envelope(envelope)
    if len(request) > MAX_REQUEST_BYTES:
        raise RequestTooLargeError
    if sealer is not None:
        request = sealer.seal(request).encode("ascii")
    return Submission(chosen, QUEUE_OF[envelope.kind], request, owner)


def commands(jobs: Sequence[Submission], keys: Keys, ttl_seconds: int) -> Iterator[Command]:
    """What stands between MULTI and EXEC.

    The contract shows it for one job; for many the same in fewer commands: HSET and RPUSH take
    all jobs of a queue at once. A chosen id is claimed for its owner, see `require_own`.
    """
    messages: defaultdict[Queue, list[bytes | str]] = defaultdict(list)
    now_ms = time.time_ns() // 1_000_000
    for job in jobs:
        yield ("SET", keys.request(job.job_id), job.request, "NX", "EX", ttl_seconds)
        if job.owner:
            yield ("SET", keys.owner(job.job_id), job.owner, "NX", "EX", ttl_seconds)
            yield ("GET", keys.owner(job.job_id))
            yield ("EXISTS", keys.result(job.job_id))
        message_id = token_hex(16)
        messages[job.queue] += (
            message_id,
            queue_message(job.queue, job.job_id, message_id, now_ms),
        )
    for queue, pairs in messages.items():
        yield ("HSET", keys.messages(queue), *pairs)
        yield ("RPUSH", keys.queue(queue), *pairs[::2])


def require_own(jobs: Sequence[Submission], replies: Iterable[Any]) -> None:
    """Read the replies to `commands`. Raises JobIdTakenError.

    An id is taken while another's request or result lives under it. What was written for us in
    that case does nothing: the other's request stays, and the message finds its job under way.
    """
    reply = iter(replies)
    for job in jobs:
        is_new = next(reply)
        if job.owner:
            _, holder, has_result = next(reply), next(reply), next(reply)
            if not is_owner(holder, job.owner) and (not is_new or has_result):
                raise JobIdTakenError


def is_owner(holder: bytes | str | None, owner: str) -> bool:
    """Tell whether what stands under an owner key, if anything, is this owner."""
    return holder is None or owner == (holder.decode() if isinstance(holder, bytes) else holder)


def pack(command: Command) -> bytes:
    """Write one command in RESP.

    redis-py's own pipeline costs a third of a submit's time; a producer's path is this short.
    """
    parts = [b"*%d\r\n" % len(command)]
    for argument in command:
        octets = argument if isinstance(argument, bytes) else str(argument).encode("ascii")
        parts.append(b"$%d\r\n%b\r\n" % (len(octets), octets))
    return b"".join(parts)


_MULTI: Final = pack(("MULTI",))
_EXEC: Final = pack(("EXEC",))


class Transaction:
    """Some jobs of one shard on their way. Sending it twice is harmless: the ids are chosen."""

    def __init__(
        self, jobs: Sequence[Submission], keys: Keys, ttl_seconds: int, shard: int = 0
    ) -> None:
        self.jobs = jobs
        self.shard = shard
        packed = [pack(command) for command in commands(jobs, keys, ttl_seconds)]
        self.octets = b"".join((_MULTI, *packed, _EXEC))
        self.replies = len(packed) + 2
        """How many replies Redis sends; the last one is that of EXEC."""

    def check(self, outcomes: Iterable[Any]) -> None:
        """Read the reply to EXEC. Raises the first error in it, JobIdTakenError."""
        found = list(outcomes)
        for outcome in found:
            if isinstance(outcome, Exception):
                raise outcome
        require_own(self.jobs, found)


@dataclass(frozen=True, slots=True)
class Submitter:
    """Makes transactions of envelopes; what the two clients share."""

    keyspace: Keyspace
    ttl_seconds: int
    sealer: Sealer | None

    def one(self, envelope: Envelope, job_id: str | None) -> Transaction:
        """Raises InvalidJobIdError, RequestTooLargeError."""
        (transaction,) = self.transactions([self._prepare(envelope, job_id)])
        return transaction

    def many(self, envelopes: Iterable[Envelope], job_ids: Iterable[str] | None) -> "Submissions":
        """With `job_ids` each envelope has the id of its place; there are as many of both."""
        pairs = (
            zip(envelopes, repeat(None), strict=False)
            if job_ids is None
            else zip(envelopes, job_ids, strict=True)
        )
        return Submissions(self, (self._prepare(one, job_id) for one, job_id in pairs))

    def transactions(self, jobs: Iterable[Submission]) -> list[Transaction]:
        """What is written for some jobs: one transaction for each shard that is concerned."""
        by_shard: defaultdict[int, list[Submission]] = defaultdict(list)
        for job in jobs:
            by_shard[self.keyspace.shard_of_job(job.job_id)].append(job)
        namespaces = self.keyspace.of_jobs
        return [
            Transaction(its_jobs, Keys(namespaces[shard]), self.ttl_seconds, shard)
            for shard, its_jobs in by_shard.items()
        ]

    def _prepare(self, envelope: Envelope, job_id: str | None) -> Submission:
        return prepare(envelope, job_id, self.sealer, self.keyspace)


class Submissions:
    """Any number of jobs, a transaction at a time, and the account of what went in.

    The jobs of a portion count as submitted once the iteration goes on behind its last transaction.
    """

    def __init__(self, submitter: Submitter, jobs: Iterable[Submission]) -> None:
        self._submitter = submitter
        self._jobs = iter(jobs)
        self.submitted: list[str] = []
        self.uncertain: list[str] = []

    def __iter__(self) -> Iterator[Transaction]:
        while chunk := list(islice(self._jobs, JOBS_PER_TRANSACTION)):
            self.uncertain = [job.job_id for job in chunk]
            yield from self._submitter.transactions(chunk)
            self.submitted += self.uncertain
            self.uncertain = []

    @contextmanager
    def accounted(self) -> Iterator[None]:
        """Around the iteration: whatever ends it early says what went in before."""
        try:
            yield
        except RedisUnavailableError as error:
            raise SubmitInterruptedError(str(error), self.submitted, self.uncertain) from error
        except RefusedJobError as error:
            error.submitted, error.uncertain = tuple(self.submitted), tuple(self.uncertain)
            raise
        except Exception as error:
            error.add_note(f"{len(self.submitted)} jobs were submitted before this")
            raise
