"""A yes counts only where a credential earned it, and a no counts whatever comes after it."""

import pytest
from pydantic import SecretStr

from producer.contract.codes import SENDER_FINDINGS, Code
from producer.contract.report import Security
from tests.support import certificates
from tests.support.hostile import (
    CREDENTIAL,
    GREET,
    IMAP_CREDENTIAL,
    IMAP_LOGIN,
    SECRET,
    USER,
    imap,
    run,
    smtp,
)
from tests.support.probing import loopback_network
from tests.support.servers import serve
from worker.probing.classify import providers
from worker.probing.gate import OpenGate
from worker.probing.prober import Prober
from worker.probing.target import Credential, ProbePlan, Protocol, Target


def as_octets(text):
    """What a script has to say so that UTF-8 goes out."""
    return text.encode().decode("latin-1")


CREDENTIAL_OF_JEAN = Credential(USER, SecretStr(SECRET))


async def probe_with_sender(*after_mail_from):
    """Log in over PIPELINING and offer the sender; the server answers with `after_mail_from`."""

    async def script(wire):
        await wire.line("220 mail.test ESMTP")
        await wire.expect("EHLO ")
        await wire.line("250-mail.test", "250-PIPELINING", "250 AUTH PLAIN")
        await wire.expect("AUTH PLAIN ")
        await wire.line("235 2.7.0 ok")
        await wire.expect("MAIL FROM:")
        if after_mail_from:
            await wire.line(*after_mail_from)

    async with serve(script, tls=certificates.good()) as server:
        target = Target(certificates.NAME, server.port, Security.IMPLICIT_TLS)
        plan = ProbePlan(Protocol.SMTP, target, CREDENTIAL_OF_JEAN, sender=USER)
        prober = Prober(loopback_network(), OpenGate(), providers.load(), "probe.test", 60)
        return await prober.probe("job", plan, {})


async def test_a_refused_sender_counts_though_the_reset_is_never_answered():
    result = await probe_with_sender("550 5.7.1 Sender address rejected: not owned by user")
    assert result.probe.code is Code.SENDER_REJECTED
    assert not result.failed
    assert [code for code, _ in result.warnings] == ["SMTP_SENDER_REJECTED"]


async def test_an_accepted_sender_waits_for_no_reset_either():
    result = await probe_with_sender("250 2.1.0 ok")
    assert result.probe.code is Code.OK
    assert [phase.state for phase in result.probe.phases if phase.name == "sender"] == ["ok"]


@pytest.mark.parametrize(
    "reply",
    [
        "530 5.7.0 Authentication required",
        "530-5.7.0 Authentication Required. For more information, go to\r\n530 5.7.0 https://m.test/",
        "530 SMTP authentication is required.",
        "530 5.5.1 Invalid command: Must issue an AUTH command first",
        "503 5.5.1 You must authenticate first.",
        "503 5.5.1 Error: need AUTH command",
        "503 Error: need EHLO and AUTH first !",
        "502 5.7.0 Please authenticate first",
        "550 5.7.1 <jean@mail.test>: Authentication Required",
        "550 You must log in to send mail on this port.",
        "553 authentication is required,163 smtp10,DsCowAB3",
        "530 5.7.0 Login required",
        "530 5.7.0 Authentifizierung erforderlich",
        "530 5.7.0 требуется аутентификация",
        "553 请先登录",
        "503 not logged in",
        "550 5.7.1 Relaying denied. Authentication required.",
        "553 sorry, it is not relayed through this server without authentication (#5.7.1)",
        "550 Authenticated connections only.",
        "553 5.7.1 Sending from local domains requires authentication",
        "550 5.7.1 Only authenticated users who have an account here may send",
    ],
)
async def test_a_login_that_mail_from_knows_nothing_of_was_none(reply):
    result = await probe_with_sender(*reply.encode().decode("latin-1").split("\r\n"))
    assert (result.probe.code, result.failed) == (Code.AUTH_UNPROVEN, True)
    states = {phase.name: phase.state for phase in result.probe.phases}
    assert states["sender"] == "failed"


