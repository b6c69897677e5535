"""Dialogues, both halves written out: greeting, CAPABILITY, STARTTLS, EXAMINE.

RFC 9051, sections 6 and 7.
"""

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from producer.version import VERSION
from tests.support.fake_session import FakeSession
from tests.support.imap_talk import fail, talk
from worker.probing.errors import ProtocolFault
from worker.probing.imap.dialogue import greet
from worker.probing.target import Answer, Protocol, Refusal

OFFER = "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\n"
LOGIN = "C: A1 AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ=\nS: A1 OK done\n"

# Whole dialogues.


async def test_a_greeting_with_capabilities_spares_a_round_trip():
    session, answer = await talk(
        """
        S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready
        C: A1 AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ=
        S: A1 OK done
        C: A2 EXAMINE INBOX
        S: * 3 EXISTS
        S: A2 OK [READ-ONLY] done
        C: A3 LOGOUT
        """
    )
    assert answer == Answer(mechanism="PLAIN")
    assert session.shown[0] == "A1 AUTHENTICATE PLAIN <hidden>"
    assert session.last_line == b"A3 LOGOUT"
    assert session.timeline.entered == [PhaseName.GREETING, PhaseName.AUTH, PhaseName.MAILBOX]
    assert session.timeline.skipped == [PhaseName.CAPABILITY]
    assert session.replies[-1] == [b"* 3 EXISTS", session.replies[-1][1]]


async def test_with_starttls_capabilities_are_asked_for_after_it():
    session, answer = await talk(
        """
        S: * OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready
        C: A1 STARTTLS
        S: A1 OK go
        TLS
        C: A2 CAPABILITY
        S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN
        S: A2 OK done
        C: A3 AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ=
        S: A3 OK done
        C: A4 EXAMINE INBOX
        S: A4 OK done
        C: A5 LOGOUT
        """,
        security=Security.STARTTLS,
    )
    assert answer == Answer(mechanism="PLAIN")
    assert session.secure


async def test_without_a_credential_the_dialogue_ends_before_the_login():
    session, answer = await talk(OFFER + "C: A1 LOGOUT", login=None)
    assert answer == Answer()
    assert session.timeline.skipped == [PhaseName.CAPABILITY, PhaseName.AUTH]


@pytest.mark.parametrize(
    "capabilities",
    [
        ["S: * CAPABILITY IMAP4rev2", "S: A1 OK done"],
        ["S: A1 OK [CAPABILITY IMAP4rev1] done"],
        ["S: A1 OK done"],
        ["S: A1 BAD what"],
        ["S: * CAPABILITY IMAP4rev1", "S: * 5 EXISTS", "S: * OK still here", "S: A1 OK done"],
    ],
)
async def test_capabilities_may_come_in_any_form_or_not_at_all(capabilities):
    _, answer = await talk(
        "\n".join(
            [
                "S: * OK ready",
                "C: A1 CAPABILITY",
                *capabilities,
                'C: A2 LOGIN "tim" "secret"',
                "S: A2 OK done",
                "C: A3 EXAMINE INBOX",
                "S: A3 OK done",
                "C: A4 LOGOUT",
            ]
        )
    )
    assert answer == Answer(mechanism="LOGIN command")


# I1: the greeting.


async def test_a_greeting_may_be_a_refusal():
    _, answer = await talk("S: * BYE [UNAVAILABLE] Too many connections\nC: A1 LOGOUT")
    assert answer.refusal == Refusal(
        Protocol.IMAP, PhaseName.GREETING, "BYE", "UNAVAILABLE", "Too many connections"
    )


@pytest.mark.parametrize(
    ("security", "code"),
    [
        (Security.STARTTLS, Code.TLS_BYPASS),
        (Security.IMPLICIT_TLS, Code.AUTH_UNPROVEN),
        (Security.CLEARTEXT, Code.AUTH_UNPROVEN),
    ],
)
async def test_a_server_that_asks_for_no_credential_proves_nothing(security, code):
    session, fault = await fail(
        "S: * preauth [CAPABILITY IMAP4rev1 STARTTLS] hello", security=security
    )
    assert fault.code is code
    assert session.said == []


