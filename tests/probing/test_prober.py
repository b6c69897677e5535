"""The prober as a job sees it: one answer for each probe, whatever happened."""

import io
import json
import logging
from dataclasses import dataclass, field

import pytest
import structlog
from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support import certificates
from tests.support.hostile import (
    CREDENTIAL,
    GREET,
    HELLO,
    IMAP_CREDENTIAL,
    IMAP_LOGIN,
    answer_scram,
    play,
)
from tests.support.probing import loopback_network
from tests.support.servers import serve
from worker.probing.classify import providers
from worker.probing.gate import Admitted, Finding
from worker.probing.prober import Prober
from worker.probing.target import Credential, ProbePlan, Protocol, Target
from worker.probing.wire.egress import EgressPolicy
from worker.telemetry import logs
from worker.telemetry.metrics import Metrics
from worker.telemetry.observer import ObservedProber
from worker.telemetry.tracing import Tracing

SECRET = "Canary-7hunter2"
PLAN = ProbePlan(
    Protocol.IMAP,
    Target("mail.test", 993, Security.IMPLICIT_TLS),
    Credential("jean", SecretStr(SECRET)),
)


@dataclass
class NotedGate:
    """Lets everybody in and remembers what it was told on leaving."""

    findings: list[Finding | None] = field(default_factory=list)

    async def enter(self, probe):
        return Admitted("ticket", probe)

    def leave(self, admitted, finding):
        self.findings.append(finding)


def broken_prober(gate=None):
    """A prober whose resolver has a bug, in an exception that quotes the password."""
    network = loopback_network({"mail.test": ValueError(f"no {SECRET} here")})
    return Prober(network, gate or NotedGate(), providers.load(), "probe.test", 60)


async def test_an_error_of_ours_costs_that_probe_alone_and_may_be_tried_again():
    gate = NotedGate()
    result = await broken_prober(gate).probe("job", PLAN, {})
    assert result.probe.code is Code.INTERNAL_SERVER_ERROR
    assert result.probe.retryable
    assert result.sentence
    assert SECRET not in f"{result.probe} {result.sentence} {result.transcript} {result.warnings}"
    assert gate.findings == [None]  # the place is free again, and nothing was learnt


async def finding_of(protocol, steps, secret=SECRET):
    """What the gate hears of a probe at a server that says so."""
    gate = NotedGate()
    async with serve(lambda wire: play(wire, steps)) as server:
        target = Target(certificates.NAME, server.port, Security.CLEARTEXT)
        plan = ProbePlan(protocol, target, Credential("jean", SecretStr(secret)))
        prober = Prober(loopback_network(), gate, providers.load(), "probe.test", 60)
        await prober.probe("job", plan, {})
    return gate.findings[-1]


OFFERS = (*GREET, "S: 250-mail.test")
LOGIN_BY_NAME = (*OFFERS, "S: 250 AUTH LOGIN", "C: AUTH LOGIN", "S: 334 ", "C: amVhbg==")
SCRAM = (*OFFERS, "S: 250 AUTH SCRAM-SHA-256", "C: AUTH SCRAM-SHA-256 ")
"""Up to where the server knows the user and nothing that is made of the password."""
TOO_LONG = ("S: 500 5.5.6 line too long", r"C: AUTH PLAIN\Z")


@pytest.mark.parametrize(
    ("protocol", "steps"),
    [
        (Protocol.SMTP, (*CREDENTIAL, "CLOSE")),
        (Protocol.SMTP, (*CREDENTIAL, "S: what?")),
        (Protocol.SMTP, (*CREDENTIAL, "S: 250 well")),
        (Protocol.SMTP, (*CREDENTIAL, "S: 334 ", r"C: \*", "S: 501 cancelled")),
        (Protocol.SMTP, (*CREDENTIAL, "S: 235 authentication failed")),
        (Protocol.SMTP, (*LOGIN_BY_NAME, "S: 334 ", "C: ", "CLOSE")),
        (Protocol.SMTP, (*SCRAM, answer_scram("r={nonce}x,s=c2FsdA==,i=4096"), "C: ", "CLOSE")),
        (Protocol.IMAP, (*IMAP_CREDENTIAL, "RESET")),
        (Protocol.IMAP, (*IMAP_CREDENTIAL, "S: x NO what?")),
        (Protocol.SMTP, (*CREDENTIAL, "S: 454 4.7.0 invalid username or password")),
        (Protocol.SMTP, (*CREDENTIAL, "S: 435 4.7.8 Error: authentication failed")),
        (Protocol.SMTP, (*CREDENTIAL, "S: 421 4.7.0 authentication failed, closing")),
        (Protocol.SMTP, (*CREDENTIAL, "S: 450 no")),
        (Protocol.IMAP, (*IMAP_CREDENTIAL, "S: * BYE Connection is closed. 13")),
        (Protocol.SMTP, (*CREDENTIAL, *TOO_LONG, "S: 535 5.7.8 authentication failed")),
        (Protocol.SMTP, (*CREDENTIAL, *TOO_LONG, "S: 454 4.7.0 try again later")),
    ],
)
async def test_a_credential_that_got_no_answer_may_be_no_good(protocol, steps):
    finding = await finding_of(protocol, steps)
    assert finding.unanswered
    assert finding.counts


