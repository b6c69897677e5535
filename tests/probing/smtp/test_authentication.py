"""AUTH, both halves written out. RFC 4954, section 4."""

import base64

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from tests.support.fake_session import FakeSession, credential, derive_here, plan
from tests.support.smtp_talk import TIM, fail, talk
from worker.probing.errors import ProbeFault
from worker.probing.smtp.dialogue import converse
from worker.probing.target import Answer, CredentialKind

TOKEN = credential("tim", "token", CredentialKind.BEARER)
PLAIN = "C: AUTH PLAIN AHRpbQBzZWNyZXQ="


def ehlo(offer):
    return f"S: 220 mail.test\nC: EHLO probe.test\nS: 250-mail.test\nS: 250 AUTH {offer}\n"


async def talk_auth(offer, *lines, login=TIM):
    return await talk(ehlo(offer) + "\n".join((*lines, "C: QUIT")), login=login)


async def fail_auth(offer, *lines):
    session, fault = await fail(ehlo(offer) + "\n".join(lines))
    assert session.last_line == b"QUIT"
    return session, fault


# S14: the server's no, and what is no yes.


@pytest.mark.parametrize(
    ("reply", "detail", "text"),
    [
        ("535 5.7.8 Authentication failed.", "5.7.8", "Authentication failed."),
        ("535 Incorrect authentication data", None, "Incorrect authentication data"),
        ("535 5.7.139 is disabled for the Tenant.", "5.7.139", "is disabled for the Tenant."),
        ("454 4.7.0 Temporary failure", "4.7.0", "Temporary failure"),
        ("435 Unable to authenticate at present", None, "Unable to authenticate at present"),
        ("450 4.7.1 too many AUTH commands", "4.7.1", "too many AUTH commands"),
        ("421 4.7.0 Try again later", "4.7.0", "Try again later"),
        ("530 5.7.0 Must issue a STARTTLS first", "5.7.0", "Must issue a STARTTLS first"),
        ("525 5.7.13 User Account Disabled", "5.7.13", "User Account Disabled"),
        ("503 5.5.1 authentication not enabled", "5.5.1", "authentication not enabled"),
        ("432 4.7.12 A transition is needed", "4.7.12", "A transition is needed"),
        ("501 5.5.2 cannot decode", "5.5.2", "cannot decode"),
        (
            "534 5.7.9 Application-specific password required",
            "5.7.9",
            "Application-specific password required",
        ),
        ("534 5.7.14 Please log in on the web", "5.7.14", "Please log in on the web"),
    ],
)
async def test_a_no_to_the_credential_is_the_answer_after_one_attempt(reply, detail, text):
    _, answer = await talk_auth("PLAIN LOGIN SCRAM-SHA-256", PLAIN, f"S: {reply}")
    assert answer.mechanism == "PLAIN"
    assert answer.refusal.phase is PhaseName.AUTH
    refusal = answer.refusal
    assert (refusal.condition, refusal.detail, refusal.text) == (reply[:3], detail, text)


async def test_a_no_of_two_lines_keeps_its_words():
    _, answer = await talk_auth(
        "PLAIN CRAM-MD5",
        PLAIN,
        "S: 534-5.7.14 <https://accounts.test/signin?x=1> Please log in",
        "S: 534 5.7.14 via your web browser",
    )
    words = "<https://accounts.test/signin?x=1> Please log in\nvia your web browser"
    assert answer.refusal.text == words


@pytest.mark.parametrize("reply", ["200 ok", "250 ok", "220 ok", "354 go on", "236 almost"])
async def test_only_235_is_a_yes(reply):
    _, fault = await fail_auth("PLAIN", PLAIN, f"S: {reply}")
    assert fault.code is Code.PROTOCOL_ERROR


async def test_a_connection_that_closes_after_the_credential_is_closed_and_not_refused():
    _, fault = await fail_auth("PLAIN", PLAIN, "EOF")
    assert fault.code is Code.CONNECTION_CLOSED


