"""Job ids as exemplars, over several processes, where the scraper asks for OpenMetrics."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
from prometheus_client import exposition
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Exemplar

from worker.telemetry.collectors import SharedCollector, registry_of
from worker.telemetry.exemplars import ExemplarFile, exemplar_of, read_exemplars, series

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
PROGRAM = """
import shutil, sys
from pathlib import Path
from producer.contract.codes import Code
from producer.contract.names import Kind
from producer.contract.report import Phase, PhaseName, PhaseState
from worker.probing.target import Protocol
from worker.telemetry.metrics import JobOutcome, Metrics
from worker.telemetry.shared_values import SharedValues

shared = SharedValues(Path(sys.argv[1]), int(sys.argv[2]))
shared.begin()
metrics = Metrics()

def end(job_id, outcome=JobOutcome.FAILURE, seconds=0.3):
    metrics.observe_job(Kind.CREDENTIAL_TEST, outcome, seconds, 0.02, job_id)

def probe(job_id, code, seconds):
    phase = Phase(name=PhaseName.AUTH, state=PhaseState.OK, milliseconds=seconds * 1000)
    metrics.observe_probe(Protocol.SMTP, code, [phase], job_id)

"""


def count(directory, steps, slot=0):
    command = [sys.executable, "-c", PROGRAM + steps, str(directory), str(slot)]
    subprocess.run(command, timeout=50, check=True)


def page(directory, accept=OPEN_METRICS):
    workers = SimpleNamespace(directory=directory)
    encode, content_type = choose_encoder(accept)
    return encode(registry_of(SharedCollector(workers))).decode(), content_type


def exemplars(directory):
    """The job of each series that has one, as a scraper's parser reads the page."""
    text, content_type = page(directory)
    assert content_type.startswith("application/openmetrics-text")
    return {
        (sample.name, *sample.labels.values()): (sample.exemplar.labels, sample.exemplar.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.exemplar
    }


def test_outcome_duration_and_wait_name_the_job_they_come_from(tmp_path):
    count(tmp_path, "end('slow', seconds=7)")
    assert exemplars(tmp_path) == {
        ("mailvouch_jobs_total", "credential-test", "failure"): ({"job_id": "slow"}, 1),
        duration("10.0"): ({"job_id": "slow"}, 7),
        ("mailvouch_queue_wait_seconds_bucket", "credential-test", "0.05"): (
            {"job_id": "slow"},
            0.02,
        ),
    }


def duration(bucket):
    return ("mailvouch_job_duration_seconds_bucket", "credential-test", bucket)


def test_a_probe_names_its_job_by_its_code_and_by_a_phase_that_was_slow(tmp_path):
    count(tmp_path, "probe('refused', Code.AUTHENTICATION_FAILED, 2); probe('fine', Code.OK, 0.1)")
    assert exemplars(tmp_path) == {
        ("mailvouch_probes_total", "AUTHENTICATION_FAILED", "smtp"): ({"job_id": "refused"}, 1),
        ("mailvouch_probes_total", "OK", "smtp"): ({"job_id": "fine"}, 1),
        ("mailvouch_probe_phase_seconds_bucket", "2.5", "auth", "smtp"): ({"job_id": "refused"}, 2),
    }


def test_a_reply_that_no_rule_knew_names_its_job(tmp_path):
    count(tmp_path, "metrics.observe_unclassified(Protocol.IMAP, 'odd')")
    assert exemplars(tmp_path) == {
        ("mailvouch_unclassified_replies_total", "imap"): ({"job_id": "odd"}, 1)
    }


def test_a_scraper_that_asks_for_plain_text_gets_none(tmp_path):
    count(tmp_path, "end('seen')")
    text, content_type = page(tmp_path, "text/plain")
    assert content_type == exposition.CONTENT_TYPE_PLAIN_0_0_4
    assert 'outcome="failure"} 1.0\n' in text
    assert "seen" not in text


def test_of_several_processes_the_newest_exemplar_counts(tmp_path):
    for slot, (name, seconds) in enumerate([("older", 100.0), ("newest", 300.0), ("old", 200.0)]):
        written = ExemplarFile(tmp_path / f"exemplars_{slot}")
        written.put(series("x_total", {}), Exemplar({"job_id": name}, 1.0, seconds))
    found = read_exemplars(tmp_path.iterdir())
    assert [one.labels["job_id"] for one in found.values()] == ["newest"]


@pytest.mark.parametrize(("later", "kept"), [(0.5, "first"), (1.5, "second"), (-90.0, "second")])
def test_one_exemplar_a_second_is_written_whatever_the_clock_does(tmp_path, later, kept):
    written = ExemplarFile(tmp_path / "exemplars_0")
    for name, seconds in (("first", 100.0), ("second", 100.0 + later)):
        written.put(series("x_total", {}), Exemplar({"job_id": name}, 1.0, seconds))
    (found,) = read_exemplars(tmp_path.iterdir()).values()
    assert found.labels["job_id"] == kept


def test_what_the_process_before_has_written_stays_until_it_is_written_over(tmp_path):
    count(tmp_path, "end('first', seconds=7)")
    count(tmp_path, "probe('second', Code.OK, 0)")
    found = {labels["job_id"] for labels, _ in exemplars(tmp_path).values()}
    assert found == {"first", "second"}


def test_a_removed_directory_gets_its_exemplars_again(tmp_path):
    folder = tmp_path / "run"
    count(folder, "end('lost'); shutil.rmtree(sys.argv[1]); shared.keep(); end('kept')")
    assert {labels["job_id"] for labels, _ in exemplars(folder).values()} == {"kept"}


@pytest.mark.parametrize("content", [b"", b"{", b"null" * 400, b"[1]", b"\xff" * 600, b"[[],1,2]"])
def test_a_file_that_is_no_good_is_left_out(tmp_path, content):
    count(tmp_path, "end('good')")
    (tmp_path / "exemplars_1").write_bytes(content)
    assert ("mailvouch_jobs_total", "credential-test", "failure") in exemplars(tmp_path)


def test_a_job_id_that_no_exemplar_can_hold_is_counted_without_one(tmp_path):
    assert exemplar_of("x" * 122) == {"job_id": "x" * 122}
    assert exemplar_of("x" * 123) is None
    count(tmp_path, "end('x' * 122); end('y' * 123, JobOutcome.SUCCESS)")
    text, _ = page(tmp_path)
    assert 'outcome="success"} 1.0\n' in text
    assert "x" * 122 in text
    assert "yyy" not in text


def test_where_there_is_no_room_a_job_is_counted_all_the_same(tmp_path):
    (tmp_path / "exemplars_0").mkdir()
    count(tmp_path, "end('seen'); shared.keep(); end('again')")
    text, _ = page(tmp_path)
    assert 'outcome="failure"} 2.0\n' in text
