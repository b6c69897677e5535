"""The two actors: load, run, save, observe. The modules they call decide what a job means."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

import dramatiq
import structlog

from producer.contract.codes import HELP_PAGE, OUR_FAULT, Code
from producer.contract.credentials import FAILURE
from producer.contract.envelope import (
    CredentialTestEnvelope,
    Envelope,
    EnvelopeError,
    IntegrationEnvelope,
)
from producer.contract.integrations import request_failure as integration_failure
from producer.contract.names import ACTOR_OF, Kind, Queue
from producer.contract.ownership import owner_of
from producer.contract.report import ItemReport, Report
from producer.version import VERSION
from worker.jobs.credential_test import BatchRules, Engine, OnProgress, read_items, run_batch
from worker.jobs.integrations.service import Integrations
from worker.jobs.opening import Intake
from worker.jobs.response import request_failure
from worker.probing.target import Protocol
from worker.queue.broker import AsyncActor, HardenedBroker
from worker.queue.failed_job import FailedJob
from worker.queue.jobs import Jobs, Started
from worker.telemetry.log_values import describe_trace
from worker.telemetry.metrics import JobOutcome, Metrics
from worker.telemetry.observer import ObservedProber
from worker.telemetry.tracing import Tracing

_log = structlog.get_logger("worker")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended: the payload, what the report says of its items, and what the log says."""

    result: bytes
    kind: Kind | None
    outcome: JobOutcome
    items: tuple[ItemReport, ...] = ()
    party: str = ""
    errors: tuple[tuple[str, str], ...] = ()
    """(code, error id): the id also stands in the result."""
    owner: str = ""
    """Of whose request the result speaks; empty where it holds nothing of the request."""


@dataclass(frozen=True, slots=True)
class Actors:
    """What the actors work with. Made once by the composition root."""

    intake: Intake
    rules: BatchRules
    prober: ObservedProber
    integrations: Integrations
    metrics: Metrics
    tracing: Tracing
    help_page: str = HELP_PAGE

    async def run(self, jobs: Jobs, queue: Queue, job_id: str) -> None:
        """Run one job from its message to its saved result."""
        started = await jobs.start(job_id)
        if not isinstance(started, Started):
            _log.info("job_not_run", job_id=job_id, queue=queue, reason=started)
            return
        if started.attempt > 1:
            self.metrics.observe_redelivery()  # now: this attempt may kill its process as well
        began = time.monotonic()
        with self.metrics.in_flight():
            progress = partial(jobs.publish_progress, job_id)
            ending = await self._end(queue, started, progress)
            elapsed = time.monotonic() - began
            items = tuple(item.linked_to(self.help_page) for item in ending.items)
            report = report_bytes(started, replace(ending, items=items), elapsed)
            saved = await jobs.finish(job_id, ending.result, report, owner=ending.owner)
        if saved:
            self._observe(started, ending, elapsed)

    async def _end(self, queue: Queue, job: Started, progress: OnProgress) -> Ending:
        kind = None
        try:
            envelope = await self.intake.open(job.envelope, queue)
            kind = envelope.kind
            with self.tracing.job(job.job_id, envelope.traceparent) as span:
                ending = await self._run(envelope, job, progress)
                span.ended(kind, ending.outcome, [code for code, _ in ending.errors])
                return replace(ending, owner=owner_of(envelope))
        except EnvelopeError as error:
            return refuse(queue, error.code, error.message, kind or error.kind)

    async def _run(self, envelope: Envelope, job: Started, progress: OnProgress) -> Ending:
        if isinstance(envelope, CredentialTestEnvelope):
            return await self._test(envelope, job, progress)
        ending = await self._integrate(envelope, job)
        progress(1, 1)
        return ending

    async def _test(
        self, envelope: CredentialTestEnvelope, job: Started, progress: OnProgress
    ) -> Ending:
        items = read_items(envelope.body, self.rules)
        prober = self.prober.for_job(job.job_id)
        engine = Engine(prober.probe, prober.discover, prober.log_words)
        outcome = await run_batch(items, self.rules, engine, progress)
        for bug in outcome.bugs:
            _log.error(
                "item_crashed",
                job_id=job.job_id,
                error_id=bug.error_id,
                exception=describe_trace(bug.error),
            )
        responses = outcome.response.emailCredentialsResponses
        failed = any(item.outcome == FAILURE for item in responses)
        return Ending(
            result=outcome.response.model_dump_json().encode(),
            kind=Kind.CREDENTIAL_TEST,
            outcome=JobOutcome.FAILURE if failed else JobOutcome.SUCCESS,
            items=outcome.items,
            party=envelope.dealer_uuid,
            errors=tuple((e.errorCode, e.errorUID) for item in responses for e in item.errors),
        )

    async def _integrate(self, envelope: IntegrationEnvelope, job: Started) -> Ending:
        outcome = await self.integrations.run(
            envelope, job_id=job.job_id, submitted_ms=job.submitted_ms
        )
        if outcome.saved_unverified:
            _log.warning("saved_unverified", job_id=job.job_id, codes=outcome.codes)
        return Ending(
            result=outcome.result.to_bytes(),
            kind=envelope.kind,
            outcome=JobOutcome.SUCCESS if outcome.result.success else JobOutcome.FAILURE,
            items=(outcome.item,),
            party=envelope.brand_url,
            errors=tuple((code, outcome.correlation_id) for code in outcome.codes),
        )

    def _observe(self, job: Started, ending: Ending, elapsed: float) -> None:
        wait = job.queue_wait_ms / 1000
        self.metrics.observe_job(ending.kind, ending.outcome, elapsed, wait, job.job_id)
        for item in ending.items:
            for protocol, probe in ((Protocol.SMTP, item.smtp), (Protocol.IMAP, item.imap)):
                if probe is not None:
                    self.metrics.observe_probe(protocol, probe.code, probe.phases, job.job_id)
        _log.info(
            "job_done",
            job_id=job.job_id,
            kind=ending.kind,
            party=ending.party,
            outcome=ending.outcome,
            attempt=job.attempt,
            queue_wait_ms=job.queue_wait_ms,
            duration_ms=round(elapsed * 1000),
            items=len(ending.items),
            errors=[{"code": code, "error_id": error_id} for code, error_id in ending.errors],
        )


