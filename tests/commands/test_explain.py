import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from producer.commands.tree import mailvouch as main
from producer.contract.codes import Code, WarningCode

CODES = Path(__file__).parents[2] / "CODES.md"


def run(*arguments: str, typed: str | None = None):
    return CliRunner().invoke(main, arguments, input=typed)


def explained(*arguments: str, typed: str | None = None) -> dict:
    result = run("explain", *arguments, "--json", typed=typed)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_a_reply_is_explained_offline_with_what_decided_it():
    told = explained("smtp", "auth", "535 5.7.8 Error: authentication failed")
    assert told["code"] == "SMTP_AUTHENTICATION_FAILED"
    assert told["evidence"]["rule"] == "words.failed"
    assert told["helpUrl"] == "CODES.md#authentication_failed"


def test_words_that_no_rule_knows_are_quoted_as_a_job_quotes_them():
    smtp = explained("smtp", "auth", "535-5.7.8 the frobnicator\\n535 5.7.8 is un\x1bhappy")
    assert '"535 5.7.8 the frobnicator is un·happy"' in smtp["description"]
    imap = explained("imap", "auth", "NO [AUTHENTICATIONFAILED] the frobnicator is unhappy")
    assert '"NO [AUTHENTICATIONFAILED] the frobnicator is unhappy"' in imap["description"]


def test_words_that_were_learnt_are_named():
    told = explained("imap", "auth", "NO Ihr tarif umfasst kein imap")
    assert (told["code"], told["evidence"]["rule"]) == ("IMAP_PROTOCOL_DISABLED", "learnt")
    assert "tarif" in told["words"]
    assert "fingerprint" in told
    assert (
        f"words:        {', '.join(told['words'])}\n"
        in run("explain", "imap", "auth", "NO Ihr tarif umfasst kein imap").output
    )


def test_a_reply_that_echoes_the_user_is_explained_as_the_probe_judges_it():
    reply = "535 Login failed for user rosenzweig"
    assert explained("smtp", "auth", reply)["code"] == "SMTP_AUTHENTICATION_AMBIGUOUS"
    told = explained("smtp", "auth", reply, "--user", "rosenzweig@example.org")
    assert told["code"] == "SMTP_AUTHENTICATION_FAILED"


@pytest.mark.parametrize(
    ("protocol", "phase", "reply"),
    [
        ("smtp", "sender", "530 5.7.0 Authentication required"),
        ("smtp", "sender", "503 5.5.1 Error: need AUTH command"),
        ("imap", "mailbox", "NO Not logged in"),
        ("imap", "mailbox", "BAD Please login first"),
        ("smtp", "mail", "530 5.7.0 Authentication required"),
        ("imap", "examine", "NO Not logged in"),
    ],
)
def test_a_login_asked_for_after_a_yes_is_explained_as_the_probe_judges_it(protocol, phase, reply):
    told = explained(protocol, phase, reply)
    assert told["code"] == f"{protocol.upper()}_AUTH_UNPROVEN"
    assert (told["outcome"], told["evidence"]["rule"]) == ("FAILURE", "words.login_wanted")


@pytest.mark.parametrize("reply", ["NO [INUSE] locked", "a1 NO [INUSE] locked"])
def test_an_imap_reply_may_come_with_its_tag(reply):
    told = explained("imap", "auth", reply)
    assert (told["code"], told["retryable"]) == ("IMAP_AUTHENTICATION_TEMPORARY", True)


def test_several_lines_are_one_reply():
    reply = "550-5.7.1 Sender\\n550 5.7.1 domain is on our blacklist"
    assert explained("smtp", "sender", reply)["code"] == "SMTP_SENDER_REJECTED"
    assert (
        explained("smtp", "sender", "-", typed=reply.replace("\\n", "\n"))["outcome"] == "SUCCESS"
    )


def test_a_server_that_says_less_than_others_is_known_by_its_host():
    reply = ("imap", "auth", "NO LOGIN failed.")
    assert explained(*reply)["code"] == "IMAP_AUTHENTICATION_FAILED"
    told = explained(*reply, "--host", "outlook.office365.com")
    assert told["code"] == "IMAP_AUTHENTICATION_AMBIGUOUS"


def test_an_unknown_reply_has_the_fingerprint_that_the_log_has():
    assert len(explained("imap", "auth", "NO the realm has no delegate")["fingerprint"]) == 12


@pytest.mark.parametrize(
    "arguments",
    [
        ("smtp", "auth", "hello"),
        ("smtp", "auth", "250 ok"),
        ("smtp", "auth", "535-and more"),
        ("smtp", "mailbox", "535 no"),
        ("imap", "auth", "OK fine"),
        ("imap", "auth", "nonsense"),
        ("pop3", "auth", "-ERR"),
        ("smtp", "lunch", "535 no"),
    ],
)
def test_what_is_no_refusal_is_said_in_one_line(arguments):
    result = run("explain", *arguments)
    assert result.exit_code == 2
    assert len(result.output.strip().splitlines()) == 1


def test_the_catalogue_for_programs_has_every_code_with_an_anchor_on_the_page():
    result = run("codes", "--json")
    entries = {entry["code"]: entry for entry in json.loads(result.output)}
    assert set(entries) == {*Code, *WarningCode}
    page = CODES.read_text(encoding="utf-8")
    for entry in entries.values():
        anchor = entry["helpUrl"].partition("#")[2]
        assert page.count(f'<a id="{anchor}"></a>`{entry["code"]}`') == 1
        assert entry["meaning"]
        assert entry["remedy"]


def test_links_lead_to_the_page_that_the_operator_hosts(monkeypatch):
    monkeypatch.setenv("MAILVOUCH_HELP_URL", "https://help.example/codes")
    (entry,) = json.loads(run("codes", "CLIENT_BLOCKED", "--json").output)
    assert entry["helpUrl"] == "https://help.example/codes#client_blocked"
    told = explained("smtp", "auth", "535 5.7.8 Error: authentication failed")
    assert told["helpUrl"] == "https://help.example/codes#authentication_failed"


@pytest.mark.parametrize("address", ["https://help.example/#codes", "https://help.example/a b"])
def test_a_page_that_no_anchor_fits_is_refused_by_the_name_of_its_setting(monkeypatch, address):
    monkeypatch.setenv("MAILVOUCH_HELP_URL", address)
    result = run("codes", "--json")
    assert result.exit_code == 2
    assert "MAILVOUCH_HELP_URL" in result.output
    assert address not in result.output


def test_a_code_names_what_helps_at_each_provider():
    (entry,) = json.loads(run("codes", "SMTP_APP_PASSWORD_REQUIRED", "--json").output)
    gmail = [one for one in entry["providers"] if one["id"] == "gmail"]
    assert gmail
    assert "app password" in gmail[0]["remedy"].lower()


def test_a_code_of_the_gateway_itself_is_not_taken_for_another():
    result = run("codes", "NULL_CREDENTIALS")
    assert "did you mean" not in result.output
    assert "docs/CONTRACT.md section 10" in result.output
    assert "did you mean CLIENT_BLOCKED?" in run("codes", "CLIENT_BLOKED").output


def test_a_code_that_is_none_is_told():
    result = run("codes", "NONSENSE")
    assert result.exit_code == 2
