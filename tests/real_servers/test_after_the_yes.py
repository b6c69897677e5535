"""The server's yes is the verdict: what it does afterwards cannot take it back."""

import pytest

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support import certificates
from tests.support.fake_session import credential
from tests.support.peers.talk import converse
from tests.support.servers import serve
from worker.probing.errors import NetworkFault
from worker.probing.target import Answer, Protocol

LOGIN = credential("tim", "secret")


async def log_in(wire):
    await wire.line("220 mail.test")
    await wire.expect("EHLO ")
    await wire.line("250-mail.test", "250-PIPELINING", "250 AUTH PLAIN")
    await wire.expect("AUTH PLAIN ")


async def reset(wire):
    await wire.line("235 2.7.0 ok")
    wire.reset()


async def hang_up(wire):
    await wire.line("235 2.7.0 ok")
    wire.close()


async def turn_away(wire):
    await wire.line("235 2.7.0 ok", "421 4.3.2 going down")
    wire.close()


async def babble(wire):
    await wire.line("235 2.7.0 ok")
    await wire.expect("MAIL FROM:")
    await wire.flood(b"A" * 4096)


@pytest.mark.parametrize(
    ("end", "sender"),
    [
        *(
            (end, sender)
            for end in (reset, hang_up, turn_away)
            for sender in (None, "tim@mail.test")
        ),
        (babble, "tim@mail.test"),
    ],
)
async def test_an_smtp_login_stands_whatever_follows(end, sender):
    async def script(wire):
        await log_in(wire)
        await end(wire)

    async with serve(script, tls=certificates.good()) as server:
        talked = await converse(
            Protocol.SMTP, server.port, Security.IMPLICIT_TLS, LOGIN, sender=sender
        )
    assert talked.answer == Answer(mechanism="PLAIN")


async def test_a_yes_that_is_cut_short_is_none():
    async def script(wire):
        await log_in(wire)
        await wire.send(b"235-2.7.0 o")
        wire.close()

    async with serve(script, tls=certificates.good()) as server:
        with pytest.raises(NetworkFault) as caught:
            await converse(Protocol.SMTP, server.port, Security.IMPLICIT_TLS, LOGIN)
    assert caught.value.code is Code.CONNECTION_CLOSED
