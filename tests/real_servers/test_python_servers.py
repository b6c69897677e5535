"""aiosmtpd and pymap: real servers that need no installation."""

import pytest

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support.peers import USER
from tests.support.peers.aiosmtpd_server import aiosmtpd
from tests.support.peers.talk import WRONG, converse
from worker.probing.errors import AuthFault
from worker.probing.target import Protocol


@pytest.mark.parametrize("exclude", [(), ("PLAIN",)], ids=["plain", "login"])
@pytest.mark.parametrize("security", [Security.STARTTLS, Security.IMPLICIT_TLS, Security.CLEARTEXT])
async def test_a_good_account_succeeds_on_aiosmtpd(security, exclude):
    implicit = security is Security.IMPLICIT_TLS
    clear = security is Security.CLEARTEXT
    async with aiosmtpd(implicit_tls=implicit, require_tls=not clear, exclude=exclude) as peer:
        talked = await converse(Protocol.SMTP, peer.port, security, sender=USER)
    assert talked.answer.refusal is None
    assert talked.answer.sender is None
    assert peer.logins == [(USER, True)]


async def test_a_wrong_password_is_refused_once_by_aiosmtpd():
    async with aiosmtpd() as peer:
        talked = await converse(Protocol.SMTP, peer.port, Security.STARTTLS, WRONG)
    assert (talked.answer.refusal.condition, talked.answer.refusal.detail) == ("535", "5.7.8")
    assert peer.logins == [(USER, False)]


async def test_aiosmtpd_offers_no_login_in_the_clear():
    async with aiosmtpd() as peer:
        with pytest.raises(AuthFault) as caught:
            await converse(Protocol.SMTP, peer.port, Security.CLEARTEXT)
    assert caught.value.code is Code.AUTH_REQUIRES_TLS
    assert peer.logins == []


@pytest.mark.parametrize("security", [Security.STARTTLS, Security.CLEARTEXT])
async def test_a_good_account_succeeds_on_pymap(pymap_peer, security):
    talked = await converse(Protocol.IMAP, pymap_peer.ports["imap"], security)
    assert talked.answer.refusal is None


async def test_a_wrong_password_is_refused_by_pymap(pymap_peer):
    talked = await converse(Protocol.IMAP, pymap_peer.ports["imap"], Security.STARTTLS, WRONG)
    assert talked.answer.refusal.condition == "NO"
