import base64
import codecs
import json
from pathlib import Path

import pytest

from producer.contract.codes import Code
from producer.contract.credentials import REQUEST_SPELLING, RESPONSE_SPELLING
from producer.contract.report import PhaseName, Probe, Security, Suggestion
from worker.jobs.plan import plan_item
from worker.jobs.response import item_result, request_failure
from worker.probing.result import ProbeResult
from worker.probing.target import Protocol
from worker.probing.transcript import MAX_SHOWN_BYTES

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


@pytest.mark.parametrize(
    "typed",
    ["Tr0ub4dor", "tr0ub4dor.", "imap://[TR0UB4DOR]/", "\uff34r0ub4dor", "mail.Tr0ub4dor.example"],
)
@pytest.mark.parametrize("box", ["smtpHost", "smtpUserID"])
def test_a_password_in_the_box_of_host_or_user_is_quoted_nowhere(typed, box):
    raw = {**RAW, "smtpPassword": "Tr0ub4dor", box: typed}
    sentence = f"The server {typed.lower()} could not be found; check the name."
    probe = Probe(
        code=Code.DNS_NOT_FOUND,
        retryable=False,
        hint=sentence,
        suggestion=Suggestion(host=typed, port=465, security=Security.IMPLICIT_TLS),
    )
    remark = ("SETTINGS_SUGGESTED", f"Use port 465 of {typed}.")

    found = result_of(raw, ProbeResult(Protocol.SMTP, probe, sentence, (remark,)))

    written = found.response.model_dump_json() + found.report.model_dump_json()
    assert "r0ub4dor" not in written.casefold()
    assert "********" in (found.response.smtphost, found.response.smtpuserID)
    assert "the given name" in found.response.error


@pytest.mark.parametrize(
    "label",
    [
        b"Tr0ub4dor&3".hex(),
        base64.b32encode(b"Tr0ub4dor&3").decode().rstrip("=").lower(),
        "ROD4BU0RT",
        codecs.encode("Tr0ub4dor", "rot13"),
        "tr0u.b4do.r",
    ],
)
def test_a_host_whose_name_is_a_password_in_any_encoding_is_not_suggested(label):
    host = f"{label}.evil.example"
    suggestion = Suggestion(host=host, port=465, security=Security.IMPLICIT_TLS)
    probe = Probe(code=Code.NOTHING_TO_TEST, retryable=False, suggestion=suggestion)
    remark = ("SETTINGS_SUGGESTED", f"Port 465 of {host} answered.")

    found = result_of(
        {**RAW, "smtpPassword": "Tr0ub4dor&3"},
        ProbeResult(Protocol.SMTP, probe, f"Use {host}.", (remark,)),
    )

    assert found.report.smtp.suggestion is None
    assert label not in found.response.model_dump_json() + found.report.model_dump_json()


def test_a_host_with_no_password_in_its_name_is_suggested():
    suggestion = Suggestion(host="mail.example.com", port=465, security=Security.IMPLICIT_TLS)
    probe = Probe(code=Code.NOTHING_TO_TEST, retryable=False, suggestion=suggestion)

    found = result_of({**RAW, "smtpPassword": "Tr0ub4dor&3"}, ProbeResult(Protocol.SMTP, probe))

    assert found.report.smtp.suggestion == suggestion


def test_a_host_of_which_a_short_password_is_a_part_is_shown():
    found = result_of({**RAW, "smtpPassword": "smtp"}, ProbeResult(Protocol.SMTP, OK)).response

    assert found.smtphost == "smtp.example.com"


