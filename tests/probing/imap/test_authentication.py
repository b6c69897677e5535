"""AUTHENTICATE and LOGIN, both halves written out. RFC 9051, sections 6.2.2 and 6.2.3."""

import base64

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from producer.version import VERSION
from tests.support.fake_session import FakeSession, credential, derive_here, plan
from tests.support.imap_talk import TIM, fail, talk
from worker.probing.imap.dialogue import converse
from worker.probing.target import Answer, CredentialKind, Protocol

TOKEN = credential("tim", "token", CredentialKind.BEARER)
PLAIN = "C: A1 AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ="
LOGIN = 'C: A1 LOGIN "tim" "secret"'


def offer(capabilities):
    return f"S: * OK [CAPABILITY IMAP4rev1 {capabilities}] ready\n"


async def succeed(capabilities, *lines, login=TIM, security=Security.IMPLICIT_TLS):
    end = ("C: A2 EXAMINE INBOX", "S: A2 OK done", "C: A3 LOGOUT")
    script = offer(capabilities) + "\n".join((*lines, *end))
    session, answer = await talk(script, login=login, security=security)
    assert answer.refusal is None
    return session, answer


async def refuse(capabilities, *lines, login=TIM):
    script = offer(capabilities) + "\n".join((*lines, "C: A2 LOGOUT"))
    _, answer = await talk(script, login=login)
    return answer


async def break_off(capabilities, *lines, login=TIM, security=Security.IMPLICIT_TLS):
    session, fault = await fail(
        offer(capabilities) + "\n".join(lines), login=login, security=security
    )
    assert session.last_line == b"A2 LOGOUT" or not lines
    return session, fault


# I7, I8: which way in.


@pytest.mark.parametrize(
    ("capabilities", "lines", "way"),
    [
        ("SASL-IR AUTH=PLAIN AUTH=LOGIN", [PLAIN, "S: A1 OK"], "PLAIN"),
        ("SASL-IR AUTH=PLAIN LOGINDISABLED", [PLAIN, "S: A1 OK"], "PLAIN"),
        ("AUTH=LOGIN AUTH=CRAM-MD5", [LOGIN, "S: A1 OK"], "LOGIN command"),
        ("AUTH=GSSAPI", [LOGIN, "S: A1 OK"], "LOGIN command"),
        (
            "AUTH=LOGIN LOGINDISABLED",
            [
                "C: A1 AUTHENTICATE LOGIN",
                "S: + VXNlcg==",
                "C: dGlt",
                "S: + UGFzcw==",
                "C: c2VjcmV0",
                "S: A1 OK",
            ],
            "LOGIN",
        ),
    ],
)
async def test_the_way_in_is_plain_then_the_login_command_then_another_mechanism(
    capabilities, lines, way
):
    _, answer = await succeed(capabilities, *lines)
    assert answer == Answer(mechanism=way)


@pytest.mark.parametrize(
    ("capabilities", "security", "login", "code"),
    [
        ("LOGINDISABLED", Security.IMPLICIT_TLS, TIM, Code.AUTH_NOT_OFFERED),
        ("LOGINDISABLED", Security.CLEARTEXT, TIM, Code.AUTH_REQUIRES_TLS),
        ("LOGINDISABLED AUTH=GSSAPI", Security.IMPLICIT_TLS, TIM, Code.NO_COMMON_MECHANISM),
        ("LOGINDISABLED STARTTLS AUTH=X", Security.CLEARTEXT, TIM, Code.AUTH_REQUIRES_TLS),
        ("AUTH=PLAIN", Security.IMPLICIT_TLS, TOKEN, Code.NO_COMMON_MECHANISM),
        ("SASL-IR", Security.IMPLICIT_TLS, TOKEN, Code.NO_COMMON_MECHANISM),
    ],
)
async def test_without_a_way_in_nothing_is_sent(capabilities, security, login, code):
    session, fault = await break_off(capabilities, login=login, security=security)
    assert fault.code is code
    assert session.said == []
    assert session.last_line == b"A1 LOGOUT"


