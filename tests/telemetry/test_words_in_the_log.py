"""What servers said, in the log: with no password of the item, however it came there."""

import io
import logging
from dataclasses import dataclass

import pytest
import structlog
from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.names import MASK
from producer.contract.report import Probe, Security
from worker.jobs.credential_test import BatchRules, Engine, run_batch
from worker.probing.result import ProbeResult
from worker.probing.target import Credential, ProbePlan, Protocol, Target
from worker.telemetry import logs
from worker.telemetry.metrics import Metrics
from worker.telemetry.observer import ObservedProber
from worker.telemetry.tracing import Tracing

SECRET = "Zephyr4quartz"
ITEM = {
    "dealerEmail": "dealer@example.com",
    "password": SECRET,
    "smtpHost": "smtp.example.com",
    "imapHost": "imap.example.com",
}
PIECES = {Protocol.SMTP: "535 it begins with Zephyr", Protocol.IMAP: "NO it ends in 4quartz"}


@dataclass
class Finds:
    """A prober whose servers say what they are told to."""

    said: dict[Protocol, str]
    note: str | None = None

    def for_job(self, _job_id):
        return self

    async def probe(self, plan, _fields):
        said = self.said.get(plan.protocol)
        return ProbeResult(
            plan.protocol,
            Probe(code=Code.AUTHENTICATION_AMBIGUOUS, retryable=False, server_reply=said),
            sentence=f"The server says: {said}",
            transcript=(f"{plan.protocol.upper()} S: {said}",),
            note=self.note,
            unclassified=said,
        )

    async def discover(self, _domain, _protocol):
        return None


@pytest.fixture
def log():
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("DEBUG", "json", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


async def run_item(said):
    prober = ObservedProber(Finds(said), Metrics(), Tracing()).for_job("job-1")
    engine = Engine(prober.probe, prober.discover, prober.log_words)
    await run_batch([ITEM], BatchRules(50, allow_cleartext=True), engine, lambda *_: None)


async def test_an_echo_over_both_protocols_of_an_item_is_not_logged(log):
    await run_item(PIECES)
    text = log.getvalue()
    assert text.count("unclassified_reply") == text.count("probe_dialogue") == 2
    assert "Zephyr" not in text
    assert "4quartz" not in text


async def test_what_holds_no_secret_is_logged_as_it_was_said(log):
    await run_item({Protocol.SMTP: "535 mauvais", Protocol.IMAP: "NO falsch"})
    assert "535 mauvais" in log.getvalue()
    assert "NO falsch" in log.getvalue()
    assert "smtp.example.com" in log.getvalue()


@pytest.mark.parametrize("secret", [SECRET, "abc", "mail"])
@pytest.mark.parametrize("spelled", ["{}", "{}.internal", "https {}"])
async def test_a_password_in_the_place_of_the_host_is_not_logged(log, secret, spelled):
    host = spelled.format(secret.lower())
    plan = ProbePlan(
        Protocol.SMTP,
        Target(host, 587, Security.STARTTLS),
        Credential("jean", SecretStr(secret.lower())),
    )
    prober = ObservedProber(
        Finds({Protocol.SMTP: "535 odd"}, note=f"{host} is a private name"), Metrics(), Tracing()
    )
    await prober.probe("job-1", plan, {})
    if len(secret) > 3 or "." not in host:  # any host may hold three letters
        assert secret.lower() not in log.getvalue()
        assert MASK in log.getvalue()
