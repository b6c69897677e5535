import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support.confusion import judge, matrix
from tests.support.evaluation import FITTED, HELD_OUT, Score, judged
from tests.support.replies import cases, refusal
from worker.probing.classify import providers
from worker.probing.classify.refusals import classify_refusal
from worker.probing.classify.senders import classify_accepted_sender
from worker.probing.classify.status import TABLES
from worker.probing.sasl.bearer import describe_error
from worker.probing.target import Protocol, Refusal

SAMPLE = list(cases("sample.jsonl"))
OURS = [*cases("corpus.jsonl"), *cases("gathered.jsonl")]

TEMPORARY = {
    Code.AUTHENTICATION_TEMPORARY,
    Code.RATE_LIMITED,
    Code.TOO_MANY_CONNECTIONS,
    Code.QUOTA_EXCEEDED,
}


def auth(reply: str, host: str = "mail.example.org", own_words: tuple[str, ...] = ()):
    protocol = "smtp" if reply[0].isdecimal() else "imap"
    return classify_refusal(
        refusal(protocol, "auth", reply), providers.load().find(host), own_words
    )


def refused_token(reply: str, status: str):
    """Judge the refusal of a bearer token after an error of that status, as the dialogues do."""
    refused = refusal("smtp" if reply[0].isdecimal() else "imap", "auth", reply)
    error = describe_error(json.dumps({"status": status}).encode())
    return classify_refusal(replace(refused, text=f"{refused.text}\n{error}"), None)


@pytest.mark.parametrize("name", ["sample.jsonl", "corpus.jsonl", "gathered.jsonl"])
def test_every_labelled_reply_gets_its_code(name):
    labelled = list(cases(name))
    table = matrix(labelled)
    print(f"\n{name}\n{table}")  # noqa: T201 - pytest -s shows it, and a failure does
    wrong = [case for case in labelled if judge(case).code != case.code]
    assert not wrong, table


def test_every_labelled_reply_says_whether_trying_again_helps():
    wrong = [case.reply for case in (*SAMPLE, *OURS) if judge(case).retryable != case.retryable]
    assert wrong == []


def test_a_reply_labelled_with_a_field_says_which_input_to_change():
    labelled = [case for case in OURS if "field" in case.labelled]
    wrong = [case.reply for case in labelled if judge(case).field != case.labelled["field"]]
    assert labelled
    assert wrong == []


def test_no_reply_is_labelled_twice():
    labelled = [(case.host, case.refusal) for case in (*SAMPLE, *OURS)]
    assert len(labelled) == len(set(labelled))


@pytest.mark.parametrize("status", ["401", "invalid_token", "insufficient_scope"])
@pytest.mark.parametrize(
    "reply",
    ["535 5.7.8 Error: authentication failed", "NO [AUTHENTICATIONFAILED] login failed", "NO no"],
)
def test_a_status_that_speaks_of_the_token_is_a_refused_credential(reply, status):
    judged = refused_token(reply, status)
    assert (judged.code, judged.recognised) == (Code.AUTHENTICATION_FAILED, True)


@pytest.mark.parametrize("status", ["400", "500", "503"])
def test_a_status_that_may_be_of_the_request_or_the_server_is_no_refused_credential(status):
    judged = refused_token("535 5.7.8 Error: authentication failed", status)
    assert judged.code is Code.AUTHENTICATION_AMBIGUOUS


@pytest.mark.parametrize("reply", ["421", "432", "435", "450", "451", "454", "455", "499"])
@pytest.mark.parametrize("words", ["", " Authentication failed", " invalid credentials"])
def test_a_4xx_to_auth_is_never_a_wrong_password(reply, words):
    verdict = auth(reply + words)
    assert verdict.code in TEMPORARY
    assert verdict.retryable


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG"])
def test_an_imap_code_of_a_server_in_trouble_outweighs_vague_words(code):
    assert auth(f"NO [{code}] Login failed").code is Code.AUTHENTICATION_TEMPORARY


@pytest.mark.parametrize(
    "host", ["smtp-auth.example.com", "too-many-connections.example.org", "disabled.example.net"]
)
def test_the_users_host_and_name_are_no_evidence(host):
    user = f"rate-limit@{host}"
    verdict = auth(f"535 {host} refuses {user} ({user})", own_words=(host, user))
    assert verdict.code is Code.AUTHENTICATION_FAILED


