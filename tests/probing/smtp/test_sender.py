"""After the login: may the account send from its address? RFC 5321, section 4.1.1.2."""

import pytest

from producer.contract.report import PhaseName, Security
from tests.support.fake_session import FakeSession, derive_here, plan
from tests.support.smtp_talk import TIM
from worker.probing.smtp.dialogue import converse
from worker.probing.target import Answer, Protocol, Refusal


async def talk(*lines, sender="sales@dealer.test", capabilities="PIPELINING"):
    login = (
        "S: 220 mail.test",
        "C: EHLO probe.test",
        "S: 250-mail.test",
        f"S: 250-{capabilities}",
        "S: 250 AUTH PLAIN",
        "C: AUTH PLAIN AHRpbQBzZWNyZXQ=",
        "S: 235 2.7.0 ok",
    )
    session = FakeSession("\n".join(login + lines))
    checked = plan(Protocol.SMTP, Security.IMPLICIT_TLS, TIM, sender)
    answer = await converse(session, checked, ehlo_name="probe.test", derive=derive_here)
    assert session.last_line == b"QUIT"
    assert answer.refusal is None
    assert answer.mechanism == "PLAIN"
    return session, answer


async def test_with_pipelining_sender_and_reset_go_in_one_flight():
    session, answer = await talk(
        "C: MAIL FROM:<sales@dealer.test>",
        "C: RSET",
        "S: 250 2.1.0 ok",
        "C: QUIT",
    )
    assert answer == Answer(mechanism="PLAIN")
    assert session.is_over
    assert session.timeline.entered[-1] is PhaseName.SENDER
    assert session.shown[2:] == ["MAIL FROM:<hidden>", "RSET"]


async def test_without_pipelining_quit_ends_the_transaction_and_saves_a_round_trip():
    session, answer = await talk(
        "C: MAIL FROM:<sales@dealer.test>",
        "S: 250 2.1.0 ok",
        "C: QUIT",
        capabilities="SIZE",
    )
    assert answer.sender is None
    assert session.is_over


async def test_a_no_to_the_sender_is_a_finding_and_no_failure():
    session, answer = await talk(
        "C: MAIL FROM:<sales@dealer.test>",
        "S: 553 5.7.1 Sender address rejected: not owned by user tim",
        "C: QUIT",
        capabilities="SIZE",
    )
    words = "Sender address rejected: not owned by user tim"
    assert answer.sender == Refusal(Protocol.SMTP, PhaseName.SENDER, "553", "5.7.1", words)
    assert session.is_over


@pytest.mark.parametrize("rest", [["EOF"], ["S: nonsense", "S: 250 ok"], ["S: 250-ok", "EOF"], []])
async def test_whatever_breaks_after_the_yes_the_login_stands(rest):
    _, answer = await talk("C: MAIL FROM:<sales@dealer.test>", "C: RSET", *rest)
    assert answer == Answer(mechanism="PLAIN")


async def test_words_out_of_turn_after_the_yes_change_nothing():
    session, answer = await talk("S: 421 4.3.2 going down")
    assert answer == Answer(mechanism="PLAIN")
    assert len(session.said) == 2


async def test_an_answered_sender_stands_when_the_reset_breaks():
    _, answer = await talk(
        "C: MAIL FROM:<sales@dealer.test>", "C: RSET", "S: 550 5.7.1 not yours", "EOF"
    )
    assert answer.sender.condition == "550"


@pytest.mark.parametrize(
    "sender",
    [
        "a> RCPT TO:<b@c.test",
        "a@b.test\r\nRSET",
        "a b@c.test",
        '"a b"@c.test',
        "<a@c.test>",
        "a@c.test>",
        "a@[127.0.0.1]",
        "nobody",
        "@c.test",
        "a@",
        "a@-c-.test",
        "a@c.test.",
        "a" * 65 + "@c.test",
        "a\u2028b@c.test",
        "a\u202eb@c.test",
        "j\u00fcrgen@c.test",
        "a@" + "c" * 64 + ".test",
    ],
)
async def test_an_address_that_cannot_be_sent_as_it_is_is_not_sent(sender):
    session, answer = await talk("C: QUIT", sender=sender)
    assert answer == Answer(mechanism="PLAIN")
    assert session.timeline.skipped == [PhaseName.SENDER]


async def test_letters_beyond_ascii_go_where_smtputf8_is_offered():
    session, _ = await talk(
        "C: MAIL FROM:<j\u00c3\u00bcrgen@xn--bcher-kva.test> SMTPUTF8",
        "S: 250 ok",
        "C: QUIT",
        sender="j\u00fcrgen@b\u00fccher.test",
        capabilities="SMTPUTF8",
    )
    assert session.is_over


async def test_a_domain_beyond_ascii_goes_as_its_a_label():
    session, _ = await talk(
        "C: MAIL FROM:<tim@xn--bcher-kva.test>",
        "S: 250 ok",
        "C: QUIT",
        sender="tim@B\u00fccher.test",
        capabilities="SIZE",
    )
    assert session.is_over
