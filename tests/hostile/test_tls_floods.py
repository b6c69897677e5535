"""What records that no library sends cost the loop, after the handshake (ARCHITECTURE.md).

A server's side in memory: the CPU time that is measured is ours alone.
"""

import asyncio
import ssl
import time
from contextlib import suppress

import pytest

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support import certificates
from tests.support.pace import assert_within
from tests.support.probing import client_context
from tests.support.tls_records import (
    ALERT,
    HANDSHAKE,
    HELLO_REQUEST,
    KEY_UPDATE,
    KEY_UPDATE_WANTED,
    Tls12Records,
    Tls13Records,
    logging_keys,
    ticket,
)
from worker.probing.wire.allowance import MAX_SESSION_BYTES
from worker.probing.wire.resumption import Peer, Resumption, TlsSessions
from worker.probing.wire.stream import Stream
from worker.probing.wire.trust import Trust

MOST_SECONDS = 0.05
LONGEST_STRETCH_SECONDS = 0.02
MAX_ANSWER_BYTES = 32 * 1024

ARRIVAL_BYTES = MAX_SESSION_BYTES - 8 * 1024
"""What may come at once, after a handshake: asyncio reads up to 256 KiB."""


class Pipe(asyncio.Transport):
    """Takes what our side sends."""

    def __init__(self):
        super().__init__()
        self.sent = bytearray()
        self.reading = True

    def write(self, data):
        self.sent += data

    def is_closing(self):
        return False

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def set_write_buffer_limits(self, high=None, low=None):
        pass


async def connected(context):
    """Our stream after its handshake with a server in memory, and that server's random."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    stream, pipe = Stream(), Pipe()
    stream.connection_made(pipe)

    async def here(advance):
        return advance()

    peer = Peer("127.0.0.1", 465, certificates.NAME, "smtp", Security.IMPLICIT_TLS)
    resumption = Resumption(TlsSessions(limit=0), peer)
    trust = Trust(certificates.NAME, 465, client_context(), resumption, here)
    handshake = asyncio.create_task(stream.start_tls(trust, Security.IMPLICIT_TLS))
    flights = b""
    while not handshake.done():
        await asyncio.sleep(0)
        incoming.write(bytes(pipe.sent))
        pipe.sent.clear()
        with suppress(ssl.SSLWantReadError):
            server.do_handshake()
        flight = outgoing.read()
        flights += flight
        if flight:
            stream.data_received(flight)
    await handshake
    pipe.sent.clear()
    return stream, pipe, flights[11:43]


async def fault_after(stream):
    """How reading lines ends."""
    while True:
        await stream.read_line()


def records_of(kind, context, key_log, server_random):
    if context.maximum_version is ssl.TLSVersion.TLSv1_2:
        return Tls12Records(key_log, server_random)
    return Tls13Records(key_log)


def grown(seal, content, kind):
    """As much of it as a session may receive, and some more."""
    flood = bytearray()
    while len(flood) < MAX_SESSION_BYTES + 1024:
        flood += seal(content(), kind)
    return bytes(flood)


V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
FLOODS = {
    "tickets": (V13, lambda: ticket(200), HANDSHAKE),
    "large tickets": (V13, lambda: ticket(16_000), HANDSHAKE),
    "key updates": (V13, lambda: KEY_UPDATE, HANDSHAKE),
    "key updates that want an answer": (V13, lambda: KEY_UPDATE_WANTED, HANDSHAKE),
    "tickets of one octet": (V13, lambda: ticket(1), HANDSHAKE),
    "one octet each": (V13, lambda: b"x", 23),
    "no octet each": (V13, lambda: b"", 23),
    "warnings": (V12, lambda: b"\x01\x5a", ALERT),
    "requests to renegotiate": (V12, lambda: HELLO_REQUEST, HANDSHAKE),
    "one octet each in TLS 1.2": (V12, lambda: b"x", 23),
    "no octet each in TLS 1.2": (V12, lambda: b"", 23),
    "lines of one octet": (V13, lambda: b"\n", 23),
}


async def measure(flood, arrival, tmp_path):
    """Seconds of CPU in all, the longest stretch, what was answered, and how reading ended."""
    version, content, kind = FLOODS[flood]
    key_log = tmp_path / f"keys-{time.monotonic_ns()}"
    context = logging_keys(certificates.only_version(version), key_log)
    stream, pipe, server_random = await connected(context)
    octets = grown(records_of(kind, context, key_log, server_random), content, kind)
    reading = asyncio.ensure_future(fault_after(stream))
    stretches = []
    for start in range(0, len(octets), arrival):
        await asyncio.sleep(0)
        if reading.done() or not pipe.reading:
            break
        before = time.thread_time()
        stream.data_received(octets[start : start + arrival])
        await asyncio.sleep(0)
        stretches.append(time.thread_time() - before)
    stream.eof_received()
    (ended,) = await asyncio.gather(reading, return_exceptions=True)
    return sum(stretches), max(stretches), len(pipe.sent), ended


@pytest.mark.parametrize("arrival", [1400, ARRIVAL_BYTES])
@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_records_costs_the_loop_little(flood, arrival, tmp_path):
    def share():
        whole, longest, answered, ended = asyncio.run(measure(flood, arrival, tmp_path))
        assert answered <= MAX_ANSWER_BYTES
        assert ended.code in (Code.RESPONSE_TOO_LARGE, Code.TLS_HANDSHAKE_FAILED)
        return max(whole / MOST_SECONDS, longest / LONGEST_STRETCH_SECONDS)

    assert_within(1, share)
