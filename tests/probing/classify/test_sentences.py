from dataclasses import replace

import pytest

from producer.contract.codes import SENDER_FINDINGS, Code, WarningCode
from producer.contract.report import Security, Suggestion, TlsFacts
from worker.probing.classify.facts import FACTS, WARNINGS
from worker.probing.classify.hints import HINTS, OF_A_TOKEN
from worker.probing.classify.providers import load
from worker.probing.classify.sentences import Context, describe, describe_code, describe_warning
from worker.probing.classify.verdict import Verdict
from worker.probing.classify.words import TABLE
from worker.probing.target import Protocol

CONTEXT = Context(
    protocol=Protocol.IMAP, host="imap.example.org", port=143, security=Security.STARTTLS
)
JARGON = ("EHLO", "SASL", "handshake", "enhanced", "response code", "0x", "Errno", "None", "{", "}")


def verdict(code: Code, hint: str | None = None) -> Verdict:
    return Verdict(code, FACTS[code].retryable, hint=hint)


def at(host: str, protocol: Protocol = Protocol.IMAP) -> Context:
    return Context(protocol=protocol, host=host, port=993, provider=load().find(host))


def is_one_sentence(text: str) -> bool:
    plain = text.replace("SG. ", "").replace("imap.", "").replace("smtp.", "")
    return text[0].isupper() and text.endswith(".") and ". " not in plain and "\n" not in text


@pytest.mark.parametrize("code", Code)
def test_every_code_has_one_plain_sentence_with_and_without_context(code):
    for context in (CONTEXT, Context(), at("imap.gmail.com"), at("outlook.office365.com")):
        text = describe(verdict(code), context)
        assert is_one_sentence(text), text
        assert not [word for word in JARGON if word in text]


@pytest.mark.parametrize("code", WarningCode)
def test_every_warning_has_one_plain_sentence(code):
    assert set(WARNINGS) == set(WarningCode)
    for context in (CONTEXT, Context(), at("outlook.office365.com")):
        assert is_one_sentence(describe_warning(code, context))


@pytest.mark.parametrize("hint", HINTS)
def test_every_hint_makes_one_plain_sentence(hint):
    assert is_one_sentence(describe(verdict(Code.WRONG_SERVICE, hint), CONTEXT))


@pytest.mark.parametrize("provider", load().known, ids=lambda one: one.id)
def test_every_providers_remedy_makes_one_sentence(provider):
    for code in (Code.APP_PASSWORD_REQUIRED, Code.PROTOCOL_DISABLED, Code.AUTHENTICATION_FAILED):
        context = Context(protocol=Protocol.IMAP, host="mail.test", provider=provider)
        assert is_one_sentence(describe(verdict(code), context))


@pytest.mark.parametrize("host", ["mail.example.org", "imap.gmail.com", "outlook.office365.com"])
@pytest.mark.parametrize("hint", [None, "unknown_words", "password_or_switch"])
@pytest.mark.parametrize(
    "code",
    [Code.AUTHENTICATION_FAILED, Code.AUTHENTICATION_AMBIGUOUS, Code.LOGIN_COOLDOWN],
)
def test_who_gave_a_token_is_told_of_the_token_and_not_of_a_password(code, hint, host):
    text = describe(verdict(code, hint), replace(at(host), bearer=True, said="no luck"))
    assert is_one_sentence(text)
    assert "token" in text
    assert "password" not in text
    assert ("no luck" in text) == (hint == "unknown_words")


@pytest.mark.parametrize("key", OF_A_TOKEN)
def test_every_word_about_a_token_makes_one_plain_sentence(key):
    context = replace(CONTEXT, bearer=True)
    if key in list(WarningCode):
        text = describe_warning(WarningCode(key), context)
    elif key in list(Code):
        text = describe(verdict(Code(key)), context)
    else:
        text = describe(verdict(Code.AUTHENTICATION_AMBIGUOUS, key), context)
    assert is_one_sentence(text)
    assert "token" in text
    assert not [word for word in JARGON if word in text]


def test_every_code_has_a_row():
    assert set(FACTS) == set(Code)


def test_a_hint_of_the_word_table_exists():
    hints = {row.hint for row in TABLE.rows if row.hint}
    assert hints <= set(HINTS)


def test_a_bare_no_of_a_known_provider_gets_the_providers_remedy():
    text = describe(verdict(Code.AUTHENTICATION_FAILED), at("imap.fastmail.com"))
    assert "create an app password in Fastmail" in text


def test_gmx_is_told_where_imap_is_switched_on_though_it_only_said_no():
    text = describe(verdict(Code.AUTHENTICATION_FAILED), at("imap.gmx.net"))
    assert "switch on POP3/IMAP access in GMX" in text


def test_the_switch_for_imap_is_named():
    text = describe(verdict(Code.PROTOCOL_DISABLED), at("imap.comcast.net"))
    assert text.startswith("IMAP is switched off for this account at Comcast Xfinity; switch it on")


def test_microsofts_remedy_is_another_for_sending_than_for_reading():
    sending = describe(
        verdict(Code.PROTOCOL_DISABLED), at("smtp.office365.com", protocol=Protocol.SMTP)
    )
    assert "switch on Authenticated SMTP for this mailbox" in sending
    reading = describe(verdict(Code.AUTHENTICATION_AMBIGUOUS), at("outlook.office365.com"))
    assert "check the password, and if it is right, connect the mailbox with Microsoft" in reading
    assert "Authenticated SMTP" not in reading