@pytest.mark.parametrize(
    ("name", "sent", "shown"),
    [
        ("smtpPort", "25 or 26", ("smtpport", "25 or 26")),
        ("imapPort", 99999, ("imapport", "99999")),
        ("imapUseSSLOrTLS", "perhaps", ("imapuseSSLOrTLS", "perhaps")),
        ("smtpUseAuth", [True], ("smtpuseAuth", "[true]")),
        ("smtpHost", "a\r\nb", ("smtphost", "a\r\nb")),
        ("accountType", "x" * 600, ("accountType", "x" * 600)),
        ("smtpPort", "correct horse", ("smtpport", "********")),
        ("smtpHost", "x" * 9 + "correct-horse\n", ("smtphost", "********")),
        ("smtpPassword", 12345678, ("smtppassword", "********")),
        ("password", "lone \ud800 surrogate", ("password", "********")),
        ("imapHost", "lone \ud800 surrogate", ("imaphost", "lone ? surrogate")),
    ],
)
def test_what_could_not_be_read_comes_back_as_it_was_sent_masked_where_it_is_a_secret(
    name, sent, shown
):
    entry = result_of({**RAW, name: sent}).response.model_dump()

    assert entry[shown[0]] == shown[1]


def test_a_result_of_the_longest_everything_keeps_its_bound():
    everything = dict.fromkeys(REQUEST_SPELLING.values(), '\U0001f600"\\' * 100_000)
    lookalikes = {f"{name}_": "" for name in REQUEST_SPELLING.values()}
    # No password is as long: what equals one is shown as the mask.
    passwords = {"password": "x", "smtpPassword": "y\n", "imapPassword": "z\n"}
    hosts = {"smtpHost": "a\n", "imapHost": "b\n"}
    plan = plan_item({**everything, **lookalikes, **passwords, **hosts})
    logs = ("x" * (MAX_SHOWN_BYTES - 1),)
    results = [
        ProbeResult(
            problem.protocol, WRONG, problem.reason, transcript=logs if n in (0, 12) else ()
        )
        for n, problem in enumerate(plan.problems)
    ]
    warnings = [(remark.code, f"spell its name {remark.detail}") for remark in plan.remarks]

    entry = item_result(plan, results, warnings=warnings, milliseconds=1).response

    shown = entry.model_dump()
    assert len(json.dumps(shown)) <= 112 * 1024  # 5.5 MiB for a batch of 50
    assert all(len(json.dumps(shown[name])) <= 2048 for name in ("accountType", "dealerEmail"))
    assert "\U0001f600" in shown["accountType"]


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


@pytest.mark.parametrize(
    ("raw", "correction"),
    [
        ({"password": ""}, {}),
        ({"password": "", "smtpPort": "465", "imapPort": ""}, {}),
        ({"smtpPort": "no port"}, {"smtpPort": "587"}),
        ({"imapUserID": "a\nb", "smtpUserID": 7}, {"imapUserID": "me", "smtpUserID": "me"}),
        ({"smtpHost": ["mx"], "imapHost": "a\rb"}, {"smtpHost": "mx.test", "imapHost": "i.test"}),
        ({"credentialsType": "IMAP"}, {"credentialsType": ""}),
        ({"password": "********", "smtpUseAuth": "no"}, {}),
        ({"password": "", "imapUseSSLOrTLS": "no", "imapEnableStartTLS": "no"}, {}),
        ({"password": "", "imapUseSSLOrTLS": "no", "smtpEnableStartTLS": "no"}, {}),
    ],
)
def test_a_result_of_what_was_not_tested_sent_again_asks_for_the_same(raw, correction):
    """Of a flag that nobody gave, "false" would mean clear text, or no login at all."""
    typed = correction | dict.fromkeys(("password", "smtpPassword", "imapPassword"), "typed")
    echoed = result_of({**RAW, **raw}).response.model_dump()
    given_back = {
        name: echoed[spelled] if (spelled := RESPONSE_SPELLING[ours]) in echoed else ""
        for ours, name in REQUEST_SPELLING.items()
    }

    again, meant = plan_item(given_back | typed), plan_item({**RAW, **raw, **typed})

    assert [p.target for p in again.probes] == [p.target for p in meant.probes]
    assert [bool(p.credential) for p in again.probes] == [bool(p.credential) for p in meant.probes]
    assert len(meant.probes) == 2


def test_of_a_protocol_without_a_host_no_flag_is_true():
    entry = result_of({"imapHost": "imap.test", "password": "x"}).response

    flags = (entry.smtpuseSSLOrTLS, entry.smtpenableStartTLS, entry.smtpuseAuth)
    assert flags == ("false", "false", "false")