# Where a second attempt is allowed, and where not.


async def test_a_mechanism_that_the_server_does_not_know_is_followed_by_the_next():
    session, answer = await talk_auth(
        "CRAM-MD5 LOGIN PLAIN",
        PLAIN,
        "S: 504 5.5.4 Unrecognized authentication type",
        "C: AUTH LOGIN",
        "S: 334 VXNlcm5hbWU6",
        "C: dGlt",
        "S: 334 UGFzc3dvcmQ6",
        "C: c2VjcmV0",
        "S: 235 ok",
    )
    assert answer == Answer(mechanism="LOGIN")
    assert session.shown[1:] == ["AUTH PLAIN <hidden>", "AUTH LOGIN", "<hidden>", "<hidden>"]


async def test_there_is_no_third_attempt():
    unknown = "S: 504 5.5.4 Unrecognized authentication type"
    _, fault = await fail_auth("CRAM-MD5 LOGIN PLAIN", PLAIN, unknown, "C: AUTH LOGIN", unknown)
    assert fault.refusal.condition == "504"


@pytest.mark.parametrize("reply", ["534 5.7.9 mechanism is too weak", "538 5.7.11 encrypt"])
async def test_a_mechanism_that_is_too_weak_is_followed_by_one_that_sends_no_password(reply):
    _, fault = await fail_auth(
        "PLAIN LOGIN CRAM-MD5",
        PLAIN,
        f"S: {reply}",
        "C: AUTH CRAM-MD5",
        "S: 535 5.7.8 no",
    )
    assert fault.refusal.condition == "535"


@pytest.mark.parametrize("mechanism", ["LOGIN", "CRAM-MD5"])
async def test_a_no_before_anything_of_the_credential_was_said_is_none_to_it(mechanism):
    no = "S: 535 5.7.8 Error: authentication failed"
    _, fault = await fail_auth(mechanism, f"C: AUTH {mechanism}", no)
    assert fault.code is Code.NO_COMMON_MECHANISM
    assert (fault.refusal.condition, fault.refusal.detail) == ("535", "5.7.8")


async def test_a_no_to_the_users_name_may_be_one_to_the_credential():
    asked = ("C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: dGlt")
    _, answer = await talk_auth("LOGIN", *asked, "S: 535 5.7.8 no such user")
    assert answer.refusal.condition == "535"


@pytest.mark.parametrize(
    "reply",
    [
        "534 5.7.9 account disabled",
        "534 5.7.9 account disabled for the PLAIN mechanism",
        "534 wrong password; this mechanism is too weak",
        "534 5.7.1 mechanism: too many failures from 192.0.2.1",
        "538 5.7.11 Encryption required for locked users",
        "504 5.5.4 mailbox unknown to this mechanism",
        "504 Invalid login",
        "504 5.5.4 Authentication not accepted",
        "538 login required",
    ],
)
async def test_a_refusal_that_speaks_of_more_than_the_mechanism_is_not_followed_by_another(reply):
    _, answer = await talk_auth("PLAIN LOGIN CRAM-MD5", PLAIN, f"S: {reply}")
    assert answer.mechanism == "PLAIN"
    assert answer.refusal.condition == reply[:3]


@pytest.mark.parametrize("reply", ["534 5.7.9 mechanism is too weak", "538 5.7.11 encrypt"])
async def test_a_mechanism_that_is_too_weak_is_not_followed_by_one_as_weak(reply):
    _, answer = await talk_auth("PLAIN LOGIN", PLAIN, f"S: {reply}")
    assert answer.mechanism == "PLAIN"


async def test_a_line_that_is_too_long_is_sent_once_more_in_two():
    _, answer = await talk_auth(
        "PLAIN",
        PLAIN,
        "S: 500 5.5.6 line too long",
        "C: AUTH PLAIN",
        "S: 334",
        "C: AHRpbQBzZWNyZXQ=",
        "S: 235 ok",
    )
    assert answer == Answer(mechanism="PLAIN")


