"""Rules and dashboard speak of metrics that exist, and do what they say."""

import importlib.util
import re
import subprocess

import fakeredis
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from producer.contract.codes import Code
from producer.contract.names import Kind, Queue
from producer.contract.report import Phase, PhaseName, PhaseState
from producer.gateway.observe import Metrics as GatewayMetrics
from worker.probing.target import Protocol
from worker.queue.depth import measure
from worker.queue.layout import Layout
from worker.telemetry.exporter import BuildCollector, QueueCollector
from worker.telemetry.metrics import JobOutcome, Metrics

NAME = re.compile(r"\bmailvouch_[a-z_]+")


@pytest.fixture(scope="module")
def exported() -> set[str]:
    """The names of every sample that a page can hold."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    phase = Phase(name=PhaseName.DNS, state=PhaseState.OK, milliseconds=1)
    metrics.observe_job(Kind.CREDENTIAL_TEST, JobOutcome.SUCCESS, 1, 1)
    metrics.observe_probe(Protocol.SMTP, Code.OK, [phase])
    registry.register(BuildCollector("1"))
    with fakeredis.FakeRedis() as client:
        registry.register(QueueCollector(lambda: measure(client, Layout("mailvouch"), Queue)))
        page = generate_latest(registry).decode()
    return {NAME.match(line).group() for line in page.splitlines() if NAME.match(line)}


@pytest.fixture(scope="module")
def exported_by_the_gateway() -> set[str]:
    metrics = GatewayMetrics()
    metrics.requests.labels("/", "GET", 200).inc()
    metrics.seconds.labels("/").observe(1)
    page = generate_latest(metrics.registry).decode()
    return {NAME.match(line).group() for line in page.splitlines() if NAME.match(line)}


def test_the_page_has_exactly_the_metrics_of_the_contract(exported):
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in exported}
    assert families == {
        "mailvouch_jobs_total",
        "mailvouch_jobs",  # the time its counting began: mailvouch_jobs_created
        "mailvouch_job_duration_seconds",
        "mailvouch_queue_wait_seconds",
        "mailvouch_jobs_in_flight",
        "mailvouch_probes_total",
        "mailvouch_probes",
        "mailvouch_probe_phase_seconds",
        "mailvouch_queue_messages",
        "mailvouch_queue_oldest_seconds",
        "mailvouch_redeliveries_total",
        "mailvouch_redeliveries",
        "mailvouch_poison_messages_total",
        "mailvouch_poison_messages",
        "mailvouch_unclassified_replies_total",
        "mailvouch_unclassified_replies",
        "mailvouch_build_info",
        *("mailvouch_event_loop_lag_seconds", "mailvouch_log_lines_dropped_total"),
        "mailvouch_log_lines_dropped",
    }


def test_the_rules_are_sound_and_each_alert_fires_when_it_should(tool, deploy):
    for check in ("check", "test"):
        file = "rules.yml" if check == "check" else "rules_test.yml"
        done = subprocess.run(
            [tool("promtool"), check, "rules", deploy / "prometheus" / file],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_scrape_configuration_is_sound(tool, deploy, tmp_path):
    text = (deploy / "prometheus/prometheus.yml").read_text()
    rules = str(deploy / "prometheus/rules.yml")
    (tmp_path / "p.yml").write_text(text.replace("/etc/prometheus/rules.yml", rules))
    done = subprocess.run(
        [tool("promtool"), "check", "config", tmp_path / "p.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_test_and_a_section_of_the_runbook(deploy):
    rules = (deploy / "prometheus/rules.yml").read_text()
    tested = (deploy / "prometheus/rules_test.yml").read_text()
    headings = re.findall(r"^#+ (\w+)$", (deploy / "RUNBOOK.md").read_text(), re.MULTILINE)
    alerts = re.findall(r"- alert: (\w+)$", rules, re.MULTILINE)
    assert len(alerts) > 10
    for alert in alerts:
        assert f"alertname: {alert}" in tested
        assert f"runbook_url: deploy/RUNBOOK.md#{alert.lower()}\n" in rules
        assert alert in headings


@pytest.mark.parametrize("file", ["prometheus/rules.yml", "grafana/dashboard.json"])
def test_rules_and_dashboard_name_only_metrics_that_are_exported(
    exported, exported_by_the_gateway, deploy, file
):
    named = set(NAME.findall((deploy / file).read_text()))
    assert named
    assert named <= exported | exported_by_the_gateway


def test_codes_in_the_rules_are_codes(deploy):
    for codes in re.findall(r'code=~"([A-Z_|]+)"', (deploy / "prometheus/rules.yml").read_text()):
        assert set(codes.split("|")) <= {str(code) for code in Code}


def test_the_dashboard_is_what_its_script_makes(deploy):
    place = deploy / "grafana/make_dashboard.py"
    spec = importlib.util.spec_from_file_location("make_dashboard", place)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    assert (deploy / "grafana/dashboard.json").read_text() == script.text()