def test_an_app_password_of_a_provider_that_takes_others_too_is_explained_by_itself():
    text = describe(verdict(Code.APP_PASSWORD_REQUIRED), at("imap.gmx.net"))
    assert text.startswith("GMX does not take the usual password here; create an app password")


def test_a_server_name_that_is_none_is_said_to_be_the_trouble():
    assert describe(verdict(Code.INVALID_FIELD, "host"), at("https://mail.test/")) == (
        "What is given as the mail server is no server name; give the name alone, like "
        "mail.example.com, without a port or a web address."
    )


def test_a_suggestion_that_was_seen_to_work_is_the_remedy():
    seen = Suggestion(host="smtp.example.org", port=587, security=Security.STARTTLS)
    context = Context(protocol=Protocol.SMTP, host="smtp.example.org", port=465, suggestion=seen)
    assert describe(verdict(Code.CONNECTION_TIMED_OUT), context) == (
        "The server smtp.example.org did not answer on port 465; port 587 of smtp.example.org "
        "answered with STARTTLS (encryption that begins after connecting), so use that."
    )


def test_a_suggestion_is_no_remedy_for_a_wrong_password():
    seen = Suggestion(host="imap.example.org", port=993, security=Security.IMPLICIT_TLS)
    context = Context(protocol=Protocol.IMAP, host="imap.example.org", suggestion=seen)
    assert "port 993" not in describe(verdict(Code.AUTHENTICATION_FAILED), context)


def test_ports_that_our_network_blocks_are_not_the_dealers_fault():
    context = Context(protocol=Protocol.SMTP, host="a.example", port=465, ports_blocked=True)
    assert "seem blocked from our network" in describe(verdict(Code.CONNECTION_TIMED_OUT), context)


def test_the_age_and_the_names_of_a_certificate_are_told():
    old = TlsFacts(verified=False, days_left=-12)
    context = Context(host="a.example", tls=old)
    assert "ran out 12 days ago" in describe(verdict(Code.CERTIFICATE_EXPIRED), context)
    other = TlsFacts(verified=False, subject_names=("b.example", "<script>{port}", "c.example"))
    text = describe(verdict(Code.CERTIFICATE_NAME_MISMATCH), Context(host="a.example", tls=other))
    assert "is for b.example, c.example and not for a.example" in text


def test_the_days_of_a_certificate_that_ends_soon_are_told():
    context = Context(host="a.example", tls=TlsFacts(verified=True, days_left=1))
    text = describe_warning(WarningCode.CERTIFICATE_EXPIRES_SOON, context)
    assert "runs out in 1 day;" in text


def test_a_field_is_named_by_our_own_words_and_braces_are_harmless():
    context = Context(detail="smtpPort must be a number, not {0.__class__}")
    text = describe_code(Code.INVALID_FIELD, context)
    assert "as it is: smtpPort must be a number, not {0.__class__};" in text


def test_a_host_with_braces_is_only_text():
    assert "{server}" in describe(verdict(Code.DNS_NOT_FOUND), Context(host="{server}"))


@pytest.mark.parametrize("code", sorted(SENDER_FINDINGS))
def test_a_finding_says_first_that_the_login_worked(code):
    assert describe_code(code, CONTEXT).startswith("The login worked, but")


def test_facts_that_tls_did_not_show_are_left_out():
    nothing = Context(host="a.example", tls=TlsFacts(verified=False))
    expired = describe(verdict(Code.CERTIFICATE_EXPIRED), nothing)
    assert "is not valid today" in expired
    mismatch = describe(verdict(Code.CERTIFICATE_NAME_MISMATCH), nothing)
    assert "is for another name" in mismatch


def test_a_certificate_that_is_not_valid_yet_did_not_run_out():
    early = Context(host="a.example", tls=TlsFacts(verified=False, days_left=90))
    assert "is not valid today" in describe(verdict(Code.CERTIFICATE_EXPIRED), early)


def test_suggested_settings_are_named_in_the_warning():
    seen = Suggestion(host="imap.gmail.com", port=993, security=Security.IMPLICIT_TLS)
    text = describe_warning(WarningCode.SETTINGS_SUGGESTED, Context(suggestion=seen))
    assert "port 993 of imap.gmail.com answered with SSL/TLS, so use that." in text


def test_our_address_is_named_where_the_server_does():
    context = Context(host="a.example", our_address="203.0.113.9")
    blocked = describe(verdict(Code.CLIENT_BLOCKED), context)
    assert "does not let our network address 203.0.113.9, or the country" in blocked
    assert "our network address," in describe(verdict(Code.CLIENT_BLOCKED), Context())


def test_words_that_nobody_knows_are_shown_and_no_template():
    context = Context(host="a.example", said='NO {host} "x" ' + "y" * 500)
    text = describe(verdict(Code.AUTHENTICATION_AMBIGUOUS, "unknown_words"), context)
    assert "said \"NO {host} 'x' yyy" in text
    assert len(text) < 400


def test_every_remedy_stands_after_the_last_semicolon():
    """There a reader of a result splits the sentence: the words of a server stand before it."""
    tables = [*FACTS.values(), *WARNINGS.values(), *HINTS.values(), *OF_A_TOKEN.values()]
    words = [fact.remedy for fact in tables]
    for one in load().known:
        words += [one.remedy, one.smtp_remedy, one.app_password_remedy, one.imap_switch]
    assert [word for word in words if word and ";" in word] == []