def declare(broker: HardenedBroker, run: Callable[[Queue, str], Awaitable[None]]) -> None:
    """Declare the actors on `broker`; a message carries the job id and nothing else."""
    for queue, actor in ACTOR_OF.items():
        dramatiq.actor(broker=broker, actor_class=AsyncActor, actor_name=actor, queue_name=queue)(
            _bound(run, queue)
        )


def _bound(
    run: Callable[[Queue, str], Awaitable[None]], queue: Queue
) -> Callable[[str], Awaitable[None]]:
    async def actor(job_id: str) -> None:
        await run(queue, job_id)

    return actor


def refuse(queue: Queue, code: Code, sentence: str, kind: Kind | None = None) -> Ending:
    """End a job of which nothing could be run, in the documented shape of its queue.

    Where the request does not tell the kind, the queue may: credential tests have one of their own.
    """
    outcome = JobOutcome.ERROR if code in OUR_FAULT else JobOutcome.REFUSED
    if queue is Queue.CREDENTIAL_TESTS:
        response = request_failure(code, sentence)
        errors = tuple((entry.errorCode, entry.errorUID) for entry in response.errors)
        kind = kind or Kind.CREDENTIAL_TEST
        return Ending(response.model_dump_json().encode(), kind, outcome, errors=errors)
    error_id = str(uuid4())
    result = integration_failure(code, sentence, error_id)
    errors = ((code.value, error_id),)
    return Ending(result.to_bytes(), kind, outcome, errors=errors)


def report_bytes(job: Started, ending: Ending, elapsed: float) -> bytes:
    """Write the report that stands beside the result."""
    report = Report(
        job_id=job.job_id,
        kind=ending.kind,
        attempts=job.attempt,
        queue_wait_ms=job.queue_wait_ms,
        duration_ms=round(elapsed * 1000),
        worker_version=VERSION,
        items=ending.items,
    )
    return report.model_dump_json(by_alias=True).encode()


def refusal_documents(metrics: Metrics, failed: FailedJob) -> tuple[bytes, bytes]:
    """Make (result, report) for a job that the queue layer has to end; count and log it."""
    ending = refuse(Queue(failed.queue), failed.code, failed.sentence)
    metrics.observe_job(ending.kind, ending.outcome, 0.0, 0.0, failed.job_id)
    if failed.code is Code.WORKER_FAILED:
        metrics.observe_poison()
    _log.warning(
        "job_refused",
        job_id=failed.job_id,
        queue=failed.queue,
        errors=[{"code": code, "error_id": error_id} for code, error_id in ending.errors],
    )
    job = Started(job_id=failed.job_id, envelope=b"", attempt=failed.attempts, queue_wait_ms=0)
    return ending.result, report_bytes(job, ending, 0.0)