def test_a_user_name_that_is_a_word_of_the_tables_is_no_evidence():
    assert auth("NO locked locked", own_words=("locked",)).code is Code.AUTHENTICATION_FAILED
    assert auth("NO account locked out").code is Code.ACCOUNT_LOCKED
    assert auth("NO account lockedout", own_words=("locked",)).code is Code.ACCOUNT_LOCKED


def test_a_name_before_the_at_sign_is_no_evidence_where_the_server_quotes_it():
    own = ("suspended@mail.example",)
    quoted = auth("535 5.7.8 Unknown user 'suspended'", own_words=own)
    assert quoted.code is Code.AUTHENTICATION_FAILED
    assert auth("535 Your account is suspended", own_words=own).code is Code.ACCOUNT_LOCKED


def test_words_are_whole_words():
    assert not auth("535 oauthority unthrottleable").recognised


@pytest.mark.parametrize(
    "reply",
    [
        "535 Incorrect authentication data",
        "535",
        "535 5.7.8",
        "NO",
        "NO [AUTHENTICATIONFAILED] Authentication failed.",
        "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
        "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
        "535 5.7.8 Username and Password not accepted. Go to https://x.example/?p=Bad a1-2 - gsmtp",
    ],
)
def test_a_reply_that_says_only_that_the_login_failed_is_certain(reply):
    assert auth(reply).code is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize("head", ["535", "535 5.7.8", "554", "NO", "NO [AUTHENTICATIONFAILED]"])
@pytest.mark.parametrize(
    "words",
    [
        "computer says no",
        "Authentication failed: the realm has no delegate",
        "Invalid credentials, or the mailbox was moved to another cluster",
        "your household manager has gone fishing",
    ],
)
def test_a_reply_that_says_something_else_is_never_a_certain_wrong_password(head, words):
    verdict = auth(f"{head} {words}")
    assert verdict.code is Code.AUTHENTICATION_AMBIGUOUS
    assert not verdict.recognised
    assert verdict.rule == "unknown_words"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("wrong password  hunter", Code.AUTHENTICATION_AMBIGUOUS),
        ("wrong password", Code.AUTHENTICATION_FAILED),
        (None, Code.AUTHENTICATION_AMBIGUOUS),
    ],
)
def test_an_echo_of_the_credential_is_nothing_that_was_said_but_all_else_is(said, code):
    reply = refusal("smtp", "auth", "535 5.7.8 wrong password aHVudGVyMg hunter")
    assert classify_refusal(reply, None, said=said).code is code


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "TEMPFAIL"])
@pytest.mark.parametrize("words", ["mailbox locked", "account disabled", "wrong password", "x y z"])
def test_a_response_code_of_trouble_is_temporary_whatever_the_words(code, words):
    verdict = auth(f"NO [{code}] {words}")
    assert verdict.code is Code.AUTHENTICATION_TEMPORARY
    assert verdict.retryable


@pytest.mark.parametrize("reply", ["421 4.7.0", "454", "535 4.7.0", "550 5.4.5"])
def test_a_code_that_calls_itself_temporary_makes_a_lock_worth_another_try(reply):
    assert auth(f"{reply} Your account is suspended").retryable
    assert not auth("535 5.7.8 Your account is suspended").retryable


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("451 Authentication failed: Maximum credits exceeded", Code.QUOTA_EXCEEDED),
        ("450 4.1.1 No such user here", Code.AUTHENTICATION_FAILED),
        ("421 4.7.66 TLS 1.0 and 1.1 are not supported.", Code.TLS_VERSION_UNSUPPORTED),
    ],
)
def test_a_few_words_outweigh_a_temporary_code(reply, code):
    verdict = auth(reply)
    assert verdict.code is code
    assert not verdict.retryable


@pytest.mark.parametrize("reply", ["BAD", "500", "501 5.5.4"])
@pytest.mark.parametrize(
    "words", ["literals not accepted", "Authentication failed", "disabled", ""]
)
def test_a_refusal_of_our_syntax_is_no_refusal_of_the_password(reply, words):
    verdict = auth(f"{reply} {words}".strip())
    assert verdict.code is not Code.AUTHENTICATION_FAILED
    assert verdict.code is not Code.ACCOUNT_LOCKED


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ("525", Code.AUTHENTICATION_FAILED),
        ("52e", Code.AUTHENTICATION_FAILED),
        ("532", Code.PASSWORD_EXPIRED),
        ("533", Code.ACCOUNT_LOCKED),
    ],
)
def test_what_a_domain_controller_says_is_read_by_its_number(data, code):
    said = f"80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data {data}"
    assert auth(f"535 {said}, v2580").code == code
    assert auth(f"NO {said}, v1db1").code == code


