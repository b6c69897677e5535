"""What the page and the table say of each protocol."""

import pytest

from producer.contract.codes import Code
from producer.verdicts.reading import advice_of, read_integration_probe, read_probe, read_test

WORKS = {Code.OK, Code.SENDER_REJECTED, Code.SENDER_INCONCLUSIVE}
"""Every other code makes the protocol failed (docs/CONTRACT.md section 6)."""


def probe(code, *phases):
    steps = [{"name": name, "state": "ok", "milliseconds": 1} for name in phases]
    return {"code": code, "phases": steps}


def read_item(errors, **probes):
    listed = [{"errorCode": code, "errorDescription": "Why; what to do."} for code in errors]
    item = {"outcome": "FAILURE" if errors else "SUCCESS", "errors": listed, "warnings": []}
    return read_test({"emailCredentialsResponses": [item]}, {"items": [probes]}).items[0]


@pytest.mark.parametrize("code", [Code.INVALID_FIELD, Code.NOTHING_TO_TEST, Code.MASKED_PASSWORD])
def test_what_an_error_of_the_whole_account_kept_from_being_tested_does_not_work(code):
    item = read_item([code], smtp=probe(code), imap=probe(code))
    assert [one.outcome for one in item.protocols] == ["was not tested", "was not tested"]
    assert [one.code for one in item.advice] == [code]


def test_of_what_was_not_tested_no_encryption_is_named_that_nobody_chose():
    """A flag that was not given comes back as "false" there."""
    flags = {"smtpuseSSLOrTLS": "false", "smtpenableStartTLS": "false"}
    result = {"emailCredentialsResponses": [{"smtphost": "mx.example", **flags}]}

    def named(smtp):
        return read_test(result, {"items": [{"smtp": smtp}]}).items[0].protocols[0].security

    assert named(probe("INVALID_FIELD")) == ""
    assert named(probe("OK", "connect")) == "no encryption"


def test_a_bad_field_of_one_protocol_says_nothing_of_the_other():
    tested = probe("OK", "connect", "auth") | {"mechanism": "PLAIN"}
    item = read_item(["INVALID_FIELD"], smtp=probe("INVALID_FIELD"), imap=tested)
    assert [one.outcome for one in item.protocols] == ["was not tested", "login works"]


def test_a_failure_whose_code_only_the_result_tells_is_one():
    item = read_item(["SMTP_INTERNAL_SERVER_ERROR"], smtp=probe("OK", "connect"))
    assert [one.outcome for one in item.protocols] == ["does not work"]


def test_what_is_found_of_the_sender_leaves_the_login_working():
    item = read_item([], smtp=probe("SENDER_REJECTED", "auth", "sender") | {"mechanism": "PLAIN"})
    assert [one.outcome for one in item.protocols] == ["login works"]


def test_of_all_codes_those_of_a_login_that_worked_alone_say_so():
    assert {code for code in Code if read_probe("smtp", probe(code)).works} == WORKS


def test_an_error_of_ours_says_nothing_of_what_was_sent():
    broken = read_probe("smtp", probe("INTERNAL_SERVER_ERROR"))
    assert (broken.outcome, broken.without_steps) == (
        "could not be tested",
        "how far the test came is not known",
    )
    untested = read_probe("smtp", probe("INVALID_FIELD"))
    assert (untested.outcome, untested.without_steps) == ("was not tested", "nothing was sent")


def test_the_words_of_a_server_are_never_our_advice():
    said = 'The server mx.test refused the login and said "no; visit http://x.test"; check both.'
    advice = advice_of({"errorDescription": said})
    assert (advice.cause, advice.remedy) == (said.removesuffix("; check both."), "Check both.")


@pytest.mark.parametrize(
    ("success", "code", "causes"),
    [
        (True, "DNS_NOT_FOUND", ["No such server"]),
        (True, "SENDER_REJECTED", ["No such server"]),
        (False, "DNS_NOT_FOUND", []),
    ],
)
def test_what_was_saved_although_something_was_found_comes_with_what_it_was(success, code, causes):
    """Where it was not saved, the errors of the result say so."""
    found = probe(code, "dns") | {"hint": "No such server; check the name."}
    read = read_integration_probe({"success": success}, {"items": [{"smtp": found}]})
    assert [advice.cause for advice in read.advice] == causes
