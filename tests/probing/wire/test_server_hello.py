"""A ServerHello as OpenSSL writes it, and bytes made to look like one."""

import ssl
from contextlib import suppress

import pytest

from tests.support import certificates
from tests.support.probing import client_context
from worker.probing.wire.server_hello import takes_up_session


class Handshake:
    """A client and a server in memory."""

    def __init__(self, tls, session=None):
        self.to_server, self.to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client_context().wrap_bio(
            self.to_client, self.to_server, server_hostname=certificates.NAME, session=session
        )
        self.server = tls.wrap_bio(self.to_server, self.to_client, server_side=True)

    def first_flight(self):
        with suppress(ssl.SSLWantReadError):
            self.client.do_handshake()
        with suppress(ssl.SSLWantReadError):
            self.server.do_handshake()
        flight = self.to_client.read()
        self.to_client.write(flight)
        return flight

    def finish(self):
        for side in (self.client, self.server, self.client):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
        with suppress(ssl.SSLWantReadError):
            self.client.read(1)
        return self.client.session


def flights(version):
    """The server's first flight of a full handshake, and that of one which resumes it."""
    tls = certificates.only_version(version)
    full = Handshake(tls)
    first = full.first_flight()
    resumed = Handshake(tls, full.finish())
    second = resumed.first_flight()
    resumed.finish()
    assert resumed.client.session_reused
    return first, second


@pytest.fixture(scope="module")
def resumed():
    return flights(ssl.TLSVersion.TLSv1_3)[1]


def test_a_full_handshake_is_told_from_one_that_resumes(resumed):
    full, _ = flights(ssl.TLSVersion.TLSv1_3)
    assert [takes_up_session(flight) for flight in (full, resumed)] == [False, True]


def test_of_tls_1_2_nothing_is_told():
    assert not any(map(takes_up_session, flights(ssl.TLSVersion.TLSv1_2)))


def test_part_of_a_record_tells_nothing(resumed):
    record = resumed[: 5 + int.from_bytes(resumed[3:5], "big")]
    assert takes_up_session(record)
    assert not any(takes_up_session(record[:end]) for end in range(len(record)))


def test_a_hello_that_goes_on_in_the_next_record_tells_nothing(resumed):
    size = int.from_bytes(resumed[3:5], "big")
    message = resumed[5 : 5 + size]
    halves = (message[:50], message[50:])
    parted = b"".join(b"\x16\x03\x03" + len(half).to_bytes(2, "big") + half for half in halves)
    assert not takes_up_session(parted)


def test_a_hello_that_asks_for_another_one_tells_nothing(resumed):
    retry = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    assert not takes_up_session(resumed[:11] + retry + resumed[43:])


def test_other_messages_and_alerts_tell_nothing(resumed):
    assert not takes_up_session(b"\x15" + resumed[1:])
    assert not takes_up_session(resumed[:5] + b"\x0b" + resumed[6:])
