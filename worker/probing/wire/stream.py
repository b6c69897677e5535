"""One connection as bytes: bounded buffer, TLS on top, faults instead of foreign exceptions.

No method knows a time: the caller's phase does (see timeline.py), and cancels what waits.

TLS is computed on the event loop, but for the handshake, where a stranger's keys decide what that
takes: it runs in threads of its own (see `handshakes`). An OpenSSL object that a thread works on
must not be touched, not even to send the last line of a cancelled probe (see `channel`).
What keeps the loop free otherwise are the limits below.
"""

import asyncio
import ssl
from typing import Final, cast

from producer.contract.codes import Code
from producer.contract.report import Security
from worker.probing.errors import NetworkFault, ProbeFault, ProtocolFault, TlsFault
from worker.probing.wire.channel import TlsChannel, looks_like_tls
from worker.probing.wire.records import UnfinishedRecord
from worker.probing.wire.trust import Trust

MAX_LINE_BYTES: Final = 8 * 1024
MAX_SESSION_BYTES: Final = 256 * 1024
"""All that one session may receive, TLS records included."""

MAX_HANDSHAKE_BYTES: Final = 16 * 1024
"""All that a server may send up to the end of the handshake. Certificate chains have 2 to 10 kB.

OpenSSL takes 100 kB, and decodes every key in it at one go.
"""

MAX_HANDSHAKE_ARRIVALS: Final = 128
"""In how many pieces: each is a step in another thread, some 80 us. Usual are three."""

MAX_TLS_OVERHEAD_BYTES: Final = 12 * 1024
"""What a server may send after the handshake beyond plain bytes: tickets, alerts, record heads.

Usual are 0.5 kB of tickets. The dearest, updates of keys (RFC 8446, section 4.6.3), take 20 us for
each 27 bytes.
"""

MAX_ARRIVALS: Final = 4096
"""How often bytes may come in. Each costs some 25 us: octet by octet a session would be 6 s."""

_HIGH_WATER_BYTES: Final = 2 * MAX_LINE_BYTES
"""Unread plain bytes from which on the socket is left alone."""

_PORTION_BYTES: Final = 2 * 1024
"""Fed to OpenSSL at a time: what may be taken beyond a limit."""