@pytest.mark.parametrize(
    "reply",
    [
        "500 Authentication failed",
        "500 5.7.8 line rejected",
        "500 5.5.2 account locked: line too long",
        "500 Invalid user",
        "500 Invalid login",
        "500 5.5.2 Authentication error",
        "500 Login not permitted",
        "500 " + "line too long " * 50,
        "500 5.0.0 \xe8\xaf\xaf",
    ],
)
async def test_a_500_that_may_be_of_the_login_is_not_followed_by_another(reply):
    _, answer = await talk_auth("PLAIN LOGIN", PLAIN, f"S: {reply}")
    assert answer.refusal.condition == "500"


@pytest.mark.parametrize("words", ["Line limit exceeded", "5.5.2 Syntax error", "", "5.5.1"])
async def test_a_500_that_is_of_the_line_is_followed_by_a_shorter_one(words):
    dialogue = ("C: AUTH PLAIN", "S: 334", "C: AHRpbQBzZWNyZXQ=", "S: 235 ok")
    _, answer = await talk_auth("PLAIN", PLAIN, f"S: 500 {words}".rstrip(), *dialogue)
    assert answer == Answer(mechanism="PLAIN")


async def test_a_line_that_stays_too_long_is_a_refusal():
    too_long = "S: 500 5.5.6 line too long"
    _, fault = await fail_auth("PLAIN LOGIN", PLAIN, too_long, "C: AUTH PLAIN", too_long)
    assert fault.refusal.condition == "500"


# S15: the initial response.


@pytest.mark.parametrize(("secret_octets", "in_one_line"), [(367, True), (368, False)])
async def test_the_response_goes_along_in_a_line_of_512_octets_and_no_longer(
    secret_octets, in_one_line
):
    secret = "p" * secret_octets
    response = base64.b64encode(f"\0tim\0{secret}".encode()).decode()
    one, two = [f"C: AUTH PLAIN {response}"], ["C: AUTH PLAIN", "S: 334 ", f"C: {response}"]
    session, answer = await talk_auth(
        "PLAIN", *(one if in_one_line else two), "S: 235 ok", login=credential("tim", secret)
    )
    assert answer.refusal is None
    assert (len(f"AUTH PLAIN {response}\r\n") <= 512) is in_one_line
    assert session.shown[-1] == ("AUTH PLAIN <hidden>" if in_one_line else "<hidden>")


# S16 to S18: the exchange.


async def test_login_stops_at_a_third_prompt():
    session, fault = await fail_auth(
        "LOGIN",
        "C: AUTH LOGIN",
        "S: 334 UGFzc3dvcmQ6",
        "C: dGlt",
        "S: 334 UGFzc3dvcmQ6",
        "C: c2VjcmV0",
        "S: 334 UGFzc3dvcmQ6",
        "C: *",
    )
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.is_over


@pytest.mark.parametrize(
    ("challenge", "code"),
    [
        (["S: 334 not base64!"], Code.PROTOCOL_ERROR),
        (["S: 334"], Code.PROTOCOL_ERROR),
        (["S: 334-PDFAbWFpbD4=", "S: 334 PDFAbWFpbD4="], Code.PROTOCOL_ERROR),
        ([f"S: 334 {'A' * 12292}"], Code.RESPONSE_TOO_LARGE),
    ],
)
async def test_a_challenge_that_cannot_be_answered_is_cancelled(challenge, code):
    session, fault = await fail_auth("CRAM-MD5", "C: AUTH CRAM-MD5", *challenge, "C: *")
    assert fault.code is code
    assert session.is_over


@pytest.mark.parametrize(
    ("offer", "lines"),
    [
        ("LOGIN", ["C: AUTH LOGIN", "S: 235 ok"]),
        ("LOGIN", ["C: AUTH LOGIN", "S: 334 VXNlcg==", "C: dGlt", "S: 235 ok"]),
        ("CRAM-MD5", ["C: AUTH CRAM-MD5", "S: 235 ok"]),
    ],
)
async def test_a_yes_before_the_credential_is_unproven(offer, lines):
    _, fault = await fail_auth(offer, *lines)
    assert fault.code is Code.AUTH_UNPROVEN


