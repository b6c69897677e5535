"""Dialogues, both halves written out: greeting, EHLO, STARTTLS. RFC 5321, RFC 3207."""

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from tests.support.fake_session import PHASES_OF_LOGIN, FakeSession
from tests.support.smtp_talk import fail, talk
from worker.probing.errors import DeadlineFault, NetworkFault, ProtocolFault, TlsFault
from worker.probing.smtp.dialogue import greet
from worker.probing.target import Answer, Protocol, Refusal

# Whole dialogues.


async def test_under_implicit_tls_a_login_takes_greeting_ehlo_and_auth():
    session, answer = await talk(
        """
        S: 220 mail.test ESMTP
        C: EHLO probe.test
        S: 250-mail.test
        S: 250 AUTH PLAIN LOGIN
        C: AUTH PLAIN AHRpbQBzZWNyZXQ=
        S: 235 2.7.0 ok
        C: QUIT
        """
    )
    assert answer == Answer(mechanism="PLAIN")
    assert session.timeline.entered == PHASES_OF_LOGIN
    assert session.shown == ["EHLO probe.test", "AUTH PLAIN <hidden>"]
    assert session.last_line == b"QUIT"


async def test_with_starttls_capabilities_are_asked_for_twice():
    session, answer = await talk(
        """
        S: 220 mail.test
        C: EHLO probe.test
        S: 250-mail.test
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go ahead
        TLS
        C: EHLO probe.test
        S: 250-mail.test
        S: 250-STARTTLS
        S: 250 AUTH PLAIN
        C: AUTH PLAIN AHRpbQBzZWNyZXQ=
        S: 235 2.7.0 ok
        C: QUIT
        """,
        security=Security.STARTTLS,
    )
    assert answer == Answer(mechanism="PLAIN")
    assert session.secure
    assert PhaseName.STARTTLS in session.timeline.entered


async def test_without_a_credential_the_dialogue_ends_after_the_second_ehlo():
    session, answer = await talk(
        """
        S: 220 mail.test
        C: EHLO probe.test
        S: 250-mail.test
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go ahead
        TLS
        C: EHLO probe.test
        S: 250 mail.test
        C: QUIT
        """,
        security=Security.STARTTLS,
        login=None,
    )
    assert answer == Answer()
    assert session.timeline.skipped == [PhaseName.AUTH]


# S1 to S3: the greeting.


@pytest.mark.parametrize(
    ("line", "code", "detail", "text"),
    [
        ("421 4.3.2 too busy", "421", "4.3.2", "too busy"),
        ("554 no SMTP service here", "554", None, "no SMTP service here"),
        ("521 mail.test", "521", None, "mail.test"),
    ],
)
async def test_a_greeting_may_be_a_refusal(line, code, detail, text):
    _, answer = await talk(f"S: {line}\nC: QUIT")
    assert answer.refusal == Refusal(Protocol.SMTP, PhaseName.GREETING, code, detail, text)


@pytest.mark.parametrize(
    ("line", "service"),
    [
        ("SSH-2.0-OpenSSH_9.2p1", "ssh"),
        ("HTTP/1.1 400 Bad Request", "http"),
        ("* OK IMAP4rev1 ready", "imap"),
        ("+OK POP3 ready", "pop3"),
        ("-ERR unknown command", "redis"),
    ],
)
async def test_another_service_is_named_by_its_first_line_and_gets_no_octet(line, service):
    session, fault = await fail(f"S: {line}")
    assert (fault.code, fault.hint) == (Code.WRONG_SERVICE, service)
    assert session.said == []
    assert session.last_line is None


@pytest.mark.parametrize("line", ["220:hello", "welcome", "2200 x", "250 ok", "334 ", "235 hi"])
async def test_a_greeting_that_is_none_breaks_the_protocol(line):
    session, fault = await fail(f"S: {line}")
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.said == []
    assert session.last_line is None


async def test_a_greeting_is_read_to_its_end_before_ehlo():
    session, fault = await fail("S: 220-please wait\nS: 220-still starting")
    assert isinstance(fault, DeadlineFault)
    assert session.said == []
    assert session.replies == [[b"220-please wait", b"220-still starting"]]


async def test_a_connection_that_closes_in_the_greeting_is_closed():
    _, fault = await fail("EOF")
    assert isinstance(fault, NetworkFault)


async def test_greet_asks_for_the_greeting_only():
    session = FakeSession("S: 220-mail.test\nS: 220 ready\nC: QUIT")
    await greet(session)
    assert session.last_line == b"QUIT"
    assert session.said == []


async def test_greet_tells_a_refusal():
    with pytest.raises(ProtocolFault) as caught:
        await greet(FakeSession("S: 554 no"))
    assert caught.value.code is Code.GREETING_REJECTED
    assert caught.value.refusal.condition == "554"


# S4, S7: replies, and silence before each command.


async def test_a_reply_whose_codes_differ_offers_nothing():
    session, fault = await fail(
        """
        S: 220 mail.test
        C: EHLO probe.test
        S: 250-mail.test
        S: 250-STARTTLS
        S: 550 AUTH PLAIN
        """
    )
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.said == [b"EHLO probe.test"]
    assert session.last_line == b"QUIT"


