"""Dovecot, IMAP and submission, as it comes from Debian."""

import time

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from tests.support.fake_session import credential
from tests.support.peers import OTHER_PASSWORD, OTHER_USER, PASSWORD, USER, VICTIMS, mismatches
from tests.support.peers.dovecot import NOT_SECURE_HOST, token
from tests.support.peers.talk import TIM, WRONG, converse, log_in
from worker.probing.errors import TlsFault
from worker.probing.target import Answer, CredentialKind, Protocol
from worker.probing.wire.tls import make_context

pytestmark = pytest.mark.real

JUERGEN = credential(OTHER_USER, OTHER_PASSWORD)
SERVICES = [
    (Protocol.IMAP, "imap", Security.CLEARTEXT),
    (Protocol.IMAP, "imap", Security.STARTTLS),
    (Protocol.IMAP, "imaps", Security.IMPLICIT_TLS),
    (Protocol.SMTP, "submission", Security.CLEARTEXT),
    (Protocol.SMTP, "submission", Security.STARTTLS),
    (Protocol.SMTP, "submissions", Security.IMPLICIT_TLS),
]


@pytest.mark.parametrize(("protocol", "service", "security"), SERVICES)
@pytest.mark.parametrize("login", [TIM, JUERGEN], ids=["ascii", "utf-8"])
async def test_a_good_account_succeeds(dovecot_peer, protocol, service, security, login):
    talked = await converse(protocol, dovecot_peer.ports[service], security, login)
    assert talked.answer.refusal is None
    # In the clear SCRAM keeps the password off the wire.
    clear = security is Security.CLEARTEXT
    assert talked.answer.mechanism == ("SCRAM-SHA-256" if clear else "PLAIN")
    assert (talked.tls is None) is clear
    assert (PhaseName.MAILBOX in talked.phases) is (protocol is Protocol.IMAP)
    assert login.secret.get_secret_value() not in "\n".join(talked.lines)


@pytest.mark.parametrize(
    ("protocol", "service", "security", "victim"),
    [(*service, victim) for service, victim in zip(SERVICES, VICTIMS, strict=False)],
)
async def test_a_wrong_password_is_refused_once(dovecot_peer, protocol, service, security, victim):
    login = credential(victim, "wrong horse")
    talked = await converse(protocol, dovecot_peer.ports[service], security, login)
    refusal = talked.answer.refusal
    assert refusal.phase is PhaseName.AUTH
    if protocol is Protocol.IMAP:
        assert (refusal.condition, refusal.detail) == ("NO", "AUTHENTICATIONFAILED")
    else:
        assert (refusal.condition, refusal.detail) == ("535", "5.7.8")
    assert await mismatches(dovecot_peer, victim) == 1


@pytest.mark.parametrize(
    ("protocol", "service"), [(Protocol.IMAP, "imaps"), (Protocol.SMTP, "submissions")]
)
@pytest.mark.parametrize(
    "mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
)
@pytest.mark.parametrize("login", [TIM, JUERGEN], ids=["ascii", "utf-8"])
async def test_every_mechanism_logs_in(dovecot_peer, protocol, service, mechanism, login):
    offered = (mechanism,) if protocol is Protocol.SMTP else (f"AUTH={mechanism}", "LOGINDISABLED")
    port = dovecot_peer.ports[service]
    answer = await log_in(protocol, port, Security.IMPLICIT_TLS, login, *offered)
    assert answer.refusal is None
    assert answer.mechanism == mechanism


@pytest.mark.parametrize("mechanism", ["CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"])
async def test_a_wrong_password_is_refused_by_every_mechanism(dovecot_peer, mechanism):
    port = dovecot_peer.ports["submissions"]
    answer = await log_in(Protocol.SMTP, port, Security.IMPLICIT_TLS, WRONG, mechanism)
    assert answer.refusal.condition == "535"


@pytest.mark.parametrize("login", [TIM, JUERGEN], ids=["quoted", "literal"])
async def test_the_login_command_logs_in(dovecot_peer, login):
    port = dovecot_peer.ports["imaps"]
    answer = await log_in(Protocol.IMAP, port, Security.IMPLICIT_TLS, login)
    assert answer.refusal is None
    assert answer.mechanism == "LOGIN command"


@pytest.mark.parametrize(
    ("protocol", "service"), [(Protocol.IMAP, "imaps"), (Protocol.SMTP, "submissions")]
)
@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
@pytest.mark.parametrize("lifetime_seconds", [600, -600], ids=["valid", "expired"])
async def test_a_token_logs_in_while_it_lives(
    dovecot_peer, protocol, service, mechanism, lifetime_seconds
):
    now = int(time.time()) - (700 if lifetime_seconds < 0 else 0)
    bearer = token(dovecot_peer, USER, lifetime_seconds=abs(lifetime_seconds), now=now)
    login = credential(USER, bearer, CredentialKind.BEARER)
    offered = mechanism if protocol is Protocol.SMTP else f"AUTH={mechanism}"
    port = dovecot_peer.ports[service]
    answer = await log_in(protocol, port, Security.IMPLICIT_TLS, login, offered)
    assert answer.mechanism == mechanism
    assert (answer.refusal is None) is (lifetime_seconds > 0)


@pytest.mark.parametrize(
    ("protocol", "service", "security"),
    [one for one in SERVICES if one[2] is not Security.CLEARTEXT],
)
async def test_an_unknown_authority_ends_it_before_any_login(
    dovecot_peer, protocol, service, security
):
    login = credential(VICTIMS[-1], PASSWORD)
    with pytest.raises(TlsFault) as caught:
        await converse(
            protocol, dovecot_peer.ports[service], security, login, context=make_context()
        )
    assert caught.value.code is Code.CERTIFICATE_UNTRUSTED
    assert VICTIMS[-1] not in dovecot_peer.log()


async def test_a_certificate_for_another_name_ends_it_before_any_login(dovecot_peer):
    port = dovecot_peer.ports["imaps"]
    with pytest.raises(TlsFault) as caught:
        await converse(Protocol.IMAP, port, Security.IMPLICIT_TLS, host="other.test")
    assert caught.value.code is Code.CERTIFICATE_NAME_MISMATCH


async def test_where_plain_login_is_disabled_in_the_clear_scram_is_not(dovecot_peer):
    port = dovecot_peer.ports["imap"]
    talked = await converse(Protocol.IMAP, port, Security.CLEARTEXT, address=NOT_SECURE_HOST)
    assert talked.answer == Answer(mechanism="SCRAM-SHA-256")
    assert "LOGINDISABLED" in "".join(talked.lines)


async def test_a_relay_that_is_down_does_not_undo_a_submission_login(dovecot_peer):
    port = dovecot_peer.ports["submissions"]
    talked = await converse(Protocol.SMTP, port, Security.IMPLICIT_TLS, sender=USER)
    assert talked.answer.refusal is None