@pytest.mark.parametrize(
    "reply",
    [
        "530 5.7.0 Must issue a STARTTLS command first",
        "530 5.7.0 STARTTLS required for mail delivery",
        "530 From/Sender name is not valid",
        "530 5.7.1 not authorized to send as <sales@mail.test>",
        "530 5.7.57 Client not authenticated to send mail.",
        "503 5.5.1 authenticate as jean@mail.test to send from this address",
        "503 5.5.1 Please log in as another user first",
        "503 from and auth not the same (#5.5.1)",
        "550 Login credentials no longer valid. Please re-authenticate.",
        "550 5.7.1 Sender is not valid, validate your sender or authenticate your domain",
        "553 5.7.1 <authentication.required@mail.test>: Sender address rejected",
        "550 5.7.1 must match authenticated user",
        "550 5.7.1 authentication of the sender domain is required",
        "454 4.7.0 authentication required",
        "550 Please log in to the portal to confirm your payment",
        "550 You must sign in to your mailbox page and accept the rules",
        "550 Mailbox disabled, log in first to the website to enable sending",
        "550 SPF: authentication required",
        "550 Domain authentication required",
        "550 Authentication of this domain is required to send as a local user",
        "550 Authentication required: local domain is not verified",
        "550 Login required to unlock a local address",
        "550 Local domain must be authenticated with DKIM",
        "550 login required to confirm your local address in the portal",
        "550 Relaying is not allowed without authentication of your domain",
        "550 Only authenticated users may send as this address",
        "550 auth required: verify this domain",
        "550 The sender must be authenticated as a local user",
        "550 mail.test is not authenticated",
        "550 Mail is not accepted without authentication by DKIM",
        "550 Only authenticated domains may send",
        "550 5.7.26 DKIM authentication required",
        "554 Two-step authentication required",
    ],
)
async def test_but_a_login_that_does_not_do_for_this_sender_was_one(reply):
    result = await probe_with_sender(reply)
    assert result.probe.code in SENDER_FINDINGS
    assert not result.failed


NOES = [
    "235 2.7.0 Authentication failed",
    "235 Error: authentication failed: UGFzc3dvcmQ6",
    "235 Login not successful",
    "235 2.7.0 authentication unsuccessful",
    "235 you are NOT authenticated",
    "235 5.7.8 Authentication credentials invalid",
    "235-2.7.0 hm\r\n235 2.7.0 wrong password",
    "235 account disabled",
    "235 Access denied",
    "235 Anmeldung fehlgeschlagen",
    "235 Anmeldung nicht erfolgreich",
    "235 Zugriff verweigert",
    "235 acceso denegado",
    "235 no such user",
    "235 Authentication required",
    "235 5.7.8",
    "235 4.7.0 try again later",
    "235-5.7.8\r\n235 5.7.8 see the help page",
    "235 Authentication failed, welcome to ExampleMail",
    "235 Incorrect. But the connection completed",
    "235 Welcome. Your password has expired.",
    "235 You are not signed in",
    "235 Sorry",
    "235 NO",
    "235 not OK",
    "235 user does not exist",
    "235 the password doesn't match",
    "235 second factor required",
    "235 Please log in first",
    "235 Account closed",
    "235 your session ended",
    "235 too many login attempts",
    "235 Password change required",
    "235 Logowanie nie powiodlo sie",
    "235 giris basarisiz",
    "235 Anmeldung nicht m\xf6glich",
    "235 Anmeldung nicht erfolgreich. Ihr Kennwort muss ge\xe4ndert werden",
    as_octets("235 登录不成功 请修改密码"),
    as_octets("235 Connexion réussie. Accès refusé: mot de passe invalide"),
    as_octets("235 Авторизация неуспешна, смените пароль"),
    "235 credentials not valid",
    "235 Unauthorized access",
    "235 backend: 535 5.7.8 bad credentials",
    "235 backend: 535 invalid credentials",
    "235-hm\r\n235 535-5.7.8 invalid user",
    "235 Login successful: no",
    "235 Authentication succeeded? No.",
    "235 logged in = false",
    "235 authentication successful - NOT",
    "235 Login OK (negative)",
    '235 {"success": false, "retry": true}',
    "235 success=0",
    "235 access: none",
    "235 2.7.0 Login result: no",
    "235 Your login: no",
    "235 Result of login: no",
    "235 The final status: no",
    "235 Login successful = 0",
    "235 Welcome guest",
    "235 Welcome, guest!",
    "235 2.7.0 Logged in as guest.",
    as_octets("235 Connexion réussie : non"),
    "235 Login accepted for processing; the password does not match",
]


@pytest.mark.parametrize("reply", NOES)
async def test_a_235_whose_words_say_that_it_failed_is_none(reply):
    await run(smtp("235 no", *CREDENTIAL, f"S: {reply}", code=Code.AUTH_UNPROVEN))


