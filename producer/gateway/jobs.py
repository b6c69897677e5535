"""Submit a job once, wait for its result as long as the caller wants: behind every endpoint.

A submit is one script: it claims the job id for its caller and request, and enqueues. The same
`Idempotency-Key`, caller, path and body find the same job, whichever gateway is asked.
"""

import asyncio
import hashlib
import hmac
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import Gauge
from starlette.requests import Request
from starlette.responses import Response

from producer.contract.envelope import CredentialTestEnvelope, Envelope
from producer.contract.names import Kind
from producer.contract.ownership import owner_of
from producer.gateway.admissions import Admissions
from producer.gateway.answers import accepted, family_of, finished, location_of, status_of
from producer.gateway.arrivals import Arrivals
from producer.gateway.callers import Caller, refusal_of
from producer.gateway.claims import JobClaim, JobFacts, SubmitOutcome, SubmitState
from producer.gateway.facts import facts_of
from producer.gateway.intake import WaitPreference
from producer.gateway.refusals import HttpError, Reason
from producer.gateway.store import GatewayStore
from producer.gateway.workers import Workers
from producer.redis_failures import RedisUnavailableError
from producer.sealing.requests import Sealer
from producer.submission import Submission, prepare
from producer.submit_errors import RequestTooLargeError

PATIENCE_SECONDS: Final = 0.5
"""So long a stream of events waits for Redis: it has to say something now and then."""

_MARK_WORDS: Final = b"mailvouch gateway request\0"


@dataclass(frozen=True, slots=True)
class SubmitRequest:
    """What one request asks for: `total` items. `key` is the job id that its caller chose."""

    envelope: Envelope = field(repr=False)
    caller: Caller
    body: bytes = field(repr=False)
    total: int = 1
    key: str | None = None


@dataclass(frozen=True, slots=True)
class SubmittedJob:
    """A submitted job, with its result where it was submitted and ended before."""

    job_id: str
    caller: Caller
    result: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Submits, waits and looks. `waiting` counts the requests that wait."""

    store: GatewayStore
    arrivals: Arrivals
    admissions: Admissions
    workers: Workers
    sealer: Sealer | None
    waiting: Gauge

    async def run(
        self, wanted: SubmitRequest, wishes: WaitPreference, request: Request
    ) -> Response:
        """Submit; answer with the result, or that the job goes on. Raises as both steps do."""
        job = await self.submit(wanted, request, needs_worker=wishes.needs_worker)
        result = await self.wait(job, wishes.seconds, request)
        headers = wishes.applied(accepted=result is None)
        kind = wanted.envelope.kind
        if result is None:
            return accepted(job.job_id, family_of(kind), headers)
        document = self.store.document(job.job_id, result)
        if kind is Kind.INTEGRATION_CREATE:
            headers |= location_of(document)
        return finished(job.job_id, result, status_of(document), headers)

    async def submit(
        self, wanted: SubmitRequest, request: Request, *, needs_worker: bool
    ) -> SubmittedJob:
        """Submit. Raises HttpError; RedisUnavailableError where it is not known to be submitted."""
        job = self._prepare(wanted)
        claim = _claim_of(wanted, request)
        may_enqueue = not needs_worker or await self.workers.present()
        submitted = await self.store.submit(job, claim, may_enqueue=may_enqueue)
        _require_taken(submitted)
        facts_of(request).job_id = job.job_id
        return SubmittedJob(job.job_id, wanted.caller, submitted.result)

    async def wait(self, job: SubmittedJob, seconds: float, request: Request) -> bytes | None:
        """Return the result; None where the time is up, the caller gone or the gateway closing.

        Raises HttpError where the caller is not admitted any more.
        """
        if job.result is not None or seconds <= 0:
            return job.result
        with (
            self.waiting.track_inprogress(),
            self.admissions.watch(job.caller) as revoked,
            self.arrivals.expect(job.job_id) as waiter,
        ):
            self.arrivals.look([job.job_id])
            gone = asyncio.ensure_future(disconnected(request))
            first: set[asyncio.Future[Any]] = {waiter, gone, revoked}
            try:
                await asyncio.wait(first, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
            if revoked.done():
                raise refusal_of(job.caller)
            return waiter.result() if waiter.done() else None

    async def look(self, job_id: str, caller: Caller, request: Request) -> JobFacts:
        """Return a job of the caller. Raises HttpError where there is none, or is another's."""
        job = await self.store.job(job_id)
        if job is None or job.caller != caller.identity or job.is_lost:
            raise HttpError(Reason.NO_SUCH_JOB)
        facts_of(request).job_id = job_id
        return job

    async def is_lost(self, job_id: str) -> bool:
        """Tell whether nothing is left of a job: a failover of Redis may lose what it took last."""
        with suppress(RedisUnavailableError, TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                job = await self.store.job(job_id)
            return job is None or job.is_lost
        return False

    def _prepare(self, wanted: SubmitRequest) -> Submission:
        try:
            return prepare(wanted.envelope, wanted.key, self.sealer, self.store.keyspace)
        except RequestTooLargeError:
            raise HttpError(Reason.TOO_LARGE) from None
        except RecursionError:  # a form was read in a thread, where more fits on the stack
            raise HttpError(Reason.INVALID, "The request is nested too deeply.") from None


def _require_taken(submitted: SubmitOutcome) -> None:
    if submitted.state is SubmitState.CONFLICT:
        raise HttpError(Reason.KEY_REUSED)
    if submitted.state is SubmitState.NO_WORKER:
        raise HttpError(Reason.NO_WORKER)
    if submitted.state is SubmitState.LIMITED:
        raise HttpError(Reason.TOO_MANY, headers={"Retry-After": str(submitted.retry_seconds)})


async def disconnected(request: Request) -> None:
    """Return once the client has gone, or the response is complete."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _claim_of(wanted: SubmitRequest, request: Request) -> JobClaim:
    envelope, caller = wanted.envelope, wanted.caller
    mark = _mark_of(caller, request, wanted.body)
    dealer = envelope.dealer_uuid if isinstance(envelope, CredentialTestEnvelope) else ""
    return JobClaim(caller.identity, mark, envelope.kind, wanted.total, owner_of(envelope), dealer)


def _mark_of(caller: Caller, request: Request, body: bytes) -> str:
    """Make what tells whether two requests are the same: method, path and body.

    An HMAC whose key is the secret that the caller just presented. Redis holds no such secret, so
    no password in a body can be guessed from a mark that was read there. A brand whose key was
    rotated in between is another caller in this.
    """
    key = caller.secret.get_secret_value().encode("utf-8", "surrogatepass")
    words = (request.method.encode(), request.scope["raw_path"], body)
    return hmac.new(key, _MARK_WORDS + b"\0".join(words), hashlib.sha256).hexdigest()