async def test_no_credential_leaves_on_an_open_wire_whatever_went_wrong_before():
    session = FakeSession(offer("AUTH=PLAIN"), secure=False)
    with pytest.raises(RuntimeError):
        await converse(session, plan(Protocol.IMAP, login=TIM), derive=derive_here)
    assert session.said == []


# I9: continuations.


@pytest.mark.parametrize("go_ahead", ["+ ", "+", "+ OK", "+ go ahead, please"])
async def test_without_sasl_ir_the_response_waits_for_any_continuation(go_ahead):
    session, _ = await succeed(
        "AUTH=PLAIN",
        "C: A1 AUTHENTICATE PLAIN",
        f"S: {go_ahead}",
        "C: AHRpbQBzZWNyZXQ=",
        "S: A1 OK",
    )
    assert session.shown[:2] == ["A1 AUTHENTICATE PLAIN", "<hidden>"]


@pytest.mark.parametrize(("secret_octets", "in_one_line"), [(1450, True), (1500, False)])
async def test_the_response_goes_along_in_a_line_of_2000_octets_and_no_longer(
    secret_octets, in_one_line
):
    secret = "p" * secret_octets
    response = base64.b64encode(f"\0tim\0{secret}".encode()).decode()
    one = [f"C: A1 AUTHENTICATE PLAIN {response}"]
    two = ["C: A1 AUTHENTICATE PLAIN", "S: +", f"C: {response}"]
    await succeed(
        "SASL-IR AUTH=PLAIN",
        *(one if in_one_line else two),
        "S: A1 OK",
        login=credential("tim", secret),
    )


async def test_a_challenge_after_plain_is_cancelled():
    session, fault = await break_off("SASL-IR AUTH=PLAIN", PLAIN, "S: + ", "C: *")
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.is_over


async def test_a_challenge_that_is_no_base64_is_cancelled():
    session, fault = await break_off(
        "AUTH=CRAM-MD5 LOGINDISABLED", "C: A1 AUTHENTICATE CRAM-MD5", "S: + <1@x>", "C: *"
    )
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.is_over


async def test_a_yes_before_the_credential_is_unproven():
    session, fault = await break_off("AUTH=PLAIN", "C: A1 AUTHENTICATE PLAIN", "S: A1 OK come in")
    assert fault.code is Code.AUTH_UNPROVEN
    assert session.said == [b"A1 AUTHENTICATE PLAIN"]


# I10, I11: the arguments of LOGIN.


async def test_quotes_and_backslashes_are_escaped():
    await succeed(
        "ID2",
        'C: A1 LOGIN "t\\"im" "a\\\\b c"',
        "S: A1 OK",
        login=credential('t"im', "a\\b c"),
    )


async def test_what_cannot_be_quoted_goes_as_a_literal():
    session, _ = await succeed(
        "LITERAL+",
        "C: A1 LOGIN {5}",
        "S: + OK",
        "C: j\u00c3\u00bcrg {4}",
        "S: +",
        "C: \u00c3\u00a4\u00c3\u00b6",
        "S: A1 OK",
        login=credential("j\u00fcrg", "\u00e4\u00f6"),
    )
    assert session.shown[0] == "A1 LOGIN <hidden>"
    assert all(shown == "<hidden>" for shown in session.shown[1:5])


async def test_a_quotable_name_before_a_literal_stays_quoted():
    await succeed(
        "ID2",
        'C: A1 LOGIN "tim" {1001}',
        "S: + go",
        "C: " + "p" * 1001,
        "S: A1 OK",
        login=credential("tim", "p" * 1001),
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("A1 OK come in", Code.AUTH_UNPROVEN),
        ("A1 BAD no literals", Code.PROTOCOL_ERROR),
    ],
)
async def test_the_octets_do_not_follow_where_the_literal_is_not_taken(line, code):
    session, fault = await break_off(
        "ID2", 'C: A1 LOGIN "tim" {2}', f"S: {line}", login=credential("tim", "\u00fc")
    )
    assert fault.code is code
    assert session.said == [b'A1 LOGIN "tim" {2}']


