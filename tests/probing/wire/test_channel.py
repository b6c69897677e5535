import ssl
from contextlib import suppress

from producer.contract.report import Security
from tests.support import certificates
from tests.support.probing import client_context
from worker.probing.wire.channel import TlsChannel


def flight_of_a_server(hello: bytes) -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = certificates.good("mail.test").wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(hello)
    with suppress(ssl.SSLWantReadError):
        server.do_handshake()
    return outgoing.read()


def channel_and_flight():
    channel = TlsChannel(client_context(), "mail.test", Security.IMPLICIT_TLS)
    assert not channel.advance()
    return channel, flight_of_a_server(channel.outgoing())


def test_a_handshake_goes_on_with_whatever_part_of_a_flight_has_come():
    channel, flight = channel_and_flight()
    for octet in flight[:-1]:
        channel.feed(bytes([octet]))
        assert not channel.advance()
    channel.feed(flight[-1:])
    assert channel.advance()


def test_the_end_of_the_wire_breaks_no_handshake_by_itself():
    channel, flight = channel_and_flight()
    channel.feed(flight[:50])
    channel.feed_eof()

    assert not channel.advance()
    assert channel.fault is None


async def test_a_server_that_ends_the_wire_at_once_leaves_a_handshake_elsewhere_unfinished():
    channel, flight = channel_and_flight()
    channel.feed(flight[:50])
    channel.feed_eof()

    async def elsewhere(advance):
        return advance()

    assert not await channel.advance_elsewhere(elsewhere)
    assert channel.fault is None