class Stream(asyncio.Protocol):
    """Bytes of one connection, plain or decrypted, never both in one buffer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._searched = 0
        self._received = 0
        self._arrivals = 0
        self._received_in_clear = self._arrivals_in_clear = 0
        self._overhead = 0  # TLS bytes after the handshake that were no words
        self._channel: TlsChannel | None = None
        self._unfinished = UnfinishedRecord()
        self._handshaken = False
        self._ended = False
        self._lost: Exception | None = None
        self._fault: ProbeFault | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._writing_paused = False

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once, with the raw TCP transport."""
        self._transport = cast("asyncio.Transport", transport)
        # Any byte that the kernel did not take counts: a send ends when all were handed over.
        self._transport.set_write_buffer_limits(high=0)

    def data_received(self, data: bytes) -> None:
        """Called with bytes from the wire."""
        self._received += len(data)
        self._arrivals += 1
        if excess := self._excess():
            self._set_fault(excess)
            self._pause_reading()
        elif self._channel is None:
            self._buffer += data
        elif self._handshaken:
            self._decrypt(self._channel, data)
            self._raw_write(self._channel.outgoing())  # the answer to a KeyUpdate, or an alert
        else:
            self._unfinished.feed(data)
            self._channel.feed(data)
        if len(self._buffer) >= _HIGH_WATER_BYTES:
            self._pause_reading()
        self._wake(self._reader)

    def eof_received(self) -> bool:
        """The peer will send no more. True: the transport stays open for our last line."""
        self._ended = True
        if self._channel is not None:
            self._channel.feed_eof()
        self._wake(self._reader)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._ended = True
        self._lost = exc
        self._wake(self._reader)
        self._wake(self._writer)

    def pause_writing(self) -> None:
        """The kernel takes no more bytes for now."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        """All bytes were handed to the kernel."""
        self._writing_paused = False
        self._wake(self._writer)

    # What a session calls.

    @property
    def pending(self) -> int:
        """Bytes received and not read yet."""
        return len(self._buffer)

    @property
    def silent(self) -> bool:
        """True until the server has sent anything at all."""
        return not self._received

    @property
    def speaks_tls(self) -> bool:
        """True once the server has sent TLS records to this side's TLS."""
        return self._channel is not None and not self._channel.silent

    @property
    def tls_overhead_bytes(self) -> int:
        """What has come since the handshake beside plain bytes: session tickets for the most."""
        return self._overhead

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """What knows the TLS handshake, failed or not; None in clear text."""
        return None if self._channel is None else self._channel.ssl_object

    async def read_line(self) -> bytes:
        """One complete line without its CRLF (or LF: old servers send it).

        Raises RESPONSE_TOO_LARGE; CONNECTION_CLOSED, also where an unfinished line is left;
        TLS_MODE_MISMATCH where TLS records come in clear text; any fault of the TLS underneath.
        """
        while (end := self._buffer.find(b"\n", self._searched)) < 0:
            self._searched = len(self._buffer)
            if self._searched > MAX_LINE_BYTES:
                raise _too_large("line", MAX_LINE_BYTES)
            if self._channel is None and looks_like_tls(self._buffer[:2]):
                raise _tls_in_clear()
            await self._wait_for_bytes()
        if end > MAX_LINE_BYTES:
            raise _too_large("line", MAX_LINE_BYTES)
        line = self._take(end + 1)
        return line[:-2] if line.endswith(b"\r\n") else line[:-1]

    async def read_exactly(self, count: int) -> bytes:
        """`count` octets, faults as of `read_line`. The caller bounds `count`."""
        while len(self._buffer) < count:
            await self._wait_for_bytes()
        return self._take(count)

    async def send(self, data: bytes) -> None:
        """Return when the kernel has taken all of `data`; a zero window holds this up."""
        if self._channel is None:
            await self._write(data)
        else:
            self._channel.write(data)
            await self._write(self._channel.outgoing())

    async def start_tls(self, trust: Trust, mode: Security) -> None:
        """Handshake. Nothing may be unread. Raises TlsFault or NetworkFault.

        A session kept for the server is offered to be resumed. After STARTTLS it is for us to
        speak: our last flight goes out with the next `send`.
        """
        channel = TlsChannel(trust.context, trust.host, mode, trust.resumption.offer())
        if self._buffer:
            self._buffer.clear()  # never data, whoever may still ask
            raise channel.plaintext_fault()
        self._channel = channel
        self._received_in_clear, self._arrivals_in_clear = self._received, self._arrivals
        try:
            while True:
                seen = self._received
                if await channel.advance_elsewhere(trust.elsewhere):
                    break
                await self._write(channel.outgoing())
                if seen == self._received:  # else more came while the kernel took ours
                    await self._wait_for_handshake(channel)
            self._handshaken = True
        finally:
            if not (self._handshaken and mode is Security.STARTTLS):
                self._raw_write(channel.outgoing())  # an alert, or our last flight
        self._decrypt(channel)

    def say(self, data: bytes) -> bool:
        """Write without waiting and without fault; False if the connection takes no more."""
        if self._channel is None:
            return self._raw_write(data)
        if not self._handshaken:
            return False  # a write would take the handshake on that was just given up
        try:
            self._channel.write(data)
        except TlsFault:
            return False
        self._channel.end()
        return self._raw_write(self._channel.outgoing())

    def close(self) -> None:
        """Let go of the socket. What the kernel has not taken by now is lost."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size():
            self._transport.abort()
        else:
            self._transport.close()

    # Inside.

    def _excess(self) -> ProbeFault | None:
        """What is too much now that more has come: to be asked before the bytes are used."""
        if self._received > MAX_SESSION_BYTES:
            return _too_large("session", MAX_SESSION_BYTES)
        if self._arrivals > MAX_ARRIVALS:
            return _too_many_pieces("what it said", MAX_ARRIVALS)
        if self._channel is not None and not self._handshaken:
            handshake_bytes = self._received - self._received_in_clear
            if handshake_bytes > MAX_HANDSHAKE_BYTES:
                return _too_large("TLS handshake", MAX_HANDSHAKE_BYTES)
            if self._arrivals - self._arrivals_in_clear > MAX_HANDSHAKE_ARRIVALS:
                return _too_many_pieces("its TLS handshake", MAX_HANDSHAKE_ARRIVALS)
        return None

    def _decrypt(self, channel: TlsChannel, data: bytes = b"") -> None:
        """Take what TLS records hold; `data` in portions, or the limit would come too late."""
        for start in range(0, max(1, len(data)), _PORTION_BYTES):
            portion = data[start : start + _PORTION_BYTES]
            self._unfinished.feed(portion)
            channel.feed(portion)
            plain = channel.read()
            self._buffer += plain
            self._overhead += len(portion) - len(plain)
            # What has come of an unfinished record may turn out to be words.
            overhead = self._overhead - self._unfinished.size
            if channel.fault is None and overhead > MAX_TLS_OVERHEAD_BYTES:
                self._set_fault(_too_large("TLS stream without words", MAX_TLS_OVERHEAD_BYTES))
                self._pause_reading()
            if self._fault is not None:
                break
        if channel.fault is not None:
            self._set_fault(channel.fault)
        self._ended = self._ended or channel.ended

    async def _wait_for_handshake(self, channel: TlsChannel) -> None:
        try:
            await self._wait_for_bytes()
        except NetworkFault as fault:
            if channel.silent:
                raise
            detail = "the server broke off the TLS handshake"
            raise TlsFault(Code.TLS_HANDSHAKE_FAILED, detail) from fault

    async def _wait_for_bytes(self) -> None:
        """Return when something has come since the call. Raises what stands in the way."""
        if self._fault is not None:
            raise self._fault
        if self._ended:
            raise self._closed()
        if self._reading_paused and self._transport is not None:
            self._reading_paused = False
            self._transport.resume_reading()
        self._reader = self._loop.create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    async def _write(self, data: bytes) -> None:
        self._raw_write(data)
        while self._writing_paused and not self._ended:
            self._writer = self._loop.create_future()
            try:
                await self._writer
            finally:
                self._writer = None

    def _raw_write(self, data: bytes) -> bool:
        # After the end nothing is written: the next read tells why, and what was said before it.
        if not data or self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._searched = 0
        return taken

    def _pause_reading(self) -> None:
        if not self._reading_paused and self._transport is not None and not self._ended:
            self._reading_paused = True
            self._transport.pause_reading()

    def _set_fault(self, fault: ProbeFault) -> None:
        self._fault = self._fault or fault

    def _closed(self) -> NetworkFault:
        how = "reset" if isinstance(self._lost, ConnectionResetError) else "closed"
        return NetworkFault(Code.CONNECTION_CLOSED, f"the server {how} the connection")

    @staticmethod
    def _wake(future: "asyncio.Future[None] | None") -> None:
        if future is not None and not future.done():
            future.set_result(None)


def _too_large(what: str, limit: int) -> ProtocolFault:
    detail = f"the server sent a {what} of more than {limit} bytes"
    return ProtocolFault(Code.RESPONSE_TOO_LARGE, detail)


def _too_many_pieces(what: str, limit: int) -> ProtocolFault:
    detail = f"the server sent {what} in more than {limit} pieces"
    return ProtocolFault(Code.RESPONSE_TOO_LARGE, detail)


def _tls_in_clear() -> TlsFault:
    detail = "the server speaks TLS where a plain greeting is due: this port wants implicit TLS"
    return TlsFault(Code.TLS_MODE_MISMATCH, detail)
