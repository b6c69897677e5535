"""TLS as odd servers speak it: in crumbs, with ends in the wrong place, with unasked offers."""

import ssl

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support import certificates
from tests.support.hostile import CREDENTIAL, HELLO, T, run, smtp

DONE = (*CREDENTIAL, "S: 235 2.7.0 ok")


def close_notify(wire):
    """Our side's close_notify, without waiting for the client's."""
    with pytest.raises(ssl.SSLWantReadError):
        wire._tls.unwrap()
    return wire.send_raw(wire._outgoing.read())


async def test_a_handshake_in_records_of_one_octet_each_is_one_all_the_same():
    """RFC 8446, section 5.1: handshake messages may be cut up at will; here a flight."""
    context = certificates.only_version(ssl.TLSVersion.TLSv1_2)

    async def script(wire):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        wire._tls_side = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(await wire._receive())
        with pytest.raises(ssl.SSLWantReadError):
            wire._tls_side.do_handshake()
        flight = outgoing.read()
        body = b"".join(records(flight))
        crumbs = b"".join(b"\x16\x03\x03\x00\x01" + bytes([octet]) for octet in body)
        await wire.send_raw(crumbs)
        incoming.write(await wire._receive())
        wire._tls_side.do_handshake()
        await wire.send_raw(outgoing.read())
        wire._tls, wire._incoming, wire._outgoing = wire._tls_side, incoming, outgoing
        await wire.line("220 mail.test")
        await wire.expect("EHLO ")
        await wire.line("250-mail.test", "250 AUTH PLAIN")
        await wire.expect("AUTH PLAIN ")
        await wire.line("235 2.7.0 ok")

    await run(smtp("crumbs", script, code=Code.OK, context=None, mode=T))


def records(flight):
    """What the records of a flight hold."""
    while flight:
        size = int.from_bytes(flight[3:5], "big")
        yield flight[5 : 5 + size]
        flight = flight[5 + size :]


async def test_a_close_notify_in_the_greetings_place_is_a_closed_connection():
    case = smtp("close", close_notify, code=Code.CONNECTION_CLOSED)
    outcome = await run(case)
    assert outcome.result.probe.phase is PhaseName.GREETING
    assert outcome.server.commands in ([], ["QUIT"])


async def test_plain_text_after_a_close_notify_is_never_read():
    async def script(wire):
        await wire.read_line()
        await close_notify(wire)
        await wire.send_raw(b"235 2.7.0 ok\r\n")

    await run(
        smtp(
            "after",
            *HELLO,
            script,
            code=Code.CONNECTION_CLOSED,
            quits=False,
            deadline_seconds=1,
        )
    )


async def test_half_a_yes_before_a_close_notify_is_none():
    async def script(wire):
        await wire.read_line()
        await wire.send(b"235 2.7.0 Authentication succ")
        await close_notify(wire)
        wire.close()

    case = smtp("half", *HELLO, script, code=Code.CONNECTION_CLOSED, quits=False)
    await run(case)


async def test_a_server_that_wants_to_choose_another_protocol_gets_none():
    context = certificates.good("mail.test", "alpn.test")
    chosen = []
    context.set_alpn_protocols(["http/1.1"])

    async def note(wire):
        chosen.append(wire._tls.selected_alpn_protocol())

    await run(smtp("ALPN", note, *DONE, code=Code.OK, context=lambda: context))
    assert chosen == [None]


async def test_many_alerts_that_only_warn_end_the_connection():
    """A warning a record, in TLS 1.2: OpenSSL counts them."""

    async def script(wire):
        await wire.read(5)
        await wire.send_raw(b"\x15\x03\x03\x00\x02\x01\x5a" * 2000)

    case = smtp("warnings", script, code=Code.TLS_HANDSHAKE_FAILED, context=None, quits=False)
    await run(case)