class ScramServer(FakeSession):
    """Extends whatever nonce comes; says `final` and `end` once the proof is there."""

    def __init__(self, *, count=4096, final="", end="235 ok"):
        super().__init__(ehlo("SCRAM-SHA-256"))
        self._count = count
        self._final = final
        self._end = end

    def _say(self, line):
        if line.startswith(b"EHLO"):
            super()._say(line)
            return
        self.said.append(line)
        if line.startswith(b"AUTH"):
            nonce = base64.b64decode(line.split()[2]).rpartition(b"r=")[2]
            self._challenge(b"r=" + nonce + b"theirs,s=c2FsdA==,i=%d" % self._count)
        elif line and self._final:
            self._challenge(self._final.encode())
        else:
            self._script = [b"S: " + self._end.encode()]

    def _challenge(self, octets):
        self._script = [b"S: 334 " + base64.b64encode(octets)]


async def fail_scram(server):
    with pytest.raises(ProbeFault) as caught:
        await converse(server, plan(login=TIM), ehlo_name="probe.test", derive=derive_here)
    return caught.value


async def test_a_scram_server_that_proves_nothing_is_not_believed():
    assert (await fail_scram(ScramServer())).code is Code.AUTH_UNPROVEN


@pytest.mark.parametrize(
    ("final", "code"), [("v=c2FsdA==", Code.AUTH_UNPROVEN), ("v=", Code.PROTOCOL_ERROR)]
)
async def test_a_scram_server_with_a_wrong_proof_is_cancelled(final, code):
    server = ScramServer(final=final)
    assert (await fail_scram(server)).code is code
    assert server.said[-1] == b"*"


@pytest.mark.parametrize("count", [1, 2**31 - 1])
async def test_a_scram_count_out_of_bounds_is_cancelled_before_any_computing(count):
    server = ScramServer(count=count)
    assert (await fail_scram(server)).code is Code.PROTOCOL_ERROR
    assert server.said[-1] == b"*"
    assert len(server.said) == 3


async def test_a_scram_refusal_is_a_refusal():
    server = ScramServer(final="e=invalid-proof", end="535 5.7.8 no")
    answer = await converse(server, plan(login=TIM), ehlo_name="probe.test", derive=derive_here)
    assert answer.refusal.condition == "535"
    assert answer.mechanism == "SCRAM-SHA-256"


async def test_a_refused_token_tells_the_servers_reason():
    _, answer = await talk_auth(
        "PLAIN XOAUTH2",
        "C: AUTH XOAUTH2 dXNlcj10aW0BYXV0aD1CZWFyZXIgdG9rZW4BAQ==",
        "S: 334 eyJzdGF0dXMiOiI0MDEifQ==",
        "C: ",
        "S: 535 5.7.8 no",
        login=TOKEN,
    )
    assert answer.mechanism == "XOAUTH2"
    assert answer.refusal.text == "no\nbearer status=401"


async def test_an_endless_json_error_is_a_refusal_without_detail():
    bomb = base64.b64encode(b"[" * 5000).decode()
    _, answer = await talk_auth(
        "XOAUTH2",
        "C: AUTH XOAUTH2 dXNlcj10aW0BYXV0aD1CZWFyZXIgdG9rZW4BAQ==",
        f"S: 334 {bomb}",
        "C: ",
        "S: 535 5.7.8 no",
        login=TOKEN,
    )
    assert answer.refusal.text == "no"


# Where there is no way in.


