"""What a report tells beside words is a stranger's choice as well: codes, addresses, dates."""

import base64
import re
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support import certificates
from tests.support.hostile import CREDENTIAL, IMAP_CREDENTIAL, C, imap, observe, smtp
from tests.support.probing import loopback_network
from tests.support.servers import Wire, serve
from worker.probing.classify import providers
from worker.probing.gate import OpenGate
from worker.probing.prober import Prober
from worker.probing.target import Credential, ProbePlan, Protocol, Target
from worker.probing.transcript import Transcript
from worker.probing.wire.certificate import Handshake, Leaf, tls_facts


def digits(text):
    return re.sub(r"[^0-9]", "", text)


@pytest.mark.parametrize(
    ("secret", "reply"),
    [
        ("482913", "535 5.482.913 no"),
        ("5482913", "535-5.7.8 no\r\nS: 535 5.482.913 no"),
        ("355482913", "535 5.482.913 no"),
        ("3192845", "535 5.482.913 no"),
    ],
)
async def test_no_enhanced_code_of_the_evidence_spells_a_password(secret, reply):
    steps = (*CREDENTIAL, *f"S: {reply}".split("\r\n"))
    outcome = await observe(smtp("leak", *steps, code=Code.OK, mode=C, secret=secret))
    evidence = outcome.result.probe.evidence
    assert evidence.reply == "535"
    assert "482913" not in digits(f"{evidence.enhanced_code}")


async def test_no_response_code_is_a_password_in_base64_that_has_lost_its_case():
    secret = "Vx9_thunderous-Plum"
    echo = base64.b64encode(secret.encode()).decode()
    steps = (*IMAP_CREDENTIAL, f"S: {{tag}} NO [{echo}] no")
    outcome = await observe(imap("leak", *steps, code=Code.OK, mode=C, secret=secret))
    assert echo.upper() not in outcome.everything.upper()


async def test_an_enhanced_code_without_a_secret_stays_beside_words_with_one():
    steps = (*CREDENTIAL, "S: 535 5.7.8 wrong password hunter2battery")
    case = smtp("leak", *steps, code=Code.OK, mode=C, secret="hunter2battery")
    outcome = await observe(case)
    assert outcome.result.probe.evidence.enhanced_code == "5.7.8"
    assert outcome.result.probe.remote_address == "127.0.0.1"


async def test_no_address_of_the_report_spells_a_password():
    """Whoever writes the zone was given the password by an earlier probe."""
    network = loopback_network({certificates.NAME: ["127.71.98.3"]})
    prober = Prober(network, OpenGate(), providers.load(), "probe.test", 0.5)
    credential = Credential("jean", SecretStr("1277198"))
    async with serve(Wire.silence, host="127.71.98.3") as server:
        target = Target(certificates.NAME, server.port, Security.CLEARTEXT)
        result = await prober.probe("job", ProbePlan(Protocol.SMTP, target, credential), {})
    assert result.probe.remote_address is None
    assert "1277198" not in digits(result.probe.model_dump_json())
    assert "1277198" not in digits("\n".join(result.transcript))


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize(
    ("fact", "secret"),
    [
        ("2001:db8::4875:6e74:6572:3262", "Hunter2b"),
        ("2001:db8:4875:6e74:6572:3262::1", "Hunter2b"),
    ],
)
def test_an_address_that_spells_a_password_in_hex_may_not_be_shown(fact, secret, *, seen):
    transcript = Transcript(Protocol.SMTP, [secret])
    if seen:
        transcript.event(f"connected to {fact}, port 25")
    assert not transcript.may_show(fact)
    assert transcript.may_show("2001:db8::1")


def test_a_secret_too_short_to_be_told_from_chance_hides_no_address():
    assert Transcript(Protocol.SMTP, ["127"]).may_show("127.0.0.1")


def test_a_date_does_not_spell_a_password_either():
    ends = datetime.now(UTC) + timedelta(days=482_913, hours=12)
    shown = Handshake(Leaf(("mail.test",), "CA", ends), "TLSv1.3", "x", "")
    for secret, days in (("482913", None), ("hunter2battery", 482_913)):
        facts = tls_facts(shown, Transcript(Protocol.SMTP, [secret]).scrub_certificate)
        assert facts
        assert facts.days_left == days
    assert facts.subject_names == ("mail.test",)
    assert facts.issuer == "CA"
