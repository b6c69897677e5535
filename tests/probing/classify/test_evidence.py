import pytest

from producer.contract.report import Evidence, PhaseName
from tests.support.replies import refusal
from worker.probing.classify.evidence import address_named, evidence, fingerprint
from worker.probing.classify.faults import verdict_on_fault
from worker.probing.classify.refusals import classify_refusal
from worker.probing.errors import Code, NetworkFault
from worker.probing.interruptible import at_once
from worker.probing.target import Protocol, Refusal


def classify_fault(*arguments):
    return at_once(verdict_on_fault(*arguments))


def told(protocol: str, phase: str, reply: str) -> Evidence:
    said = refusal(protocol, phase, reply)
    return evidence(classify_refusal(said, None), PhaseName(phase), said)


@pytest.mark.parametrize(
    ("protocol", "reply", "shown"),
    [
        ("smtp", "535 5.7.8 Incorrect password", ("535", "5.7.8", None, "words.wrong_credentials")),
        ("smtp", "535 5.7.8", ("535", "5.7.8", None, "status.5.7.8")),
        ("smtp", "535", ("535", None, None, "status.535")),
        ("imap", "NO [INUSE] x y z", ("NO", None, "INUSE", "status.[INUSE]")),
        ("imap", "NO [ALERT] country blocked", ("NO", None, "ALERT", "words.client_blocked")),
        ("imap", "NO the realm has no delegate", ("NO", None, None, "unknown_words")),
    ],
)
def test_the_evidence_names_codes_and_the_rule(protocol, reply, shown):
    found = told(protocol, "auth", reply)
    assert found.phase is PhaseName.AUTH
    assert (found.reply, found.enhanced_code, found.response_code, found.rule) == shown


@pytest.mark.parametrize(
    "said",
    [
        Refusal(Protocol.IMAP, PhaseName.AUTH, "NO", "hunter2 hunter2", "hunter2"),
        Refusal(Protocol.IMAP, PhaseName.AUTH, "hunter2", "HUNTER2", "hunter2"),
        Refusal(Protocol.SMTP, PhaseName.AUTH, "hunter2", "5.hunter2.1", "hunter2"),
        Refusal(Protocol.SMTP, PhaseName.SENDER, "550", "hunter2", "hunter2"),
    ],
)
def test_what_a_server_may_have_echoed_is_no_evidence(said):
    found = evidence(classify_refusal(said, None), said.phase, said)
    assert "hunter2" not in found.model_dump_json().lower()


def test_a_broken_dialogue_is_its_own_evidence():
    fault = NetworkFault(Code.CONNECTION_REFUSED, "refused")
    verdict = classify_fault(fault, PhaseName.CONNECT)
    found = evidence(verdict, PhaseName.CONNECT, fault.refusal)
    assert (found.phase, found.rule) == (PhaseName.CONNECT, "fault.connection_refused")


def test_an_unknown_reply_has_one_fingerprint_whoever_asks_and_whatever_ids_it_holds():
    first = fingerprint(
        Protocol.IMAP, "NO the realm of a@one.example has moved, ref 4f7a1", ["a@one.example"]
    )
    second = fingerprint(
        Protocol.IMAP, "NO the realm of b@two.example has moved, ref 99b02", ["b@two.example"]
    )
    assert first == second
    assert first != fingerprint(Protocol.IMAP, "NO the realm has moved away", [])
    assert first != fingerprint(Protocol.SMTP, "NO the realm of has moved, ref", [])


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Client host [203.0.113.9] is blocked", "203.0.113.9"),
        ("Your IP 203.0.113.9, is not allowed.", "203.0.113.9"),
        ("blocked: [IPv6:2001:DB8::9].", "2001:db8::9"),
        ("blocked since 5.7.1 at 10:30", None),
        ("no address at all", None),
    ],
)
def test_the_address_that_a_server_names_is_found(text, address):
    assert address_named(text) == address
