"""The metrics of docs/CONTRACT.md section 11, in one process and over several."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from producer.contract.codes import Code
from producer.contract.names import Kind
from producer.contract.report import Phase, PhaseName, PhaseState
from worker.probing.target import Protocol
from worker.telemetry.metrics import JobOutcome, Metrics
from worker.telemetry.shared_values import forget_gauges


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry) -> Metrics:
    return Metrics(registry)


def test_a_job_is_counted_and_timed_by_kind(metrics, registry):
    metrics.observe_job(Kind.CREDENTIAL_TEST, JobOutcome.FAILURE, 1.5, 0.2)

    labels = {"kind": "credential-test"}
    sample = registry.get_sample_value
    assert sample("mailvouch_jobs_total", {**labels, "outcome": "failure"}) == 1
    assert sample("mailvouch_job_duration_seconds_sum", labels) == 1.5
    assert sample("mailvouch_queue_wait_seconds_sum", labels) == 0.2


def test_a_job_whose_envelope_was_unreadable_has_the_kind_unknown(metrics, registry):
    metrics.observe_job(None, JobOutcome.REFUSED, 0.1, -3.0)

    labels = {"kind": "unknown", "outcome": "refused"}
    assert registry.get_sample_value("mailvouch_jobs_total", labels) == 1
    assert registry.get_sample_value("mailvouch_queue_wait_seconds_sum", {"kind": "unknown"}) == 0


def test_a_probe_is_counted_by_code_and_its_reached_phases_are_timed(metrics, registry):
    phases = [
        Phase(name=PhaseName.DNS, state=PhaseState.OK, milliseconds=20.0),
        Phase(name=PhaseName.CONNECT, state=PhaseState.FAILED, milliseconds=8000.0),
        Phase(name=PhaseName.TLS, state=PhaseState.SKIPPED, milliseconds=0.0),
    ]
    metrics.observe_probe(Protocol.SMTP, Code.CONNECTION_TIMED_OUT, phases)

    sample = registry.get_sample_value
    labels = {"protocol": "smtp", "code": "CONNECTION_TIMED_OUT"}
    assert sample("mailvouch_probes_total", labels) == 1
    connect = {"protocol": "smtp", "phase": "connect"}
    assert sample("mailvouch_probe_phase_seconds_sum", connect) == 8.0
    tls = {"protocol": "smtp", "phase": "tls"}
    assert sample("mailvouch_probe_phase_seconds_count", tls) is None


def test_a_job_is_in_flight_until_it_ends_even_by_an_exception(metrics, registry):
    def now() -> float | None:
        return registry.get_sample_value("mailvouch_jobs_in_flight")

    def fail() -> None:
        with metrics.in_flight():
            assert now() == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert now() == 0


def test_what_may_never_happen_is_counted_from_zero(metrics, registry):
    assert registry.get_sample_value("mailvouch_redeliveries_total") == 0
    assert registry.get_sample_value("mailvouch_poison_messages_total") == 0
    assert (
        registry.get_sample_value("mailvouch_unclassified_replies_total", {"protocol": "imap"}) == 0
    )
    metrics.observe_redelivery()
    metrics.observe_poison()
    metrics.observe_unclassified(Protocol.IMAP)
    assert registry.get_sample_value("mailvouch_redeliveries_total") == 1
    assert registry.get_sample_value("mailvouch_poison_messages_total") == 1
    assert (
        registry.get_sample_value("mailvouch_unclassified_replies_total", {"protocol": "imap"}) == 1
    )


WORKER = textwrap.dedent("""
    import os, signal, sys
    from pathlib import Path
    import prometheus_client  # Imported before the choice of storage, as a library might.
    from worker.telemetry.metrics import JobOutcome, Metrics
    from worker.telemetry.shared_values import SharedValues
    from producer.contract.names import Kind
    SharedValues(Path(sys.argv[1]), int(sys.argv[2])).begin()
    metrics = Metrics()
    metrics.observe_job(Kind.CREDENTIAL_TEST, JobOutcome.SUCCESS, 0.3, 0.0)
    running = metrics.in_flight()
    running.__enter__()
    if sys.argv[3] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)
""")


def run_worker(directory: Path, slot: int, end: str) -> None:
    subprocess.run(
        [sys.executable, "-c", WORKER, str(directory), str(slot), end],
        env={**os.environ, "PYTHONPATH": "."},
        check=end != "die",
        timeout=50,
    )


def exposed(directory: Path) -> dict[str, float]:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(directory))
    text = generate_latest(registry).decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


SUCCEEDED = 'mailvouch_jobs_total{kind="credential-test",outcome="success"}'


def test_processes_are_summed_and_a_replacement_counts_on_after_kill_nine(tmp_path):
    run_worker(tmp_path, 0, "die")
    run_worker(tmp_path, 1, "exit")
    run_worker(tmp_path, 0, "exit")

    samples = exposed(tmp_path)
    assert samples[SUCCEEDED] == 3
    duration = 'mailvouch_job_duration_seconds_count{kind="credential-test"}'
    assert samples[duration] == 3
    assert samples["mailvouch_jobs_in_flight"] == 2  # What the killed one had is not there twice.


def test_what_a_dead_process_had_in_flight_is_dropped_and_its_counters_stay(tmp_path):
    run_worker(tmp_path, 0, "die")
    forget_gauges(tmp_path, 0)

    samples = exposed(tmp_path)
    assert "mailvouch_jobs_in_flight" not in samples
    assert samples[SUCCEEDED] == 1


def test_a_metric_that_cannot_be_counted_ends_no_job(metrics):
    broken = Metrics(CollectorRegistry())
    for name in ("_jobs", "_job_duration", "_in_flight", "_redeliveries", "_poison", "_lag"):
        setattr(broken, name, None)
    broken._probe = broken._phase = broken._unclassified = None
    broken.observe_job(Kind.CREDENTIAL_TEST, JobOutcome.SUCCESS, 1.0, 1.0)
    broken.observe_probe(Protocol.SMTP, Code.OK, ())
    broken.observe_redelivery()
    broken.observe_poison()
    broken.observe_unclassified(Protocol.IMAP)
    broken.observe_loop_lag(0.1)
    with broken.in_flight():
        pass
