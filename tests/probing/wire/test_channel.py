import ssl
from contextlib import suppress

from producer.contract.codes import Code
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

    assert not await channel.advance_in_thread(elsewhere)
    assert channel.fault is None


async def test_a_server_that_ends_the_wire_behind_its_flight_has_agreed_and_then_ended():
    channel, flight = channel_and_flight()
    channel.feed(flight)

    async def elsewhere(advance):
        channel.feed_eof()  # comes while a thread is at work
        return advance()

    assert await channel.advance_in_thread(elsewhere)
    channel.feed(b"")
    assert channel.read() == b""
    assert channel.fault is None


def test_the_end_of_the_wire_within_a_record_breaks_nothing_that_was_agreed():
    channel, flight = channel_and_flight()
    channel.feed(flight)
    assert channel.advance()
    channel.feed(b"\x17\x03\x03")
    channel.feed_eof()

    assert channel.read() == b""
    assert channel.fault is None


class ScriptedTls:
    """In OpenSSL's place, for alerts that no server of Python's sends: what each read gives."""

    def __init__(self, outgoing, reads):
        self._outgoing = outgoing
        self._reads = iter(reads)

    def do_handshake(self):
        self._outgoing.write(b"a flight of ours")

    def read(self, _size):
        got = next(self._reads)
        if isinstance(got, Exception):
            raise got
        return got

    def write(self, _data):
        pass

    def cipher(self):
        return ("TLS_AES_128_GCM_SHA256", "TLSv1.2", 128)


class ScriptedContext:
    def __init__(self, *reads):
        self._reads = reads

    def wrap_bio(self, _incoming, outgoing, *, server_hostname, session):
        return ScriptedTls(outgoing, self._reads)


def alert(reason):
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


def broken_by(*reads):
    """Return the code with which a connection breaks, both our flights being sent."""
    channel = TlsChannel(ScriptedContext(*reads), "mail.test", Security.IMPLICIT_TLS)
    for _ in range(2):
        channel.advance()
        assert channel.outgoing()
    channel.feed(b"\x16\x03\x03")
    channel.read()
    return channel.fault.code


REFUSED = "SSLV3_ALERT_HANDSHAKE_FAILURE"  # the answer, too, to our no to a renegotiation


def test_a_server_that_talked_to_us_demands_no_certificate_by_a_general_alert():
    assert broken_by(alert(REFUSED)) is Code.CLIENT_CERTIFICATE_REQUIRED
    assert broken_by(b"220 hello\r\n", alert(REFUSED)) is Code.TLS_HANDSHAKE_FAILED


def test_an_alert_that_names_the_certificate_always_demands_one():
    demand = alert("TLSV13_ALERT_CERTIFICATE_REQUIRED")
    assert broken_by(b"220 hello\r\n", demand) is Code.CLIENT_CERTIFICATE_REQUIRED