YESES = [
    "235 2.7.0 Authentication successful",
    "235 2.7.0 Accepted",
    "235 Go ahead",
    "235 2.0.0 OK Authenticated",
    "235 nice to meet you",
    "235",
    "235 2.7.0 Authentication succeeded, 3 failed logins since the last one",
    "235 Welcome back. Your last login failed on Monday.",
    "235 2.7.0 Authentication successful. TLS 1.0 will be disabled in May",
    "235 2.7.0 0 unsuccessful attempts since your last visit",
    "235 5.7.8 ok",
    "235 2.7.0 Authentication successful, a second factor is not required",
    "235 Login ok. Sorry for the delay, nothing is missing",
    "235 Hello. 3 messages are pending",
    "235 Welcome, you cannot send more than 500 messages a day",
    as_octets("235 Anmeldung erfolgreich. Ihr Kennwort muss in 5 Tagen geändert werden"),
    as_octets("235 Anmeldung erfolgreich, 0 fehlgeschlagene Versuche"),
    as_octets("235 Authentification réussie. Votre mot de passe expire dans 5 jours"),
    as_octets("235 Autenticación correcta. Su contraseña caduca en 5 días"),
    as_octets("235 Аутентификация успешна. Срок действия пароля истекает через 5 дней"),
    as_octets("235 登录成功 请修改密码"),
    as_octets("235 로그인 성공. 비밀번호를 변경하세요"),
    "235 credentials verified",
    "235 no errors",
    "235 account active, not locked",
    "235 Last login failed on Monday from 192.0.2.1",
    "235 Welcome! Unauthorized access is strictly prohibited.",
    "235 Authentication successful. Number of failed login attempts: 4",
    "235 Logged in. Failed logins: 0",
    "235 OK. Account unlocked.",
    "235 Login ok. If login fails in other clients, use an app password",
    "235 Authenticated. Basic authentication will be disabled in May",
    "235 Authenticated, your mailbox holds 535 messages",
    "235 Authentication successful: no new messages",
    "235 Login ok (no quota)",
    "235 OK: 0",
    "235 Accepted - none of your folders is shared",
    "235 Login completed: no further authentication required",
    "235 Login successful. Password expired: no",
    "235 logged in, locked=false",
    "235 Welcome! Last login: never.",
    "235 Login ok. Last failed login: none",
    "235 Authentication successful (first login: no)",
    "235 Authenticated. Guest access: off. Vacation status: off",
    "235 Login successful, two-factor authentication: no",
    "235 OK, SPF result: none",
]


@pytest.mark.parametrize("reply", YESES)
async def test_so_a_yes_stays_a_yes(reply):
    await run(smtp("235 yes", *CREDENTIAL, f"S: {reply}", code=Code.OK))


@pytest.mark.parametrize(
    "ending",
    [
        "OK LOGIN failed",
        "OK [AUTHENTICATIONFAILED] Done",
        "OK [UNAVAILABLE] try later",
        "OK [EXPIRED] password expired",
        "OK not logged in",
        "OK Invalid credentials",
    ],
)
@pytest.mark.parametrize("login", [IMAP_CREDENTIAL, IMAP_LOGIN], ids=["AUTHENTICATE", "LOGIN"])
async def test_an_ok_of_imap_that_says_no_is_none(login, ending):
    await run(imap("OK no", *login, f"S: {{tag}} {ending}", code=Code.AUTH_UNPROVEN))


@pytest.mark.parametrize("user", ["wrong.error@mail.test", "lockedbikes"])
@pytest.mark.parametrize("words", ["{user} authenticated (Success)", "User {user} logged in"])
async def test_what_a_user_is_called_says_nothing(user, words):
    yes = words.format(user=user)
    await run(smtp("name", *CREDENTIAL, f"S: 235 {yes}", code=Code.OK, user=user))
    end = (f"S: {{tag}} OK {yes}", "C: TAG EXAMINE ", "S: {tag} OK done")
    await run(imap("name", *IMAP_LOGIN, *end, code=Code.OK, user=user))


async def test_an_ok_to_examine_that_says_no_proves_no_access():
    steps = (*IMAP_LOGIN, "S: {tag} OK done", "C: TAG EXAMINE ")
    ending = "S: {tag} OK [NOPERM] access denied"
    await run(imap("EXAMINE no", *steps, ending, code=Code.AUTH_UNPROVEN))


async def test_the_tag_of_the_next_command_cannot_be_told_from_the_last():
    """A server that answers LOGIN and, in the same breath, what it takes for the next command."""

    async def guess(wire):
        tag = wire.server.commands[-1].partition(" ")[0]
        letters, number = tag.rstrip("0123456789"), tag.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        following = f"{letters}{int(number) + 1}"
        await wire.line(f"{tag} OK LOGIN done", f"{following} OK EXAMINE done")

    await run(imap("I-foretold", *IMAP_LOGIN, guess, code=Code.PROTOCOL_ERROR))


async def test_every_command_of_imap_has_letters_of_its_own():
    steps = (*IMAP_LOGIN, "S: {tag} OK done", "C: TAG EXAMINE ", "S: {tag} OK done")
    outcome = await run(imap("tags", *steps, code=Code.OK))
    letters = [line.partition(" ")[0].rstrip("0123456789") for line in outcome.server.commands]
    assert len(letters) == 3
    assert len(set(letters)) == 3