@pytest.mark.parametrize(
    ("line", "service"),
    [
        ("+OK POP3 ready", "pop3"),
        ("220 mail.test ESMTP", "smtp"),
        ("SSH-2.0-OpenSSH_9.2p1", "ssh"),
        ("HTTP/1.1 400 Bad Request", "http"),
        ("-ERR unknown command", "redis"),
    ],
)
async def test_another_service_is_named_by_its_first_line_and_gets_no_octet(line, service):
    session, fault = await fail(f"S: {line}")
    assert (fault.code, fault.hint) == (Code.WRONG_SERVICE, service)
    assert session.said == []
    assert session.last_line is None


@pytest.mark.parametrize(
    "line", ["* NO no", "* BAD bad", "* CAPABILITY IMAP4rev1", "a1 OK hi", "+ hi", "welcome"]
)
async def test_a_greeting_that_is_none_breaks_the_protocol(line):
    session, fault = await fail(f"S: {line}")
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.said == []


async def test_greet_asks_for_the_greeting_only():
    session = FakeSession("S: * OK ready\nC: A1 LOGOUT")
    await greet(session)
    assert session.said == []


async def test_greet_tells_a_refusal():
    with pytest.raises(ProtocolFault) as caught:
        await greet(FakeSession("S: * BYE no"))
    assert caught.value.code is Code.GREETING_REJECTED


# I2, I3: tags, and what comes unasked.


@pytest.mark.parametrize("tag", ["a1", "A001", "RUBY0001", "a", "1"])
async def test_an_early_ok_for_a_usual_tag_is_not_the_answer(tag):
    session, fault = await fail(
        f"""
        S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready
        C: A1 STARTTLS
        S: {tag} OK believe me
        """,
        security=Security.STARTTLS,
    )
    assert fault.code is Code.PROTOCOL_ERROR
    assert not session.secure


async def test_an_untagged_ok_is_no_completion():
    _, fault = await fail(OFFER + "C: A1 AUTHENTICATE PLAIN AHRpbQBzZWNyZXQ=\nS: * OK you are in")
    assert fault.code is Code.DEADLINE_EXCEEDED


async def test_no_two_commands_have_a_tag_in_common():
    tags = []
    for _ in range(20):
        session, _ = await talk(OFFER + LOGIN + "C: A2 EXAMINE INBOX\nS: A2 OK\nC: A3 LOGOUT")
        tags += [tag[:6] for tag in session.tags.values()]
    assert len(set(tags)) == len(tags) == 60


async def test_untagged_data_before_tls_is_passed_over():
    _, answer = await talk(
        """
        S: * OK [CAPABILITY IMAP4rev1 STARTTLS] ready
        C: A1 STARTTLS
        S: * LIST () "/" INBOX
        S: * 4 EXISTS
        S: * OK [ALERT] call this number
        S: * CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR
        S: A1 OK go
        TLS
        C: A2 CAPABILITY
        S: A2 OK done
        C: A3 LOGIN "tim" "secret"
        S: A3 OK done
        C: A4 EXAMINE INBOX
        S: A4 OK done
        C: A5 LOGOUT
        """,
        security=Security.STARTTLS,
    )
    assert answer == Answer(mechanism="LOGIN command")


# I5, I16: capabilities.


async def test_a_server_that_refuses_to_tell_its_capabilities_has_refused():
    _, answer = await talk(
        "S: * OK hi\nC: A1 CAPABILITY\nS: A1 NO [LIMIT] Rate limit hit.\nC: A2 LOGOUT"
    )
    assert answer.refusal == Refusal(
        Protocol.IMAP, PhaseName.CAPABILITY, "NO", "LIMIT", "Rate limit hit."
    )


async def test_a_server_that_knows_imap4_only_is_none_of_ours():
    session, fault = await fail("S: * OK [CAPABILITY IMAP4] hi")
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.last_line == b"A1 LOGOUT"


# I6: STARTTLS.


async def test_capabilities_that_are_refused_inside_tls_are_a_refusal():
    _, answer = await talk(
        """
        S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi
        C: A1 STARTTLS
        S: A1 OK go
        TLS
        C: A2 CAPABILITY
        S: * BYE going down
        C: A3 LOGOUT
        """,
        security=Security.STARTTLS,
    )
    assert answer.refusal.phase is PhaseName.CAPABILITY


@pytest.mark.parametrize("capabilities", ["IMAP4rev1 AUTH=PLAIN", "IMAP4"])
async def test_no_starttls_means_no_login(capabilities):
    session, fault = await fail(
        f"S: * OK [CAPABILITY {capabilities}] hi", security=Security.STARTTLS
    )
    assert fault.code is Code.STARTTLS_NOT_OFFERED
    assert session.said == []
    assert session.last_line == b"A1 LOGOUT"


