"""The metrics of docs/CONTRACT.md section 11 that the workers count; labels from closed sets.

Every worker process counts into files that all of them share (`shared_values.py`), and the exporter
adds them up (`exporter.py`). No metric can end a job: one that cannot be counted is logged, once.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import cache, partial, wraps
from typing import Final, ParamSpec

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from producer.contract.codes import Code
from producer.contract.names import Kind
from producer.contract.report import Phase, PhaseState
from worker.probing.target import Protocol
from worker.telemetry.exemplars import exemplar_of

UNKNOWN_KIND: Final = "unknown"
"""The kind of a job whose envelope could not be read."""

# A probe may take 45 s and an item waits for servers that stall a wrong password by 15 s.
DURATION_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 120)
# From an idle worker's pick-up to a queue that has grown for an hour.
QUEUE_WAIT_BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
PHASE_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 45)
SLOW_PHASE_SECONDS: Final = 0.5
"""A phase that takes this long names its job as exemplar; of a quick one nobody asks."""
# 0.01 s late is usual; with a loop that is 1 s late everything is.
LAG_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15)

P = ParamSpec("P")
_log = logging.getLogger("worker.telemetry.metrics")


class JobOutcome(StrEnum):
    """How a job ended. Every outcome has a result; `error` is the only one that is our fault."""

    SUCCESS = "success"
    FAILURE = "failure"
    REFUSED = "refused"
    """The request as a whole was no good: unreadable, invalid, expired, not sealed."""
    ERROR = "error"
    """The worker gave up: WORKER_FAILED or INTERNAL_SERVER_ERROR."""


def _harmless(observe: Callable[P, None]) -> Callable[P, None]:
    """Let a metric that cannot be counted end no job; it is logged, once for each kind."""
    failed = False

    @wraps(observe)
    def counted(*args: P.args, **kwargs: P.kwargs) -> None:
        nonlocal failed
        try:
            observe(*args, **kwargs)
        except Exception:  # noqa: BLE001 - whatever it is, the job is worth more
            if not failed:
                failed = True
                _log.warning("metric_not_counted", exc_info=True)

    return counted


class Metrics:
    """What one worker process counts."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        registry = registry or CollectorRegistry()
        counter = partial(Counter, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self._in_flight = Gauge(
            "mailvouch_jobs_in_flight",
            "Jobs that run now.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self._lag = histogram(
            "mailvouch_event_loop_lag_seconds",
            "How late the event loop calls what is due; sampled once a second.",
            buckets=LAG_BUCKETS,
        )
        self._dropped_lines = counter(
            "mailvouch_log_lines_dropped", "Log lines that nobody read in time."
        )
        self._declare_jobs(counter, histogram)
        self._declare_probes(counter, histogram)
        self._start_from_zero()

    def _declare_jobs(
        self, counter: Callable[..., Counter], histogram: Callable[..., Histogram]
    ) -> None:
        self._jobs = counter(
            "mailvouch_jobs", "Jobs ended, by kind and outcome.", ("kind", "outcome")
        )
        self._job_duration = histogram(
            "mailvouch_job_duration_seconds",
            "Time from a job's start in a worker to its saved result.",
            ("kind",),
            buckets=DURATION_BUCKETS,
        )
        self._queue_wait = histogram(
            "mailvouch_queue_wait_seconds",
            "Time from a job's submission to its start in a worker.",
            ("kind",),
            buckets=QUEUE_WAIT_BUCKETS,
        )
        self._redeliveries = counter(
            "mailvouch_redeliveries", "Jobs started again because an earlier attempt died."
        )
        self._poison = counter(
            "mailvouch_poison_messages",
            "Messages put aside: undecodable, or their job killed too many workers.",
        )

    def _declare_probes(
        self, counter: Callable[..., Counter], histogram: Callable[..., Histogram]
    ) -> None:
        self._probes = counter(
            "mailvouch_probes", "Probes ended, by protocol and code.", ("protocol", "code")
        )
        phases = histogram(
            "mailvouch_probe_phase_seconds",
            "Time that a phase of a probe took.",
            ("protocol", "phase"),
            buckets=PHASE_BUCKETS,
        )
        self._unclassified = counter(
            "mailvouch_unclassified_replies", "Refusals that no rule recognised.", ("protocol",)
        )
        # Finding a child by its labels takes longer than counting.
        self._probe = cache(self._probes.labels)
        self._phase = cache(phases.labels)

    def _start_from_zero(self) -> None:
        """Show every counter before its first event: a rate over a new series misses that event.

        The gauge too: after a kill -9 the slot's file holds what the dead process had in flight.
        """
        self._in_flight.set(0)
        for kind in (*Kind, UNKNOWN_KIND):
            for outcome in JobOutcome:
                self._jobs.labels(kind, outcome)
        for protocol in Protocol:
            self._unclassified.labels(protocol)
            for code in Code:
                self._probes.labels(protocol, code)

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count one job as running inside the `with`."""
        self._count_in_flight(1)
        try:
            yield
        finally:
            self._count_in_flight(-1)

    @_harmless
    def _count_in_flight(self, jobs: int) -> None:
        self._in_flight.inc(jobs)

    @_harmless
    def observe_job(
        self,
        kind: Kind | None,
        outcome: JobOutcome,
        duration_seconds: float,
        wait_seconds: float,
        job_id: str = "",
    ) -> None:
        """Record a job that ended. A clock that went back must not make a wait negative."""
        label, exemplar = kind or UNKNOWN_KIND, exemplar_of(job_id)
        self._jobs.labels(label, outcome).inc(1, exemplar)
        self._job_duration.labels(label).observe(max(0.0, duration_seconds), exemplar)
        self._queue_wait.labels(label).observe(max(0.0, wait_seconds), exemplar)

    @_harmless
    def observe_probe(
        self, protocol: Protocol, code: Code, phases: Iterable[Phase], job_id: str = ""
    ) -> None:
        """Record a probe that ended, with the phases it reached."""
        exemplar = exemplar_of(job_id)
        self._probe(protocol, code).inc(1, exemplar)
        for phase in phases:
            if phase.state is not PhaseState.SKIPPED:
                seconds = phase.milliseconds / 1000
                slow = seconds >= SLOW_PHASE_SECONDS
                self._phase(protocol, phase.name).observe(seconds, exemplar if slow else None)

    @_harmless
    def observe_redelivery(self) -> None:
        self._redeliveries.inc()

    @_harmless
    def observe_poison(self) -> None:
        self._poison.inc()

    @_harmless
    def observe_unclassified(self, protocol: Protocol, job_id: str = "") -> None:
        self._unclassified.labels(protocol).inc(1, exemplar_of(job_id))

    @_harmless
    def observe_loop_lag(self, seconds: float) -> None:
        self._lag.observe(max(0.0, seconds))

    @_harmless
    def observe_dropped_lines(self, count: int) -> None:
        self._dropped_lines.inc(count)
