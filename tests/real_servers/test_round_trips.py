"""How many round trips a verdict costs: TCP, TLS and greeting included.

The fewest that the RFCs allow, and one more for the proof of access.
"""

import pytest

from producer.contract.report import Security
from tests.support import certificates
from tests.support.async_relay import Relay
from tests.support.fake_session import credential
from tests.support.peers.talk import converse
from tests.support.servers import serve
from worker.probing.target import Protocol

LOGIN = credential("tim", "secret")


def server_context():
    context = certificates.good(certificates.NAME, "round-trips.test")
    context.num_tickets = 0  # nobody waits for them, and a relay would count them
    return context


async def smtp_ehlo(wire, *, starttls):
    await wire.expect("EHLO ")
    offer = "250-STARTTLS" if starttls else "250-AUTH PLAIN LOGIN"
    await wire.line("250-mail.test", "250-PIPELINING", offer, "250 SIZE 1000")


def smtp_server(security):
    async def script(wire):
        await wire.line("220 mail.test")
        if security is Security.STARTTLS:
            await smtp_ehlo(wire, starttls=True)
            await wire.expect("STARTTLS")
            await wire.line("220 go")
            await wire.start_tls(server_context())
        await smtp_ehlo(wire, starttls=False)
        await wire.expect("AUTH PLAIN ")
        await wire.line("235 ok")
        if (await wire.read_line()).startswith(b"MAIL FROM:"):
            await wire.expect("RSET")
            await wire.line("250 ok", "250 ok")

    return script


def imap_server(security):
    async def script(wire):
        starttls = security is Security.STARTTLS
        offer = "STARTTLS LOGINDISABLED" if starttls else "SASL-IR ID AUTH=PLAIN"
        await wire.line(f"* OK [CAPABILITY IMAP4rev1 {offer}] ready")
        if starttls:
            tag = await wire.expect("(.+) STARTTLS")
            await wire.line(f"{tag[1]} OK go")
            await wire.start_tls(server_context())
            tag = await wire.expect("(.+) CAPABILITY")
            await wire.line("* CAPABILITY IMAP4rev1 SASL-IR ID AUTH=PLAIN", f"{tag[1]} OK done")
        tag = await wire.expect("(.+) AUTHENTICATE PLAIN ")
        await wire.line(f"{tag[1]} OK done")
        name = await wire.expect("(.+) ID ")
        tag = await wire.expect("(.+) EXAMINE INBOX")
        await wire.line(f"{name[1]} OK done", f"{tag[1]} OK done")

    return script


async def count(protocol, security, script, *, sender=None):
    tls = server_context() if security is Security.IMPLICIT_TLS else None
    async with serve(script, tls=tls) as server, Relay(server.port) as relay:
        talked = await converse(protocol, relay.port, security, LOGIN, sender=sender)
        round_trips = relay.round_trips
    assert talked.answer.refusal is None
    assert talked.answer.mechanism == "PLAIN"
    return round_trips


@pytest.mark.parametrize(
    ("security", "round_trips"),
    [(Security.IMPLICIT_TLS, 5), (Security.STARTTLS, 7), (Security.CLEARTEXT, 4)],
)
async def test_an_smtp_login_takes(security, round_trips):
    assert await count(Protocol.SMTP, security, smtp_server(security)) == round_trips


@pytest.mark.parametrize(
    ("security", "round_trips"),
    [(Security.IMPLICIT_TLS, 6), (Security.STARTTLS, 8), (Security.CLEARTEXT, 5)],
)
async def test_an_smtp_login_with_a_look_at_the_sender_takes_one_more(security, round_trips):
    counted = await count(Protocol.SMTP, security, smtp_server(security), sender="tim@mail.test")
    assert counted == round_trips


@pytest.mark.parametrize(
    ("security", "to_login"),
    [(Security.IMPLICIT_TLS, 4), (Security.STARTTLS, 6), (Security.CLEARTEXT, 3)],
)
async def test_an_imap_login_with_a_look_into_the_inbox_takes_one_more_than(security, to_login):
    assert await count(Protocol.IMAP, security, imap_server(security)) == to_login + 1
