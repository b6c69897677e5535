"""One connection as bytes: bounded buffer, TLS on top, faults instead of foreign exceptions.

No method takes a timeout: the caller's phase has a deadline (timeline.py), and cancels what waits.

TLS is computed on the event loop, but for the handshake, where a stranger's keys decide what that
takes: it runs in threads of its own (see `handshakes`). An OpenSSL object that a thread works on
must not be touched, not even to send the last line of a cancelled probe (see `channel`).
What keeps the loop free otherwise are the limits of `allowance`.
"""

import ssl
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import Security
from worker.probing.errors import NetworkFault, ProbeFault, TlsFault
from worker.probing.wire.allowance import MAX_LINE_BYTES, Allowance, too_large
from worker.probing.wire.channel import TlsChannel, looks_like_tls
from worker.probing.wire.flow import Flow
from worker.probing.wire.trust import Trust

_HIGH_WATER_BYTES: Final = 2 * MAX_LINE_BYTES
"""Unread plain bytes from which on the socket is left alone."""

_PORTION_BYTES: Final = 2 * 1024
"""Fed to OpenSSL at a time: what may be taken beyond a limit."""


class Stream(Flow):
    """Bytes of one connection, plain or decrypted, never both in one buffer."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = bytearray()
        self._searched = 0
        self._line_awaited = False
        self._allowance = Allowance()
        self._channel: TlsChannel | None = None
        self._handshaken = False
        self._fault: ProbeFault | None = None

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        in_handshake = self._channel is not None and not self._handshaken
        if excess := self._allowance.count(len(data), in_handshake=in_handshake):
            self._refuse(excess)
        elif self._channel is None:
            self._buffer += data
        elif self._handshaken:
            self._decrypt(self._channel, data)
            self.write_soon(self._channel.outgoing())  # the answer to a KeyUpdate, or an alert
        else:
            self._allowance.follow_records(data)
            self._channel.feed(data)
        if len(self._buffer) >= _HIGH_WATER_BYTES:
            self.pause_reading()
        if not self._line_awaited or self._line_may_end():
            self.wake_reader()

    def eof_received(self) -> bool:
        """The peer will send no more. True: the transport stays open for our last line."""
        self.ended = True
        if self._channel is not None:
            self._channel.feed_eof()
        self.wake_reader()
        return True

    # What a session calls.

    @property
    def pending(self) -> int:
        """Bytes received and not read yet."""
        return len(self._buffer)

    @property
    def silent(self) -> bool:
        """True until the server has sent anything at all."""
        return not self._allowance.received

    @property
    def speaks_tls(self) -> bool:
        """True once the server has sent TLS records to this side's TLS."""
        return self._channel is not None and not self._channel.silent

    @property
    def tls_overhead_bytes(self) -> int:
        """What has come since the handshake beside plain bytes: session tickets for the most."""
        return self._allowance.overhead

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
                raise too_large("line", MAX_LINE_BYTES)
            if self._channel is None and looks_like_tls(self._buffer[:2]):
                raise _tls_in_clear()
            await self._wait_for_line()
        if end > MAX_LINE_BYTES:
            raise too_large("line", MAX_LINE_BYTES)
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
            await self.write(data)
        else:
            self._channel.write(data)
            await self.write(self._channel.outgoing())

    async def start_tls(self, trust: Trust, mode: Security) -> None:
        """Handshake. Nothing may be unread. Raises TlsFault or NetworkFault.

        A session kept for the server is offered to be resumed. After STARTTLS it is for us to
        speak: our last flight goes out with the next `send`.
        """
        channel = TlsChannel(trust.context, trust.host, mode, trust.resumption.offer())
        if self._buffer:
            said = self._take(len(self._buffer))  # never data, whoever may still ask
            raise channel.plaintext_fault(said)
        self._channel = channel
        self._allowance.start_handshake()
        try:
            while True:
                seen = self._allowance.received
                if await channel.advance_in_thread(trust.run_in_thread):
                    break
                await self.write(channel.outgoing())
                if seen == self._allowance.received:  # else more came while the kernel took ours
                    await self._wait_for_handshake(channel)
            self._handshaken = True
        finally:
            if not (self._handshaken and mode is Security.STARTTLS):
                self.write_soon(channel.outgoing())  # an alert, or our last flight
        self._decrypt(channel)

    def say(self, data: bytes) -> bool:
        """Write without waiting and without fault; False if the connection takes no more."""
        if self._channel is None:
            return self.write_soon(data)
        if not self._handshaken:
            return False  # a write would take the handshake on that was just given up
        try:
            self._channel.write(data)
        except TlsFault:
            return False
        self._channel.end()
        return self.write_soon(self._channel.outgoing())

    # Inside.

    def _decrypt(self, channel: TlsChannel, data: bytes = b"") -> None:
        """Take what TLS records hold; `data` in portions, or the limit would come too late."""
        for start in range(0, max(1, len(data)), _PORTION_BYTES):
            portion = data[start : start + _PORTION_BYTES]
            self._allowance.follow_records(portion)
            channel.feed(portion)
            plain = channel.read()
            self._buffer += plain
            excess = self._allowance.count_decrypted(len(portion), len(plain))
            if excess is not None and channel.fault is None:
                self._refuse(excess)
            if self._fault is not None:
                break
        if channel.fault is not None:
            self._set_fault(channel.fault)
        self.ended = self.ended or channel.ended

    async def _wait_for_handshake(self, channel: TlsChannel) -> None:
        try:
            await self._wait_for_bytes()
        except NetworkFault as fault:
            if channel.silent:
                raise
            detail = "the server broke off the TLS handshake"
            raise TlsFault(Code.TLS_HANDSHAKE_FAILED, detail) from fault

    async def _wait_for_line(self) -> None:
        """As `_wait_for_bytes`, but bytes that do not end the line do not wake the task.

        To wake it for each would be half of what a server costs that sends octet by octet.
        """
        self._line_awaited = True
        try:
            await self._wait_for_bytes()
        finally:
            self._line_awaited = False

    def _line_may_end(self) -> bool:
        """Tell whether there is anything for `read_line` to return or to raise."""
        buffer, searched = self._buffer, self._searched
        return (
            self._fault is not None
            or self.ended
            or len(buffer) > MAX_LINE_BYTES
            or buffer.find(b"\n", searched) >= 0
            or (self._channel is None and looks_like_tls(buffer[:2]))
        )

    async def _wait_for_bytes(self) -> None:
        """Return when something has come since the call. Raises what stands in the way."""
        if self._fault is not None:
            raise self._fault
        if self.ended:
            raise self._closed()
        await self.wait_for_reading()

    def _take(self, count: int) -> bytes:
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        self._searched = 0
        return taken

    def _refuse(self, fault: ProbeFault) -> None:
        """Fail the next read, and take no more from the kernel."""
        self._set_fault(fault)
        self.pause_reading()

    def _set_fault(self, fault: ProbeFault) -> None:
        self._fault = self._fault or fault

    def _closed(self) -> NetworkFault:
        how = "reset" if isinstance(self.lost, ConnectionResetError) else "closed"
        return NetworkFault(Code.CONNECTION_CLOSED, f"the server {how} the connection")


def _tls_in_clear() -> TlsFault:
    detail = "the server speaks TLS where a plain greeting is due: this port wants implicit TLS"
    return TlsFault(Code.TLS_MODE_MISMATCH, detail, hint="tls_greeting")
