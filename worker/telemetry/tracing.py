"""Optional traces: one span a job, a child span for each probe (extra `otel`).

On where OpenTelemetry's own variable OTEL_EXPORTER_OTLP_ENDPOINT (or ..._TRACES_ENDPOINT) is set;
the other OTEL_ variables are the SDK's. Otherwise nothing of OpenTelemetry is imported and a span
costs an empty `with`. A job's parent is the `traceparent` of its envelope (W3C Trace Context), so
that it hangs below the request that a producer was serving.

Spans carry what the log carries: ids, codes, durations. No host, no user, no reply, no exception.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

import structlog

from producer.contract.report import Probe
from producer.version import VERSION

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span

_SWITCHES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_CLOSE_MILLISECONDS = 5_000

_log = structlog.get_logger("worker.telemetry.tracing")


class JobSpan:
    """The span of the job that runs; this one does nothing."""

    def ended(self, kind: str, outcome: str, codes: Sequence[str]) -> None:
        """How the job ended; `codes` are those of its errors."""


class ProbeSpan:
    """The span of the probe that runs; this one does nothing."""

    def ended(self, probe: Probe) -> None:
        """What the probe found."""


_NO_JOB = nullcontext(JobSpan())
_NO_PROBE = nullcontext(ProbeSpan())


class Tracing:
    """What the actors see; this one does nothing."""

    def job(self, _job_id: str, _traceparent: str | None) -> AbstractContextManager[JobSpan]:
        """A span around a job whose envelope was opened; probes inside become its children."""
        return _NO_JOB

    def probe(self, _protocol: str) -> AbstractContextManager[ProbeSpan]:
        """A span around one probe; takes its parent from the running task."""
        return _NO_PROBE

    def close(self) -> None:
        """Send what is left; bounded."""


def start_tracing() -> Tracing:
    """Read OpenTelemetry's variables; call it in each worker process, after the fork."""
    if not any(os.environ.get(name) for name in _SWITCHES):
        return Tracing()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - optional
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - optional
    except ImportError:
        _log.warning("tracing_off", remedy="pip install 'mailvouch[otel]'")
        return Tracing()
    return SpanTracing(BatchSpanProcessor(OTLPSpanExporter()))


class SpanTracing(Tracing):
    """Traces are on; spans go to `processor`."""

    def __init__(self, processor: "SpanProcessor") -> None:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - optional
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - optional

        # A name in OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES wins over this one.
        named = os.environ.get("OTEL_SERVICE_NAME") or "mailvouch-worker"
        resource = Resource.create({"service.name": named, "service.version": VERSION})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("mailvouch", VERSION)

    @contextmanager
    def job(self, job_id: str, traceparent: str | None) -> Iterator[JobSpan]:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - optional
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - optional
            TraceContextTextMapPropagator,
        )

        carrier = {"traceparent": traceparent} if traceparent else {}
        with self._tracer.start_as_current_span(
            "job",
            context=TraceContextTextMapPropagator().extract(carrier),
            kind=SpanKind.CONSUMER,
            attributes={"messaging.system": "dramatiq", "mailvouch.job_id": job_id},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _OpenJob(span)

    @contextmanager
    def probe(self, protocol: str) -> Iterator[ProbeSpan]:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - optional

        with self._tracer.start_as_current_span(
            f"probe {protocol}",
            kind=SpanKind.CLIENT,
            attributes={"network.protocol.name": protocol},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _OpenProbe(span)

    def close(self) -> None:
        self._provider.force_flush(_CLOSE_MILLISECONDS)
        self._provider.shutdown()


class _OpenJob(JobSpan):
    def __init__(self, span: "Span") -> None:
        self._span = span

    def ended(self, kind: str, outcome: str, codes: Sequence[str]) -> None:
        self._span.set_attributes(
            {"mailvouch.kind": kind, "mailvouch.outcome": outcome, "mailvouch.codes": list(codes)}
        )


class _OpenProbe(ProbeSpan):
    def __init__(self, span: "Span") -> None:
        self._span = span

    def ended(self, probe: Probe) -> None:
        self._span.set_attributes(
            {"mailvouch.code": probe.code, "mailvouch.retryable": probe.retryable}
        )
        for phase in probe.phases:
            self._span.add_event(
                phase.name, {"state": phase.state, "milliseconds": phase.milliseconds}
            )