def test_an_address_that_may_not_log_in_is_neither_a_lock_nor_a_wrong_password():
    for said in ("Login from your country is blocked", "Unauthorized IP address"):
        verdict = auth(f"NO [AUTHENTICATIONFAILED] {said}")
        assert verdict.code is Code.CLIENT_BLOCKED
        assert not verdict.retryable


@pytest.mark.parametrize(
    ("ours", "senders"),
    [
        ("Client host [203.0.113.9] is on our blacklist", "Sender domain is on our blacklist"),
        ("Your IP address is listed by Spamhaus", "MailFrom domain is listed by Spamhaus"),
        ("Policy restrictions for this mail server", "Policy restrictions for this sender"),
        ("Helo command rejected by policy", "From address rejected by policy"),
    ],
)
def test_a_reason_beside_our_address_is_not_the_senders_fault(ours, senders):
    by_ours = classify_refusal(refusal("smtp", "sender", f"550 5.7.1 {ours}"), None)
    assert by_ours.code is Code.SENDER_INCONCLUSIVE
    by_sender = classify_refusal(refusal("smtp", "sender", f"550 5.7.1 {senders}"), None)
    assert by_sender.code is Code.SENDER_REJECTED


def test_a_greeting_that_turns_our_address_away_is_no_login():
    for reply in ("BAD your address is blocked", "BYE your country is blocked"):
        verdict = classify_refusal(refusal("imap", "greeting", reply), None)
        assert verdict.code is Code.GREETING_REJECTED
        assert not verdict.retryable


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("500 HELO not understood", Code.PROTOCOL_ERROR),
        ("502 5.5.2 Error: EHLO command not recognized", Code.PROTOCOL_ERROR),
        ("501 Syntactically invalid HELO argument(s)", Code.GREETING_REJECTED),
        ("504 5.5.2 <x>: Helo command rejected: need a full name", Code.GREETING_REJECTED),
    ],
)
def test_a_helo_that_nobody_knows_is_no_helo_that_is_turned_away(reply, code):
    assert classify_refusal(refusal("smtp", "capability", reply), None).code is code


def test_replies_of_sources_that_no_rule_was_written_for():
    score = Score.of(judged(HELD_OUT))
    assert score.right >= 0.9 * score.replies
    assert score.false_certainty <= 0.02 * score.replies


def test_the_held_out_sources_are_nobody_elses():
    fitted = {one[0].labelled.get("source") for one in judged(FITTED)}
    held_out = {one[0].labelled["source"] for one in judged(HELD_OUT)}
    assert len(held_out) >= 15
    assert not fitted & held_out


def test_microsofts_vague_no_is_ambiguous_at_microsoft_only():
    assert auth("NO LOGIN failed.", "outlook.office365.com").code is Code.AUTHENTICATION_AMBIGUOUS
    assert auth("NO LOGIN failed.", "imap.gmail.com").code is Code.AUTHENTICATION_FAILED


def test_a_no_without_a_reason_proves_little_where_the_sender_is_judged_later():
    no = refusal("smtp", "sender", "550 no")
    judged_later = providers.load().find("smtp.sendgrid.net")
    assert classify_refusal(no, judged_later).code is Code.SENDER_INCONCLUSIVE
    assert classify_refusal(no, None).code is Code.SENDER_REJECTED


@pytest.mark.parametrize(
    ("host", "sender", "code"),
    [
        ("smtp.gmail.com", "alias@dealer.example", Code.SENDER_INCONCLUSIVE),
        ("smtp.gmail.com", "Dealer@gmail.com", Code.OK),
        ("mail.example.org", "alias@dealer.example", Code.OK),
        ("smtp.fastmail.com", "alias@dealer.example", Code.OK),
    ],
)
def test_a_yes_to_a_sender_proves_little_where_it_is_judged_later(host, sender, code):
    provider = providers.load().find(host)
    verdict = classify_accepted_sender(provider, sender=sender, user="dealer@gmail.com")
    assert verdict.code is code


