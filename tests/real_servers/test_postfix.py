"""Postfix, with Dovecot's SASL, as it comes from Debian."""

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from tests.support.fake_session import credential
from tests.support.peers import OTHER_PASSWORD, OTHER_USER, USER, VICTIMS, mismatches
from tests.support.peers.talk import TIM, converse, log_in
from worker.probing.errors import AuthFault, TlsFault
from worker.probing.target import Protocol
from worker.probing.wire.tls import make_context

pytestmark = pytest.mark.real

SMTP = Protocol.SMTP
JUERGEN = credential(OTHER_USER, OTHER_PASSWORD)
SERVICES = [
    ("clear", Security.CLEARTEXT),
    ("submission", Security.STARTTLS),
    ("submissions", Security.IMPLICIT_TLS),
]


@pytest.mark.parametrize(("service", "security"), SERVICES)
@pytest.mark.parametrize("login", [TIM, JUERGEN], ids=["ascii", "utf-8"])
async def test_a_good_account_succeeds(postfix_peer, service, security, login):
    talked = await converse(SMTP, postfix_peer.ports[service], security, login)
    assert talked.answer.refusal is None
    assert login.secret.get_secret_value() not in "\n".join(talked.lines)


@pytest.mark.parametrize(
    ("service", "security", "victim"),
    [(*service, victim) for service, victim in zip(SERVICES, VICTIMS[10:], strict=False)],
)
async def test_a_wrong_password_is_refused_once(
    postfix_peer, dovecot_peer, service, security, victim
):
    login = credential(victim, "wrong horse")
    talked = await converse(SMTP, postfix_peer.ports[service], security, login)
    refusal = talked.answer.refusal
    assert (refusal.condition, refusal.detail) == ("535", "5.7.8")
    assert await mismatches(dovecot_peer, victim) == 1


@pytest.mark.parametrize(
    "mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
)
async def test_every_mechanism_logs_in(postfix_peer, mechanism):
    port = postfix_peer.ports["submissions"]
    answer = await log_in(SMTP, port, Security.IMPLICIT_TLS, TIM, mechanism)
    assert answer.refusal is None
    assert answer.mechanism == mechanism


@pytest.mark.parametrize(("service", "security"), SERVICES[1:])
async def test_an_unknown_authority_ends_it_before_any_login(postfix_peer, service, security):
    with pytest.raises(TlsFault) as caught:
        await converse(SMTP, postfix_peer.ports[service], security, context=make_context())
    assert caught.value.code is Code.CERTIFICATE_UNTRUSTED


async def test_a_login_that_is_offered_under_tls_only_is_not_tried_in_the_clear(postfix_peer):
    with pytest.raises(AuthFault) as caught:
        await converse(SMTP, postfix_peer.ports["submission"], Security.CLEARTEXT)
    assert caught.value.code is Code.AUTH_REQUIRES_TLS


async def test_a_server_without_login_is_told_so(postfix_peer):
    with pytest.raises(AuthFault) as caught:
        await converse(SMTP, postfix_peer.ports["no_auth"], Security.STARTTLS)
    assert caught.value.code is Code.AUTH_NOT_OFFERED


async def test_an_own_sender_address_is_taken_and_nothing_is_sent(postfix_peer):
    port = postfix_peer.ports["submissions"]
    talked = await converse(SMTP, port, Security.IMPLICIT_TLS, sender=USER)
    assert talked.answer.sender is None
    assert "SMTP C: RSET" in talked.lines
    assert PhaseName.SENDER in talked.phases


async def test_somebody_elses_address_is_a_finding_and_the_login_stands(postfix_peer):
    port = postfix_peer.ports["submissions"]
    talked = await converse(SMTP, port, Security.IMPLICIT_TLS, sender="boss@mail.test")
    assert talked.answer.refusal is None
    assert talked.answer.sender.phase is PhaseName.SENDER
    assert talked.answer.sender.condition == "553"
