import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support.replies import refusal
from worker.probing.classify.faults import verdict_on_fault
from worker.probing.classify.verdict import FieldKind
from worker.probing.errors import (
    AuthFault,
    DeadlineFault,
    NetworkFault,
    ProbeFault,
    ProtocolFault,
    TargetFault,
)
from worker.probing.interruptible import at_once


def classify_fault(*arguments):
    return at_once(verdict_on_fault(*arguments))


@pytest.mark.parametrize("code", Code)
def test_a_fault_keeps_its_code(code):
    assert classify_fault(ProbeFault(code, "why"), None).code is code


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        (Code.DNS_NOT_FOUND, False),
        (Code.DNS_TEMPORARY, True),
        (Code.CONNECTION_REFUSED, False),
        (Code.CONNECTION_TIMED_OUT, True),
        (Code.CERTIFICATE_EXPIRED, False),
        (Code.DEADLINE_EXCEEDED, True),
        (Code.TARGET_NOT_ALLOWED, False),
    ],
)
def test_a_fault_says_whether_trying_again_helps(code, retryable):
    assert classify_fault(ProbeFault(code, "why"), PhaseName.CONNECT).retryable is retryable


def test_silence_instead_of_a_greeting_points_at_the_encryption():
    fault = DeadlineFault(Code.DEADLINE_EXCEEDED, "no greeting", hint="silent_greeting")
    verdict = classify_fault(fault, PhaseName.GREETING)
    assert (verdict.hint, verdict.field) == ("silent_greeting", FieldKind.SECURITY)


def test_an_invalid_field_is_named():
    fault = TargetFault(Code.INVALID_FIELD, "this is not a host name", hint="host")
    assert classify_fault(fault, None).field is FieldKind.HOST


def test_a_fault_with_a_refusal_behind_it_is_judged_by_the_servers_words():
    said = refusal("imap", "greeting", "BYE Too many connections")
    fault = ProtocolFault(Code.GREETING_REJECTED, "no", refusal=said)
    assert classify_fault(fault, PhaseName.GREETING).code is Code.TOO_MANY_CONNECTIONS


def test_a_no_before_the_credential_was_sent_is_no_wrong_password():
    said = refusal("imap", "auth", "NO no literals here")
    fault = ProtocolFault(Code.PROTOCOL_ERROR, "literal refused", refusal=said)
    assert classify_fault(fault, PhaseName.AUTH).code is Code.PROTOCOL_ERROR


@pytest.mark.parametrize(
    "reply",
    [
        "535 your account is locked",
        "535 5.7.8 the password has expired",
        "534 5.7.9 application-specific password required",
        "534 5.7.14 log in via your web browser",
        "535 5.7.139 basic authentication is disabled",
        "535 Firewall rule prevents this",
        "535 user is authenticated but not connected",
    ],
)
def test_nothing_that_is_said_before_the_credential_counts_against_the_account_or_for_it(reply):
    fault = AuthFault(Code.NO_COMMON_MECHANISM, "no", refusal=refusal("smtp", "auth", reply))
    assert classify_fault(fault, PhaseName.AUTH).code is Code.NO_COMMON_MECHANISM


def test_what_a_server_says_of_itself_before_the_credential_is_believed():
    said = refusal("smtp", "auth", "554 5.7.1 your IP is blocked")
    fault = AuthFault(Code.NO_COMMON_MECHANISM, "no", refusal=said)
    assert classify_fault(fault, PhaseName.AUTH).code is Code.CLIENT_BLOCKED


def test_the_faults_own_hint_goes_first():
    fault = NetworkFault(Code.CONNECTION_CLOSED, "gone", hint="ssh")
    assert classify_fault(fault, PhaseName.GREETING).hint == "ssh"