STARTTLS = "S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi\nC: A1 STARTTLS\n"


@pytest.mark.parametrize("line", ["A1 NO not now", "A1 BAD what", "* BYE bye"])
async def test_a_refused_starttls_is_told_with_the_servers_words(line):
    session, fault = await fail(STARTTLS + f"S: {line}", security=Security.STARTTLS)
    assert fault.code is Code.STARTTLS_REFUSED
    assert fault.refusal.condition == line.split()[1]
    assert session.said == [b"A1 STARTTLS"]


@pytest.mark.parametrize("line", ["+ continue with something", "+", "B1 OK go"])
async def test_any_other_answer_to_starttls_breaks_the_protocol(line):
    session, fault = await fail(STARTTLS + f"S: {line}", security=Security.STARTTLS)
    assert fault.code is Code.PROTOCOL_ERROR
    assert session.said == [b"A1 STARTTLS"]


async def test_plain_text_behind_the_go_ahead_is_injection():
    _, fault = await fail(
        STARTTLS + "S: A1 OK go\nS: * CAPABILITY IMAP4rev1 AUTH=PLAIN\nS: * OK [ALERT] injected",
        security=Security.STARTTLS,
    )
    assert fault.code is Code.STARTTLS_INJECTION


# I15: an authenticated command.


@pytest.mark.parametrize(
    ("line", "condition", "text"),
    [
        (
            "A2 BAD User is authenticated but not connected.",
            "BAD",
            "User is authenticated but not connected.",
        ),
        ("A2 NO EXAMINE Unsafe Login. Please contact kefu", "NO", None),
        ("* BYE shutting down", "BYE", "shutting down"),
    ],
)
async def test_a_login_that_opens_no_mailbox_is_a_refusal_of_the_mailbox(line, condition, text):
    _, answer = await talk(OFFER + LOGIN + f"C: A2 EXAMINE INBOX\nS: {line}\nC: A3 LOGOUT")
    assert answer.mechanism == "PLAIN"
    assert answer.refusal.phase is PhaseName.MAILBOX
    assert answer.refusal.condition == condition
    assert text is None or answer.refusal.text == text


async def test_a_literal_in_what_the_server_tells_is_passed_over():
    session, answer = await talk(
        OFFER
        + LOGIN
        + """
C: A2 EXAMINE INBOX
S: * LIST () "/" {5}
S: INBOX
S: * X {0}
S:  rest
S: A2 OK done
C: A3 LOGOUT
"""
    )
    assert answer == Answer(mechanism="PLAIN")
    assert session.replies[-1][0] == b'* LIST () "/" {5}INBOX'


async def test_a_login_that_is_followed_by_nothing_is_not_proved():
    _, fault = await fail(OFFER + LOGIN + "C: A2 EXAMINE INBOX\nEOF")
    assert fault.code is Code.CONNECTION_CLOSED


@pytest.mark.parametrize("answer_to_id", ['S: * ID ("name" "x")\nS: A2 OK', "S: A2 BAD no"])
async def test_a_name_is_given_in_the_same_flight_where_names_are_taken(answer_to_id):
    _, answer = await talk(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR ID AUTH=PLAIN] ready\n"
        + LOGIN
        + f'C: A2 ID ("name" "mailvouch" "vendor" "mailvouch" "version" "{VERSION}")\n'
        + "C: A3 EXAMINE INBOX\n"
        + answer_to_id
        + "\nS: A3 OK done\nC: A4 LOGOUT"
    )
    assert answer == Answer(mechanism="PLAIN")


async def test_a_completion_comes_once():
    _, fault = await fail(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR ID AUTH=PLAIN] ready\n"
        + LOGIN
        + f'C: A2 ID ("name" "mailvouch" "vendor" "mailvouch" "version" "{VERSION}")\n'
        + "C: A3 EXAMINE INBOX\nS: A2 OK\nS: A2 OK\n"
    )
    assert fault.code is Code.PROTOCOL_ERROR


async def test_compression_and_extensions_that_are_offered_are_not_used():
    session, _ = await talk(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN COMPRESS=DEFLATE ENABLE] ready\n"
        + LOGIN
        + "C: A2 EXAMINE INBOX\nS: A2 OK done\nC: A3 LOGOUT"
    )
    assert not any(b"COMPRESS" in line or b"ENABLE" in line for line in session.said)
