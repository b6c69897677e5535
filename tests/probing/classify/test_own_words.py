"""A server may echo what it was given, password included: that is no reason why it refused."""

import pytest

from producer.contract.codes import Code
from tests.support.replies import cases, refusal
from worker.probing.classify.refusals import classify_refusal

OWN = ("mail.example.org", "jean@example.org")
REASONS = (
    "your account is locked",
    "Account-Locked-2024!",
    "too many connections",
    "basic authentication is disabled",
    "try again later",
    "not allowed from your country",
    "correct horse battery staple",
)


def code(reply: str, *secrets: str) -> Code:
    protocol = "smtp" if reply[0].isdecimal() else "imap"
    return classify_refusal(refusal(protocol, "auth", reply), None, OWN, secrets=secrets).code


@pytest.mark.parametrize("secret", REASONS)
@pytest.mark.parametrize(
    "reply",
    ["535 Wrong password: {}", "535 5.7.8 Login failed for jean ({})", "NO '{}' is invalid"],
)
def test_a_password_that_reads_like_a_reason_is_none(secret, reply):
    told = code(reply.format(secret), secret)
    assert told is code(reply.format("xyzzy"), "xyzzy")


@pytest.mark.parametrize("secret", REASONS)
def test_written_for_a_link_it_is_none_either(secret):
    echo = secret.replace(" ", "%20")
    assert code(f"535 Wrong password: {echo}", secret) is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize("secret", ["locked", "suspended", "oauth", "webmail", "throttled"])
def test_a_password_of_one_word_makes_no_reason_and_hides_none(secret):
    echoing = (f"535 Login failed with {secret}", f"NO Login failed: {secret}")
    for reply in echoing:
        assert code(reply, secret) in (Code.AUTHENTICATION_FAILED, Code.AUTHENTICATION_AMBIGUOUS)
    assert code("535 Your account is locked", secret) is Code.ACCOUNT_LOCKED


@pytest.mark.parametrize("secret", ["locked", "suspended", "disabled"])
def test_a_reason_that_hangs_on_such_a_password_leaves_the_verdict_open(secret):
    assert code(f"535 Login failed, account {secret}", secret) is Code.AUTHENTICATION_AMBIGUOUS


def test_a_reason_that_is_a_password_word_for_word_is_never_a_wrong_password():
    told = code("535 Account locked", "account locked")
    assert told is Code.AUTHENTICATION_AMBIGUOUS


@pytest.mark.parametrize("secret", ["hunter2", "correct horse battery staple", "Account-Locked-24"])
def test_a_password_that_is_not_echoed_changes_no_verdict(secret):
    for case in cases("sample.jsonl"):
        told = classify_refusal(case.refusal, None, [case.host], secrets=[secret])
        assert told == classify_refusal(case.refusal, None, [case.host])