@pytest.mark.parametrize(
    ("protocol", "steps"),
    [
        (Protocol.SMTP, (*HELLO[:-1], "CLOSE")),
        (Protocol.SMTP, ("S: 220 mail.test ESMTP", "C: EHLO ", "S: 250 mail.test")),
        (Protocol.SMTP, (*LOGIN_BY_NAME, "CLOSE")),
        (Protocol.SMTP, (*SCRAM, "CLOSE")),
        (Protocol.SMTP, (*SCRAM, answer_scram("r={nonce}x,s=c2FsdA==,i=1000"), r"C: \*")),
        (Protocol.SMTP, (*CREDENTIAL, "S: 454 4.7.0 try again later")),
        (Protocol.SMTP, (*CREDENTIAL, "S: 451 4.3.0 cannot connect to the database")),
        (Protocol.SMTP, (*CREDENTIAL, "S: 235 2.7.0 ok")),
        (Protocol.IMAP, (*IMAP_CREDENTIAL, "S: {tag} OK in", "C: TAG EXAMINE", "S: * BYE no")),
        (Protocol.IMAP, ("S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi",)),
        (Protocol.IMAP, (*IMAP_CREDENTIAL, "S: {tag} OK in", "C: TAG EXAMINE ", "CLOSE")),
    ],
)
async def test_nor_is_it_held_against_one_that_was_not_sent_or_was_answered(protocol, steps):
    finding = await finding_of(protocol, steps)
    assert not finding.unanswered
    assert not finding.counts


@pytest.mark.parametrize(("go_ahead", "sent"), [((), False), (("S: + ", "C: "), True)])
async def test_a_password_that_goes_as_a_literal_is_sent_when_the_server_says_so(go_ahead, sent):
    steps = (*IMAP_LOGIN, *go_ahead, "CLOSE")
    finding = await finding_of(Protocol.IMAP, steps, "pässwörd-lang")
    assert finding.unanswered == sent


async def test_the_log_has_the_error_under_the_id_that_the_result_gives():
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("INFO", "json", stream)
    try:
        observed = ObservedProber(broken_prober(), Metrics(), Tracing())
        result = await observed.probe("job-1", PLAN, {})
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    (line,) = [json.loads(text) for text in stream.getvalue().splitlines()]
    assert line["event"] == "probe_crashed"
    assert line["error_id"] == result.unexpected.error_id
    assert line["job_id"] == "job-1"
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize(
    ("host", "port", "rule"),
    [
        ("10.0.0.1", 587, "MAILVOUCH_ALLOW_NETWORKS"),
        ("db.internal", 587, "private name"),
        ("mail.test", 22, "MAILVOUCH_ALLOW_PORTS"),
    ],
)
async def test_the_rule_behind_a_refused_target_is_for_the_operator_alone(host, port, rule):
    policy = EgressPolicy(allow_networks=(), allow_ports=(range(587, 588),))
    network = loopback_network({host: ["10.0.0.1"]}, policy=policy)
    prober = Prober(network, NotedGate(), providers.load(), "probe.test", 2.0)
    target = Target(host, port, Security.STARTTLS)
    result = await prober.probe("job", ProbePlan(Protocol.SMTP, target, None), {})
    assert result.probe.code is Code.TARGET_NOT_ALLOWED
    assert rule in result.note
    shown = f"{result.probe.model_dump_json()} {result.sentence} {result.transcript}"
    assert rule not in shown
    assert result.note not in shown