OF_THE_ACCOUNT = [
    "534 5.7.9 account disabled",
    "534 5.7.9 Your account type does not support this mechanism",
    "534 5.7.9 mechanism too weak for user jean",
    "534 5.7.9 Please log in with your web browser",
    "534 5.7.9 Application-specific password required",
    "534 no",
    "538 5.7.11 account locked",
    "504 5.5.4 mailbox suspended, mechanism not allowed",
    "504 5.7.8 mechanism",
    "504 password expired",
]


@pytest.mark.parametrize("reply", OF_THE_ACCOUNT)
async def test_a_refusal_that_may_be_one_of_the_account_is_the_only_login(reply):
    async def script(wire):
        await wire.line("220 mail.test ESMTP")
        await wire.expect("EHLO ")
        await wire.line("250-mail.test", "250 AUTH PLAIN LOGIN CRAM-MD5")
        await wire.expect("AUTH PLAIN ")
        await wire.line(reply)

    async with serve(script, tls=certificates.good()) as server:
        target = Target(certificates.NAME, server.port, Security.IMPLICIT_TLS)
        prober = Prober(loopback_network(), OpenGate(), providers.load(), "probe.test", 60)
        plan = ProbePlan(Protocol.SMTP, target, CREDENTIAL_OF_JEAN)
        result = await prober.probe("job", plan, {})
    assert result.failed
    assert [line for line in server.commands if line.startswith("AUTH")] == [server.commands[1]]


OF_THE_MECHANISM = [
    "504 5.5.4 Unrecognized authentication type",
    "504",
    "534 5.7.9 Authentication mechanism is too weak",
    "538 5.7.11 Encryption required for requested authentication mechanism",
]


@pytest.mark.parametrize("reply", OF_THE_MECHANISM)
async def test_a_refusal_of_the_mechanism_alone_is_followed_by_another(reply):
    hello = (*GREET, "S: 250-mail.test", "S: 250 AUTH PLAIN CRAM-MD5", "C: AUTH PLAIN ")
    steps = (*hello, f"S: {reply}", "C: AUTH CRAM-MD5", "S: 334 PDFAbWFpbC50ZXN0Pg==")

    async def accept(wire):
        await wire.read_line()
        await wire.line("235 2.7.0 ok")

    await run(smtp("other", *steps, accept, code=Code.OK, credentials=1))


async def test_after_a_challenge_was_answered_no_other_mechanism_is_tried():
    hello = (*GREET, "S: 250-mail.test", "S: 250 AUTH LOGIN CRAM-MD5", "C: AUTH LOGIN")

    async def ask(wire):
        for prompt in ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"):
            await wire.line(f"334 {prompt}")
            await wire.read_line()
        await wire.line("504 5.5.4 Unrecognized authentication type")

    case = smtp("504 late", *hello, ask, code=Code.NO_COMMON_MECHANISM, must_not_send=["AUTH CRAM"])
    await run(case)


@pytest.mark.parametrize(
    "ending",
    [
        "NO Not logged in",
        "BAD Please login first",
        "BAD Command received in Invalid state.",
        "NO You are not authenticated",
        "BAD EXAMINE not allowed in non-authenticated state",
        "NO Client must log in first",
        "NO Nicht angemeldet",
        "BAD 未登录".encode().decode("latin-1"),
    ],
)
async def test_a_login_that_examine_knows_nothing_of_was_none(ending):
    steps = (*IMAP_LOGIN, "S: {tag} OK done", "C: TAG EXAMINE ")
    await run(imap("EXAMINE no", *steps, f"S: {{tag}} {ending}", code=Code.AUTH_UNPROVEN))


@pytest.mark.parametrize(
    "ending",
    [
        "BAD User is authenticated but not connected.",
        "NO [NOPERM] Permission denied",
        "NO [UNAVAILABLE] Not logged in to the backend",
        "NO Mailbox does not exist",
        "NO Mailbox is in an invalid state",
        "NO Backend is not authenticated",
    ],
)
async def test_but_a_mailbox_that_cannot_be_opened_came_after_one(ending):
    steps = (*IMAP_LOGIN, "S: {tag} OK done", "C: TAG EXAMINE ")
    await run(imap("EXAMINE no", *steps, f"S: {{tag}} {ending}", code=Code.MAILBOX_UNAVAILABLE))


RUNS_AHEAD = {
    "yes": "OK [CAPABILITY IMAP4rev1] logged in",
    "no": "NO [AUTHENTICATIONFAILED] wrong password",
}


@pytest.mark.parametrize("answer", RUNS_AHEAD.values(), ids=RUNS_AHEAD)
async def test_an_answer_in_the_same_breath_as_the_go_ahead_is_none_to_the_credential(answer):
    steps = (
        "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN LOGINDISABLED] ready",
        "C: TAG AUTHENTICATE PLAIN",
        "S: + ",
        f"S: {{tag}} {answer}",
    )
    await run(imap("runs ahead", *steps, code=Code.PROTOCOL_ERROR, credentials=0))
