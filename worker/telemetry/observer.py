"""Turns what queue and probes report into metrics, log lines and spans: neither knows of these."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from producer.contract.names import MASK
from producer.contract.report import Suggestion
from worker.probing.classify.evidence import fingerprint
from worker.probing.prober import JobProber, Prober
from worker.probing.result import ProbeResult
from worker.probing.secrecy.needles import Needles
from worker.probing.secrecy.spellings import MIN_SEARCHABLE_CHARACTERS
from worker.probing.target import ProbePlan, Protocol
from worker.queue.message import Delivery, Poison
from worker.queue.observer import Observer
from worker.queue.slots import part, seat
from worker.telemetry.log_values import describe_trace
from worker.telemetry.metrics import Metrics
from worker.telemetry.tracing import Tracing

_log = structlog.get_logger("worker.queue")
_probe_log = structlog.get_logger("worker.probing.prober")


@dataclass(frozen=True, slots=True)
class ObservedProber:
    """As `Prober`; each probe is a part of its job and a span, unclassified replies are counted."""

    prober: Prober
    metrics: Metrics
    tracing: Tracing

    def for_job(self, job_id: str) -> "ObservedJobProber":
        return ObservedJobProber(self, job_id, self.prober.for_job(job_id))

    async def probe(self, job_id: str, plan: ProbePlan, fields: Mapping[str, str]) -> ProbeResult:
        """As `Prober.probe`, for a job that has one probe."""
        prober = self.for_job(job_id)
        result = await prober.probe(plan, fields)
        prober.log_words(plan, result)
        return result


@dataclass(frozen=True, slots=True)
class ObservedJobProber:
    """The probes of one job, observed."""

    observed: ObservedProber
    job_id: str
    prober: JobProber

    async def probe(self, plan: ProbePlan, fields: Mapping[str, str]) -> ProbeResult:
        with part(), self.observed.tracing.probe(plan.protocol) as span:
            async with seat():
                result = await self.prober.probe(plan, fields)
            span.ended(result.probe)
        self._log(plan, result)
        return result

    async def discover(self, domain: str, protocol: Protocol) -> Suggestion | None:
        with part():
            async with seat():
                return await self.prober.discover(domain, protocol)

    def log_words(self, plan: ProbePlan, result: ProbeResult) -> None:
        """Log what a server said, as the result shows it: searched for the item's secrets."""
        log = self._bound_log(plan)
        log.debug("probe_dialogue", code=result.probe.code, transcript=list(result.transcript))
        if result.unclassified is not None:
            log.info(
                "unclassified_reply",
                host=_shown(plan.target.host, plan),
                code=result.probe.code,
                reply=result.unclassified,
                fingerprint=fingerprint(plan.protocol, result.unclassified, plan.own_words()),
            )

    def _log(self, plan: ProbePlan, result: ProbeResult) -> None:
        log = self._bound_log(plan)
        if result.note is not None:
            log.info("target_refused", code=result.probe.code, rule=_shown(result.note, plan))
        if result.unexpected is not None:
            log.error(
                "probe_crashed",
                error_id=result.unexpected.error_id,
                exception=describe_trace(result.unexpected.error),
            )
        if result.unclassified is not None:
            self.observed.metrics.observe_unclassified(plan.protocol, self.job_id)

    def _bound_log(self, plan: ProbePlan) -> structlog.stdlib.BoundLogger:
        log: structlog.stdlib.BoundLogger = _probe_log.bind(
            job_id=self.job_id, protocol=plan.protocol
        )
        return log


def _shown(text: str, plan: ProbePlan) -> str:
    """A text that quotes the host, or the mask where somebody typed a password in its place."""
    secrets = plan.all_secrets
    searchable = [one for one in secrets if len(one) >= MIN_SEARCHABLE_CHARACTERS]
    held = Needles(searchable).found_in(text.encode("utf-8", "replace"))
    return MASK if held or not set(text.split()).isdisjoint(secrets) else text


class QueueEvents(Observer):
    """Listens to the queue of one process."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def message_taken(self, delivery: Delivery) -> None:
        """Tell of the step; the end of a job that has a result is `job_done`."""
        _log.debug("message_taken", job_id=delivery.job_id, queue=delivery.queue)

    def message_left(self, delivery: Delivery) -> None:
        """Tell whether the message was acknowledged, or will be given back."""
        _log.debug("message_left", job_id=delivery.job_id, settled=delivery.settled)

    def job_crashed(self, delivery: Delivery, error: Exception) -> None:
        """Log a bug of ours, once; the traceback shows no values."""
        _log.error(
            "job_crashed",
            job_id=delivery.job_id,
            queue=delivery.queue,
            exc_info=(type(error), error, error.__traceback__),
        )

    def message_poisoned(self, poison: Poison) -> None:
        self._metrics.observe_poison()
        _log.warning(
            "message_to_dead_letters",
            queue=poison.queue,
            reason=poison.reason,
            size=poison.size,
            job_id=poison.job_id,
        )

    def messages_redelivered(self, queue: str | None, count: int) -> None:
        _log.warning("messages_redelivered", queue=queue, count=count)

    def messages_given_back(self, count: int) -> None:
        _log.info("messages_given_back", count=count)

    def clock_skewed(self, seconds: float) -> None:
        _log.warning("clock_skewed", seconds=round(seconds, 1), remedy="run a time service (NTP)")
