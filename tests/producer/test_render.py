import json
from pathlib import Path

import pytest
from rich.console import Console

from producer.commands.render import credential_result, integration_result
from producer.printable import plain

REPORT = json.loads((Path(__file__).parents[1] / "golden/report_example.json").read_text("utf-8"))


def seen(part) -> str:
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    with console.file:
        console.print(part)
        return console.export_text()


def item(**changes) -> dict:
    return {
        "outcome": "FAILURE",
        "testDuration": "278",
        "dealerEmail": "jo@example.com",
        "smtphost": "smtp.example.com",
        "smtpport": "587",
        "smtpuseSSLOrTLS": "false",
        "smtpenableStartTLS": "true",
        "errors": [
            {
                "errorCode": "SMTP_AUTHENTICATION_FAILED",
                "errorDescription": "The server did not accept the password; check it.",
                "errorUID": "u",
            }
        ],
        "warnings": [],
        **changes,
    }


def result(*items, errors=()) -> dict:
    return {"emailCredentialsResponses": list(items), "errors": list(errors), "warnings": []}


def test_a_failure_shows_verdict_cause_remedy_and_timeline():
    text = seen(credential_result(result(item()), REPORT))
    for words in (
        "✘ 1. jo@example.com  does not work",
        "SMTP  smtp.example.com:587  STARTTLS  AUTHENTICATION_FAILED",
        "The server did not accept the password",
        "Check it.",
        "to change     smtpPassword",
        "will not help",
        "name lookup ✔ 2 ms → login ✘ 12 ms → sender check -",
        "try instead   smtp.example.com port 465 with SSL/TLS",
        "535 5.7.8",
        "0 of 1 work",
    ):
        assert words in text
    assert "TLSv1.3" not in text


def test_the_full_diagnosis_adds_certificate_and_address():
    text = seen(credential_result(result(item()), REPORT, detailed=True))
    for words in (
        "192.0.2.7",
        "TLSv1.3",
        "trusted; 40 days left; for smtp.example.com; issued by Example CA",
        "PLAIN",
    ):
        assert words in text


def test_a_certificate_that_ran_out_is_called_expired():
    tls = {"verified": False, "reason": "the certificate has expired", "daysLeft": -2517}
    report = {**REPORT, "items": [{"smtp": {**REPORT["items"][0]["smtp"], "tls": tls}}]}
    text = seen(credential_result(result(item()), report, detailed=True))
    assert "expired 2517 days ago" in text
    assert "-2517" not in text


def test_a_success_is_short():
    good = item(outcome="SUCCESS", errors=[])
    report = {**REPORT, "items": [{"smtp": None, "imap": {"code": "OK", "phases": []}}]}
    text = seen(credential_result(result(good), report))
    assert "✔ 1. jo@example.com  works" in text
    assert "cause" not in text
    assert "1 of 1 work" in text


def test_without_a_report_the_cause_still_shows():
    text = seen(credential_result(result(item()), None))
    assert "The server did not accept the password" in text


def test_what_fails_the_item_and_not_a_protocol_shows_beside_the_probes():
    error = {"errorCode": "MASKED_PASSWORD", "errorDescription": "The password is a mask."}
    text = seen(credential_result(result(item(errors=[error])), REPORT))
    assert "The password is a mask." in text


def test_a_request_that_never_ran_says_why():
    error = {"errorCode": "REQUEST_UNREADABLE", "errorDescription": "It is no JSON."}
    assert "It is no JSON." in seen(credential_result(result(errors=[error]), None))


def test_warnings_show():
    warning = {"warningCode": "CLEARTEXT_LOGIN", "warningDescription": "Not encrypted."}
    assert "! Not encrypted." in seen(credential_result(result(item(warnings=[warning])), None))


def test_with_starttls_the_handshake_comes_after_it():
    phases = [
        {"name": name, "state": "ok", "milliseconds": 1}
        for name in ("connect", "tls", "greeting", "starttls", "auth")
    ]
    report = {**REPORT, "items": [{"smtp": {"code": "OK", "phases": phases}, "imap": None}]}
    text = seen(credential_result(result(item(errors=[])), report))
    assert text.index("greeting") < text.index("STARTTLS ✔") < text.index("TLS ✔ 1 ms → login")


@pytest.mark.parametrize(
    "hostile", ["\x1b]0;owned\x07", "a\r\nb", "\x9b31m", "\u202eevil", "[red]x"]
)
def test_what_a_server_says_reaches_the_terminal_as_plain_text(hostile):
    error = {"errorCode": "SMTP_X", "errorDescription": hostile}
    report = json.loads(json.dumps(REPORT))
    report["items"][0]["smtp"]["serverReply"] = hostile
    text = seen(credential_result(result(item(errors=[error], dealerEmail=hostile)), report))
    for character in "\x1b\x07\r\x9b\u202e":
        assert character not in text
    if hostile == "[red]x":
        assert text.count("[red]x") == 3


def test_plain_keeps_words_of_every_language():
    assert plain("Grüße, 東京 ✔") == "Grüße, 東京 ✔"


ANSWER = {
    "success": True,
    "statusCode": 200,
    "message": "Done.",
    "data": {"name": "new", "port": 587, "password": "********", "description": None},
    "errors": [],
}


def test_an_update_shows_what_changed_and_never_a_password():
    before = {"name": "old", "port": 587, "password": "s3cret", "description": "x"}
    text = seen(integration_result(ANSWER, None, before))
    assert "name         old → new" in text
    assert "description  x → " in text
    assert "port" not in text
    assert "s3cret" not in text
    assert "********" not in text


def test_an_answer_without_a_before_shows_the_record():
    data = {**ANSWER["data"], "password": "s3cret", "appIntegration": {"name": "Own", "id": "o"}}
    text = seen(integration_result({**ANSWER, "data": data}, None))
    assert "Own (o)" in text
    assert "s3cret" not in text


def test_an_update_that_changed_nothing_says_so():
    assert "nothing else changed" in seen(integration_result(ANSWER, None, ANSWER["data"]))


def test_a_refused_update_shows_code_cause_and_remedy():
    answer = {
        "success": False,
        "statusCode": 400,
        "message": "The request is invalid.",
        "data": None,
        "errors": [{"code": "SMTP_X", "message": "It failed; try this.", "correlationId": "c"}],
    }
    text = seen(integration_result(answer, REPORT))
    for words in ("✘ The request is invalid. (400)", "SMTP_X", "It failed", "Try this.", "login ✘"):
        assert words in text
