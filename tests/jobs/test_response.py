import json
from pathlib import Path

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Probe
from worker.jobs.plan import plan_item
from worker.jobs.response import item_result, request_failure
from worker.probing.result import ProbeResult
from worker.probing.target import Protocol

SEED_ITEM_KEYS = {
    *("serverLogs", "outcome", "testDuration", "credentialsType", "error", "password"),
    *("imaphost", "imapport", "smtpuserID", "smtppassword", "smtphost", "smtpport"),
    *("smtpuseSSLOrTLS", "smtpenableStartTLS", "smtpuseAuth", "imapuseSSLOrTLS"),
    *("imapenableStartTLS", "accountType", "imapuserID", "imappassword", "dealerEmail"),
    *("errors", "warnings"),
}

RAW = {
    "dealerEmail": "dealer@example.com",
    "accountType": "sales",
    "orgName": "Example Motors",
    "password": "correct horse",
    "smtpHost": "smtp.example.com",
    "imapHost": "imap.example.com",
    "imapPort": 993,
}
OK = Probe(code=Code.OK, retryable=False, phase=PhaseName.AUTH)
WRONG = Probe(code=Code.AUTHENTICATION_FAILED, retryable=False, phase=PhaseName.AUTH)


def result_of(raw, *results, milliseconds=12.6):
    return item_result(plan_item(raw), results, warnings=(), milliseconds=milliseconds)


def test_item_has_exactly_the_documented_keys_and_string_leaves():
    entry = result_of(RAW, ProbeResult(Protocol.SMTP, OK)).response.model_dump()

    assert set(entry) == SEED_ITEM_KEYS
    assert all(isinstance(v, str) for k, v in entry.items() if k not in ("errors", "warnings"))


def test_one_failed_protocol_fails_the_item_and_speaks_first():
    found = result_of(
        RAW,
        ProbeResult(Protocol.SMTP, OK),
        ProbeResult(Protocol.IMAP, WRONG, "The password is wrong."),
    )

    assert found.response.outcome == "FAILURE"
    assert found.response.error == "The password is wrong."
    assert [e.errorCode for e in found.response.errors] == ["IMAP_AUTHENTICATION_FAILED"]
    assert (found.report.smtp.code, found.report.imap.code) == (Code.OK, WRONG.code)


def test_a_sender_finding_leaves_the_outcome_a_success():
    finding = Probe(code=Code.SENDER_REJECTED, retryable=False)

    found = result_of(RAW, ProbeResult(Protocol.SMTP, finding))

    assert (found.response.outcome, found.response.errors) == ("SUCCESS", ())


def test_nothing_attempted_is_a_failure():
    assert result_of(RAW).response.outcome == "FAILURE"


def test_given_fields_are_echoed_and_missing_ones_show_what_was_used():
    entry = result_of(RAW, ProbeResult(Protocol.SMTP, OK)).response

    assert (entry.smtphost, entry.smtpport, entry.smtpuserID) == (
        "smtp.example.com",
        "587",
        "dealer@example.com",
    )
    assert (entry.smtpuseSSLOrTLS, entry.smtpenableStartTLS, entry.smtpuseAuth) == (
        "false",
        "true",
        "true",
    )
    assert (entry.imapport, entry.imapuseSSLOrTLS) == ("993", "true")
    assert entry.testDuration == "13"


def test_passwords_come_back_as_the_mask_only_where_one_was_given():
    entry = result_of({**RAW, "imapPassword": "x"}, ProbeResult(Protocol.SMTP, OK)).response

    assert (entry.password, entry.smtppassword, entry.imappassword) == ("********", "", "********")


def test_a_password_typed_into_another_field_is_not_echoed():
    raw = {**RAW, "accountType": "correct horse", "smtpUserID": "me/correct horse"}

    dumped = result_of(raw, ProbeResult(Protocol.SMTP, OK)).response.model_dump_json()

    assert "correct horse" not in dumped


def test_flags_and_ports_stay_readable_also_where_a_password_looks_like_one():
    raw = {**RAW, "password": "true", "smtpPassword": "993", "smtpUseAuth": "yes"}

    entry = result_of(raw, ProbeResult(Protocol.SMTP, OK)).response

    assert (entry.smtpuseAuth, entry.imapuseSSLOrTLS, entry.imapport) == ("true", "true", "993")


def test_item_level_codes_carry_no_prefix():
    invalid = Probe(code=Code.INVALID_FIELD, retryable=False, field="smtpPort")

    found = result_of(RAW, ProbeResult(Protocol.SMTP, invalid, "smtpPort is wrong."))

    assert [e.errorCode for e in found.response.errors] == ["INVALID_FIELD"]


def test_request_failure_has_the_three_documented_lists_and_no_item():
    document = json.loads(request_failure(Code.REQUEST_UNREADABLE, "Not JSON.").model_dump_json())

    assert set(document) == {"emailCredentialsResponses", "errors", "warnings"}
    assert document["emailCredentialsResponses"] == []
    assert document["errors"][0]["errorCode"] == "REQUEST_UNREADABLE"


def test_key_set_is_the_one_of_the_vendors_page():
    golden = Path(__file__).parents[1] / "golden" / "credential_test_example.json"
    documented = json.loads(golden.read_text())

    assert set(documented["emailCredentialsResponses"][0]) == SEED_ITEM_KEYS