async def test_a_no_to_a_user_names_literal_has_judged_nothing():
    _, fault = await break_off(
        "ID2", "C: A1 LOGIN {2}", "S: A1 NO no literals", login=credential("\u00fc", "pw")
    )
    assert fault.code is Code.PROTOCOL_ERROR


async def test_cyrus_refuses_a_user_name_before_it_asks_for_the_password():
    answer = await refuse(
        "ID2",
        "C: A1 LOGIN {2}",
        "S: + go ahead",
        "C: \u00c3\u00bc {3}",
        "S: A1 NO Invalid user",
        login=credential("\u00fc", "\u20ac"),
    )
    assert answer.refusal.text == "Invalid user"


async def test_a_bye_in_place_of_a_go_ahead_is_the_servers_answer():
    answer = await refuse(
        "ID2",
        "C: A1 LOGIN {2}",
        "S: * BYE Temporary problem, please try again later",
        login=credential("\u00fc", "pw"),
    )
    assert answer.refusal.condition == "BYE"


# I12 to I14: the server's no.


@pytest.mark.parametrize(
    ("line", "condition", "detail", "text"),
    [
        ("A1 NO [AUTHENTICATIONFAILED] Invalid", "NO", "AUTHENTICATIONFAILED", "Invalid"),
        ("A1 NO [unavailable] later", "NO", "unavailable", "later"),
        ("A1 NO [X-UNKNOWN 5] hm", "NO", "X-UNKNOWN", "hm"),
        ("A1 NO Login failed.", "NO", None, "Login failed."),
        ("A1 NO", "NO", None, ""),
        ("A1 BAD Request is throttled", "BAD", None, "Request is throttled"),
        ("* BYE [UNAVAILABLE] going down", "BYE", "UNAVAILABLE", "going down"),
        ("A1 NO [REFERRAL imap://u@evil.test/] x", "NO", "REFERRAL", "x"),
    ],
)
async def test_a_no_to_the_credential_is_the_answer_after_one_attempt(
    line, condition, detail, text
):
    answer = await refuse("SASL-IR AUTH=PLAIN AUTH=LOGIN AUTH=CRAM-MD5", PLAIN, f"S: {line}")
    refusal = answer.refusal
    assert refusal.phase is PhaseName.AUTH
    assert (refusal.condition, refusal.detail, refusal.text) == (condition, detail, text)


async def test_an_alert_before_the_no_is_part_of_it():
    answer = await refuse(
        "SASL-IR AUTH=PLAIN",
        PLAIN,
        "S: * NO [WEBALERT https://accounts.test/] Web login required.",
        "S: * 5 EXISTS",
        "S: A1 NO Failure",
    )
    assert answer.refusal.detail == "WEBALERT"
    assert answer.refusal.text == "Web login required.\nFailure"


async def test_a_code_of_the_no_itself_goes_before_that_of_an_alert():
    answer = await refuse(
        "",
        LOGIN,
        "S: * BAD [ALERT] Plaintext authentication not allowed",
        "S: A1 NO [PRIVACYREQUIRED] no",
    )
    assert answer.refusal.detail == "PRIVACYREQUIRED"


@pytest.mark.parametrize("line", ["B1 OK", "A2 OK", "A1 FETCH x", "welcome"])
async def test_an_ok_for_another_tag_is_none(line):
    _, fault = await break_off("SASL-IR AUTH=PLAIN", PLAIN, f"S: {line}")
    assert fault.code is Code.PROTOCOL_ERROR


async def test_a_connection_that_closes_after_the_credential_is_closed_and_not_refused():
    _, fault = await break_off("SASL-IR AUTH=PLAIN", PLAIN, "EOF")
    assert fault.code is Code.CONNECTION_CLOSED