@pytest.mark.parametrize("security", [Security.IMPLICIT_TLS, Security.CLEARTEXT])
async def test_a_server_that_answers_beforehand_is_not_believed(security):
    session, fault = await fail(
        """
        S: 220 mail.test
        S: 250-mail.test
        S: 250 AUTH PLAIN
        S: 235 ok
        """,
        security=security,
    )
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.said == []


async def test_a_second_greeting_inside_tls_breaks_the_protocol():
    session, fault = await fail(
        """
        S: 220 mail.test
        C: EHLO probe.test
        S: 250-mail.test
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        TLS
        S: 220 mail.test again
        """,
        security=Security.STARTTLS,
    )
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.said == [b"EHLO probe.test", b"STARTTLS"]


# S9, S10: EHLO.


@pytest.mark.parametrize("reply", ["502 5.5.1 unknown", "500 what", "550 no"])
@pytest.mark.parametrize(
    ("security", "code"),
    [
        (Security.IMPLICIT_TLS, Code.AUTH_NOT_OFFERED),
        (Security.CLEARTEXT, Code.AUTH_NOT_OFFERED),
        (Security.STARTTLS, Code.STARTTLS_NOT_OFFERED),
    ],
)
async def test_helo_is_tried_once_and_offers_neither_login_nor_tls(reply, security, code):
    session, fault = await fail(
        f"""
        S: 220 mail.test
        C: EHLO probe.test
        S: {reply}
        C: HELO probe.test
        S: 250 mail.test
        """,
        security=security,
    )
    assert fault.code is code
    assert session.said[-1] == b"HELO probe.test"
    assert session.last_line == b"QUIT"


@pytest.mark.parametrize("reply", ["421 4.7.0 later", "554 5.7.1 go away", "501 5.5.4 bad name"])
async def test_a_refused_ehlo_is_a_refusal(reply):
    _, answer = await talk(f"S: 220 mail.test\nC: EHLO probe.test\nS: {reply}\nC: QUIT")
    assert answer.refusal.phase is PhaseName.CAPABILITY
    assert answer.refusal.condition == reply[:3]


@pytest.mark.parametrize("reply", ["220 hm", "354 go on"])
async def test_an_answer_to_ehlo_that_is_neither_yes_nor_no_breaks_the_protocol(reply):
    _, fault = await fail(f"S: 220 mail.test\nC: EHLO probe.test\nS: {reply}")
    assert fault.code is Code.PROTOCOL_ERROR


# S11, S12: STARTTLS.


@pytest.mark.parametrize("reply", ["454 4.7.0 not now", "502 no", "354 something else", "250 ok"])
async def test_only_220_starts_tls(reply):
    session, fault = await fail(
        f"""
        S: 220 mail.test
        C: EHLO probe.test
        S: 250-mail.test
        S: 250 STARTTLS
        C: STARTTLS
        S: {reply}
        """,
        security=Security.STARTTLS,
    )
    assert isinstance(fault, TlsFault)
    assert fault.code is Code.STARTTLS_REFUSED
    assert fault.refusal.condition == reply[:3]
    assert session.said[-1] == b"STARTTLS"


async def test_no_starttls_means_no_login():
    session, fault = await fail(
        "S: 220 mail.test\nC: EHLO probe.test\nS: 250-mail.test\nS: 250 AUTH PLAIN",
        security=Security.STARTTLS,
    )
    assert fault.code is Code.STARTTLS_NOT_OFFERED
    assert session.said == [b"EHLO probe.test"]


async def test_plain_text_behind_the_go_ahead_is_injection():
    session, fault = await fail(
        """
        S: 220 mail.test
        C: EHLO probe.test
        S: 250-mail.test
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        S: 250-mail.test
        S: 250 AUTH PLAIN LOGIN
        """,
        security=Security.STARTTLS,
    )
    assert fault.code is Code.STARTTLS_INJECTION
    assert session.said[-1] == b"STARTTLS"


async def test_what_was_offered_before_tls_is_forgotten():
    session, fault = await fail(
        """
        S: 220 mail.test
        C: EHLO probe.test
        S: 250-mail.test
        S: 250-STARTTLS
        S: 250 AUTH PLAIN
        C: STARTTLS
        S: 220 go
        TLS
        C: EHLO probe.test
        S: 250-mail.test
        S: 250 SIZE 1000
        """,
        security=Security.STARTTLS,
    )
    assert fault.code is Code.AUTH_NOT_OFFERED
    assert session.said[-1] == b"EHLO probe.test"


async def test_an_ehlo_that_is_refused_inside_tls_is_a_refusal():
    _, answer = await talk(
        """
        S: 220 mail.test
        C: EHLO probe.test
        S: 250-mail.test
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 go
        TLS
        C: EHLO probe.test
        S: 421 4.3.2 going down
        C: QUIT
        """,
        security=Security.STARTTLS,
    )
    assert answer.refusal.phase is PhaseName.CAPABILITY
