"""Traces: spans that hang together, and nothing at all where they are off."""

import asyncio
import subprocess
import sys

import pytest

from producer.contract.codes import Code
from producer.contract.report import Phase, PhaseName, PhaseState, Probe
from worker.telemetry.tracing import SpanTracing, Tracing, start_tracing

otel = pytest.importorskip("opentelemetry.sdk.trace.export", reason="the extra otel is missing")

exporters = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CANARY = "c4nary"
PROBE = Probe(
    code=Code.AUTHENTICATION_FAILED,
    retryable=False,
    server_reply=CANARY,
    remote_address="192.0.2.1",
    phases=(Phase(name=PhaseName.AUTH, state=PhaseState.FAILED, milliseconds=12.5),),
)


@pytest.fixture
def memory():
    return exporters.InMemorySpanExporter()


@pytest.fixture
def tracing(memory):
    tracing = SpanTracing(otel.SimpleSpanProcessor(memory))
    yield tracing
    tracing.close()


async def test_a_job_hangs_below_its_producers_span_and_its_probes_below_the_job(tracing, memory):
    async def probe(protocol: str) -> None:
        with tracing.probe(protocol) as span:
            await asyncio.sleep(0)
            span.ended(PROBE)

    with tracing.job("job-1", PARENT) as span:
        await asyncio.gather(probe("smtp"), probe("imap"))
        span.ended("credential-test", "failure", ["SMTP_AUTHENTICATION_FAILED"])

    *probes, job = memory.get_finished_spans()
    assert job.name == "job"
    assert job.parent.span_id == int(PARENT.split("-")[2], 16)
    assert job.attributes["mailvouch.job_id"] == "job-1"
    assert job.attributes["mailvouch.codes"] == ("SMTP_AUTHENTICATION_FAILED",)
    assert {span.name for span in probes} == {"probe smtp", "probe imap"}
    for span in probes:
        assert span.parent.span_id == job.context.span_id
        assert span.attributes["mailvouch.code"] == "AUTHENTICATION_FAILED"
        assert [event.name for event in span.events] == ["auth"]


@pytest.mark.parametrize("traceparent", [None, "nonsense", "00-0-0-0"])
def test_without_a_good_parent_a_job_starts_a_trace_of_its_own(tracing, memory, traceparent):
    with tracing.job("job-1", traceparent):
        pass

    (job,) = memory.get_finished_spans()
    assert job.parent is None


def test_spans_show_no_reply_no_address_and_no_exception(tracing, memory):
    def fail() -> None:
        with tracing.job("job-1", None), tracing.probe("smtp") as span:
            span.ended(PROBE)
            raise ValueError(CANARY)

    with pytest.raises(ValueError, match=CANARY):
        fail()

    text = "".join(span.to_json() for span in memory.get_finished_spans())
    assert CANARY not in text
    assert "192.0.2.1" not in text


def test_off_is_the_default_and_costs_no_import(monkeypatch):
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    assert type(start_tracing()) is Tracing

    script = (
        "import sys; from worker.telemetry.tracing import start_tracing; t = start_tracing()\n"
        "with t.job('j', None) as j, t.probe('smtp') as p: j.ended('k', 'o', [])\n"
        "t.close(); sys.exit(any(m.startswith('opentelemetry') for m in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=50)


def test_the_standard_variable_switches_traces_on(monkeypatch):
    # Nothing listens there; nothing is sent, because no span is made.
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    tracing = start_tracing()
    try:
        assert isinstance(tracing, SpanTracing)
    finally:
        tracing.close()