async def test_a_refused_token_tells_the_servers_reason():
    answer = await refuse(
        "SASL-IR AUTH=PLAIN AUTH=OAUTHBEARER",
        "C: A1 AUTHENTICATE OAUTHBEARER "
        "bixhPXRpbSwBaG9zdD1tYWlsLnRlc3QBcG9ydD01ODcBYXV0aD1CZWFyZXIgdG9rZW4BAQ==",
        "S: + eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=",
        "C: AQ==",
        "S: A1 NO [AUTHENTICATIONFAILED] no",
        login=TOKEN,
    )
    assert answer.mechanism == "OAUTHBEARER"
    assert answer.refusal.text == "no\nbearer status=invalid_token"


# What servers of several makes really say.


@pytest.mark.parametrize(
    "server",
    [
        # Cyrus 3.6: mechanisms twice, capabilities again in the tagged OK.
        offer("LITERAL+ ID ENABLE AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256 AUTH=PLAIN SASL-IR")
        + PLAIN
        + "\nS: A1 OK [CAPABILITY IMAP4rev1 LITERAL+ ID] Success (tls protection) SESSIONID=<x>\n"
        + f'C: A2 ID ("name" "mailvouch" "vendor" "mailvouch" "version" "{VERSION}")\n'
        + "C: A3 EXAMINE INBOX\n"
        + 'S: * ID ("name" "Cyrus IMAP")\nS: A2 OK Completed\nS: * 0 EXISTS\n'
        + "S: A3 OK [READ-ONLY] Completed\nC: A4 LOGOUT",
        # Courier: takes an initial response and does not say so.
        (
            "S: * OK [CAPABILITY IMAP4rev1 UIDPLUS AUTH=PLAIN AUTH=PLAIN ACL] Courier-IMAP\n"
            "C: A1 AUTHENTICATE PLAIN\nS: + \nC: AHRpbQBzZWNyZXQ=\nS: A1 OK LOGIN Ok.\n"
            "C: A2 EXAMINE INBOX\nS: * FLAGS (\\Seen)\nS: * 0 EXISTS\nS: A2 OK [READ-ONLY] Ok\n"
            "C: A3 LOGOUT"
        ),
        # hoodiecrow: a greeting without capabilities.
        (
            "S: * OK Hoodiecrow ready for rumble\nC: A1 CAPABILITY\nS: * CAPABILITY IMAP4rev1\n"
            'S: A1 OK CAPABILITY completed\nC: A2 LOGIN "tim" "secret"\nS: A2 OK logged in\n'
            "C: A3 EXAMINE INBOX\nS: A3 OK done\nC: A4 LOGOUT"
        ),
    ],
    ids=["cyrus", "courier", "hoodiecrow"],
)
async def test_a_good_account_succeeds_on(server):
    _, answer = await talk(server)
    assert answer.refusal is None


@pytest.mark.parametrize("ahead", ["A1 OK", "A1 NO [AUTHENTICATIONFAILED] wrong", "* OK wait"])
async def test_no_credential_follows_a_go_ahead_behind_which_more_is_said(ahead):
    """It would be an answer to what the server has not seen."""
    session, fault = await break_off(
        "AUTH=PLAIN", "C: A1 AUTHENTICATE PLAIN", "S: + ", f"S: {ahead}"
    )
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.said == [b"A1 AUTHENTICATE PLAIN"]


@pytest.mark.parametrize("ahead", ["A1 OK", "A1 NO [AUTHENTICATIONFAILED] wrong"])
async def test_no_password_follows_as_a_literal_where_more_is_said_behind_the_go_ahead(ahead):
    session, fault = await break_off(
        "ID2",
        'C: A1 LOGIN "tim" {2}',
        "S: + ",
        f"S: {ahead}",
        login=credential("tim", "\u00fc"),
    )
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.said == [b'A1 LOGIN "tim" {2}']