@given(
    protocol=st.sampled_from(Protocol),
    phase=st.sampled_from(PhaseName),
    condition=st.sampled_from(["NO", "BAD", "BYE", "535", "421", "999", "", "x"]),
    detail=st.none() | st.text(max_size=20),
    text=st.text(max_size=3000),
    own=st.lists(st.text(max_size=20), max_size=3),
)
def test_whatever_a_server_writes_has_a_verdict(protocol, phase, condition, detail, text, own):
    verdict = classify_refusal(Refusal(protocol, phase, condition, detail, text), None, own)
    assert isinstance(verdict.code, Code)
    assert verdict.code is not Code.OK


def test_hostile_length_is_not_read_to_its_end():
    text = "too many " * 100_000
    assert auth(f"535 {text} mailbox is full") == auth(f"535 {text}")


@pytest.mark.parametrize(("protocol", "phase"), TABLES)
def test_every_phase_has_a_last_resort(protocol, phase):
    condition = "550" if protocol is Protocol.SMTP else "NO"
    verdict = classify_refusal(Refusal(protocol, phase, condition, None, ""), None)
    assert verdict.code is not Code.OK


@pytest.mark.parametrize("reply", ["BYE The inbox was removed", "BYE Your mailbox is gone"])
def test_an_inbox_that_is_gone_is_not_worth_another_try(reply):
    verdict = classify_refusal(refusal("imap", "mailbox", reply), None)
    assert (verdict.code, verdict.retryable) == (Code.MAILBOX_UNAVAILABLE, False)


@pytest.mark.parametrize(
    "reply",
    [
        "NO folder lost: temporary backend problem",
        "NO mailbox is no longer available, temporarily",
        "NO Inbox gone for maintenance, back in 5 minutes",
    ],
)
def test_an_inbox_that_is_gone_for_a_while_is_worth_another_try(reply):
    verdict = classify_refusal(refusal("imap", "mailbox", reply), None)
    assert (verdict.code, verdict.retryable) == (Code.MAILBOX_UNAVAILABLE, True)


@pytest.mark.parametrize(
    "reply",
    [
        "NO cannot log in in this state",
        "NO login refused in this state",
        "BAD LOGIN not supported in this state",
    ],
)
def test_a_state_of_the_session_says_nothing_of_the_credential(reply):
    assert auth(reply).code is Code.PROTOCOL_ERROR


def test_a_state_of_the_account_is_none_of_the_session():
    verdict = auth("NO mailbox is not available in this state, suspended")
    assert verdict.code is Code.ACCOUNT_LOCKED


@pytest.mark.parametrize(
    ("phase", "reply", "code"),
    [
        ("auth", "NO user and password do not belong together", Code.AUTHENTICATION_FAILED),
        ("auth", "535 gebruikersnaam past niet bij wachtwoord", Code.AUTHENTICATION_FAILED),
        ("auth", "NO Felaktiga uppgifter", Code.AUTHENTICATION_FAILED),
        ("auth", "NO IMAP has not been turned on for this user", Code.PROTOCOL_DISABLED),
        ("auth", "535 Die Verbindung ist nicht verschlüsselt", Code.AUTH_REQUIRES_TLS),
        ("auth", "NO Соединение не зашифровано", Code.AUTH_REQUIRES_TLS),
        ("sender", "550 5.7.1 sign in to send mail", Code.SENDER_INCONCLUSIVE),
        ("sender", "554 Sua mensagem foi rejeitada pelo filtro", Code.SENDER_INCONCLUSIVE),
    ],
)
def test_what_was_worded_after_the_ninth_set_is_understood(phase, reply, code):
    protocol = "smtp" if reply[0].isdecimal() else "imap"
    assert classify_refusal(refusal(protocol, phase, reply), None).code is code


@pytest.mark.parametrize(
    ("phase", "reply", "again"),
    [
        ("greeting", "554 5.7.1 Your IP is temporarily blocked", True),
        ("greeting", "BYE Connections from your host are temporarily denied", True),
        ("greeting", "BYE your network is banned for now", True),
        ("greeting", "554 IP banned permanently", False),
        ("greeting", "BYE your host is blacklisted", False),
        ("mailbox", "NO Insufficient memory to open the folder", True),
        ("mailbox", "NO out of system resources", True),
        ("mailbox", "NO quota exceeded, not enough storage", False),
    ],
)
def test_a_block_for_now_and_a_server_without_room_are_worth_another_try(phase, reply, again):
    protocol = "smtp" if reply[0].isdecimal() else "imap"
    verdict = classify_refusal(refusal(protocol, phase, reply), None)
    assert verdict.retryable is again
