"""docs/CONTRACT.md section 11: names and labels, summed over two processes."""

import re

from tests.support.mail_office import account
from tests.support.outsider import scrape

LABELS = {
    "mailvouch_jobs_total": {"kind", "outcome"},
    "mailvouch_job_duration_seconds_count": {"kind"},
    "mailvouch_queue_wait_seconds_count": {"kind"},
    "mailvouch_jobs_in_flight": set(),
    "mailvouch_probes_total": {"protocol", "code"},
    "mailvouch_probe_phase_seconds_count": {"protocol", "phase"},
    "mailvouch_queue_messages": {"queue", "state"},
    "mailvouch_queue_oldest_seconds": {"queue"},
    "mailvouch_redeliveries_total": set(),
    "mailvouch_poison_messages_total": set(),
    "mailvouch_unclassified_replies_total": {"protocol"},
    "mailvouch_build_info": {"version"},
}


def samples(page):
    for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", page, re.MULTILINE):
        yield name, dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)


def count(page, wanted, **labels):
    found = (value for name, given, value in samples(page) if (name, given) == (wanted, labels))
    return sum(found)


def test_the_page_has_the_documented_names_and_counts_every_job(world, outside, office):
    server = office.smtp("tls")
    job = {"kind": "credential-test", "outcome": "success"}
    probe = {"protocol": "smtp", "code": "OK"}
    before = scrape(world.metrics_port)
    for _ in range(8):
        outside.test(account(server, None))
    after = scrape(world.metrics_port)
    for name, labels in LABELS.items():
        shown = [set(given) for found, given, _ in samples(after) if found == name]
        assert shown, name
        assert all(given == labels for given in shown), name
    assert count(after, "mailvouch_jobs_total", **job) == 8 + count(
        before, "mailvouch_jobs_total", **job
    )
    assert count(after, "mailvouch_probes_total", **probe) == 8 + count(
        before, "mailvouch_probes_total", **probe
    )
    states = {given["state"] for name, given, _ in samples(after) if name.endswith("_messages")}
    assert states == {"ready", "delayed", "in_flight", "dead"}