@pytest.mark.parametrize(
    ("capabilities", "security", "login", "code"),
    [
        ("SIZE 1", Security.IMPLICIT_TLS, TIM, Code.AUTH_NOT_OFFERED),
        ("SIZE 1", Security.CLEARTEXT, TIM, Code.AUTH_NOT_OFFERED),
        ("STARTTLS", Security.CLEARTEXT, TIM, Code.AUTH_REQUIRES_TLS),
        ("AUTH GSSAPI NTLM", Security.IMPLICIT_TLS, TIM, Code.NO_COMMON_MECHANISM),
        ("AUTH PLAIN LOGIN", Security.IMPLICIT_TLS, TOKEN, Code.NO_COMMON_MECHANISM),
    ],
)
async def test_without_a_way_in_nothing_is_sent(capabilities, security, login, code):
    session, fault = await fail(
        f"S: 220 mail.test\nC: EHLO probe.test\nS: 250-mail.test\nS: 250 {capabilities}",
        security=security,
        login=login,
    )
    assert fault.code is code
    assert session.said == [b"EHLO probe.test"]
    assert session.last_line == b"QUIT"


async def test_in_clear_text_a_login_needs_no_tls_where_clear_text_was_asked_for():
    session, answer = await talk(
        f"""
        S: 220 mail.test
        C: EHLO probe.test
        S: 250-mail.test
        S: 250-STARTTLS
        S: 250 AUTH PLAIN
        {PLAIN}
        S: 235 ok
        C: QUIT
        """,
        security=Security.CLEARTEXT,
    )
    assert answer == Answer(mechanism="PLAIN")
    assert not session.secure


async def test_no_credential_leaves_on_an_open_wire_whatever_went_wrong_before():
    session = FakeSession(ehlo("PLAIN"), secure=False)
    with pytest.raises(RuntimeError):
        await converse(session, plan(login=TIM), ehlo_name="probe.test", derive=derive_here)
    assert session.said == [b"EHLO probe.test"]


# What servers of several makes really say.


@pytest.mark.parametrize(
    "server",
    [
        # Exim 4.96: no enhanced codes.
        (
            "S: 220 mail.test ESMTP Exim 4.96 Sat, 21 Nov 2026 03:00:00 +0000\n"
            "C: EHLO probe.test\n"
            "S: 250-mail.test Hello probe.test [192.0.2.1]\nS: 250-SIZE 52428800\nS: 250-8BITMIME\n"
            "S: 250-PIPELINING\nS: 250-PIPECONNECT\nS: 250-AUTH PLAIN LOGIN CRAM-MD5\nS: 250 HELP\n"
            "C: AUTH PLAIN AHRpbQBzZWNyZXQ=\nS: 235 Authentication succeeded\nC: QUIT"
        ),
        # Courier: the greeting comes late and in one line, AUTH= in the old form as well.
        (
            "S: 220 mail.test ESMTP\n"
            "C: EHLO probe.test\n"
            "S: 250-mail.test Ok.\nS: 250-AUTH PLAIN LOGIN CRAM-MD5\n"
            "S: 250-AUTH=PLAIN LOGIN CRAM-MD5\nS: 250-XVERP=Courier\n"
            "S: 250-PIPELINING\nS: 250-SIZE\nS: 250 DSN\n"
            "C: AUTH PLAIN AHRpbQBzZWNyZXQ=\nS: 235 Ok.\nC: QUIT"
        ),
        # aiosmtpd: the prompts have words of their own.
        (
            "S: 220 mail.test Python SMTP 1.4.6\n"
            "C: EHLO probe.test\n"
            "S: 250-mail.test\nS: 250-SIZE 33554432\nS: 250-8BITMIME\nS: 250-SMTPUTF8\n"
            "S: 250-AUTH LOGIN\nS: 250 HELP\n"
            "C: AUTH LOGIN\nS: 334 VXNlciBOYW1lAA==\nC: dGlt\nS: 334 UGFzc3dvcmQA\nC: c2VjcmV0\n"
            "S: 235 2.7.0 Authentication successful\nC: QUIT"
        ),
    ],
    ids=["exim", "courier", "aiosmtpd"],
)
async def test_a_good_account_succeeds_on(server):
    _, answer = await talk(server)
    assert answer.refusal is None
