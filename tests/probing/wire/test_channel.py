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


def test_what_comes_while_another_thread_has_the_handshake_waits_for_it():
    channel, flight = channel_and_flight()
    channel.feed(flight[:100])
    channel.lend()
    channel.feed(flight[100:])

    assert not channel.advance_lent(), "the rest has not been fed yet"

    channel.take_back()
    assert channel.advance()


def test_nothing_is_written_while_another_thread_has_the_handshake():
    channel, flight = channel_and_flight()
    channel.feed(flight)
    channel.lend()
    assert channel.judge(done=channel.advance_lent())

    assert channel.outgoing() == b""
    channel.take_back()
    assert channel.outgoing() != b""


def test_the_end_of_the_wire_is_kept_in_order():
    channel, flight = channel_and_flight()
    channel.lend()
    channel.feed(flight[:50])
    channel.feed_eof()
    channel.take_back()

    assert not channel.advance()
    assert channel.fault is None
