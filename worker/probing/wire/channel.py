"""TLS without I/O: encrypted bytes in and out, plain bytes in and out.

asyncio's own TLS (`start_tls`, streams) hands plaintext that came before the handshake to the
reader as if it had come over TLS, on uvloop too. Here the two kinds of bytes never share a buffer,
and both event loops behave alike.
"""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import Security
from worker.probing.errors import TlsFault
from worker.probing.wire.server_hello import takes_up_session
from worker.probing.wire.tls import tls_fault

_READ_BYTES: Final = 64 * 1024

RunInThread = Callable[[Callable[[], bool]], Awaitable[bool]]
"""Calls a step of a handshake in another thread (see `handshakes`)."""


def looks_like_tls(start: bytes | bytearray) -> bool:
    """Tell whether a server's first bytes are a TLS record: an alert or a handshake message.

    RFC 8446, section 5.1. No greeting starts so.
    """
    return bool(start) and start[0] in (0x15, 0x16) and (len(start) < 2 or start[1] == 3)


class TlsChannel:
    """The client's side of one TLS connection.

    `fault` is what broke it, to be raised once the bytes that came before are used up; `ended`: the
    server has sent close_notify.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        server_name: str,
        security: Security,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        # An IP literal is compared with iPAddress names, and OpenSSL sends no SNI for it.
        self.ssl_object = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_name, session=session
        )
        self._security = security
        self._flights = 0
        self._writes = 0
        self.silent = True
        """Until the server has sent a byte."""
        self._heard = False
        self._keyless = False
        self._in_thread = False
        self._fed_meanwhile = b""
        self._eof = False
        self.fault: TlsFault | None = None
        self.ended = False

    def feed(self, data: bytes) -> None:
        if data and self.silent and not looks_like_tls(data):
            self.fault = self.plaintext_fault(data)
            return
        if self.silent and data:
            self.silent = False
            self._keyless = takes_up_session(data)
        if self._in_thread:
            self._fed_meanwhile += data
        elif data:  # after the end not even no bytes can be written
            self._incoming.write(data)

    def feed_eof(self) -> None:
        """The wire ended. Bytes fed before can still be read."""
        self._eof = True
        if not self._in_thread:
            self._incoming.write_eof()

    def advance(self) -> bool:
        """Take the handshake as far as the bytes fed allow; True when done. Raises TlsFault."""
        if self.fault is None:
            try:
                self.ssl_object.do_handshake()
            except ssl.SSLError as error:
                if _lacks_bytes(error):
                    return False
                self._break(error)
        if self.fault is not None:
            raise self.fault
        return True

    async def advance_in_thread(self, run: RunInThread) -> bool:
        """As `advance`, in another thread once the server has spoken and may have sent keys.

        Nothing else touches OpenSSL's objects while that thread may be at work: what comes is kept
        for later. If the caller is cancelled, the channel must never be used again.
        """
        if self.silent or self._keyless:
            return self.advance()
        self._in_thread = True
        try:
            done = await run(self.advance)
        except TlsFault:
            self._leave_thread()
            raise
        self._leave_thread()
        return done

    def _leave_thread(self) -> None:
        self._in_thread = False
        if self._fed_meanwhile:
            self._incoming.write(self._fed_meanwhile)
            self._fed_meanwhile = b""
        if self._eof:
            self._incoming.write_eof()

    def read(self) -> bytes:
        """All plain bytes that the bytes fed hold. Empty: more are needed, or `fault`, or the end.

        A reply that lacks its last line is none, whether or not close_notify came behind it.
        """
        chunks = []
        try:
            # OpenSSL takes whole records: with nothing pending it would raise, which costs time.
            while self._incoming.pending and not self.ended:
                chunk = self.ssl_object.read(_READ_BYTES)
                self.ended = not chunk
                self._heard = self._heard or bool(chunk)
                chunks.append(chunk)
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            # With TLS 1.3 a server that wants a client certificate says so only here.
            if not _lacks_bytes(error):
                self._break(error)
        self._free_write_buffer()
        return b"".join(chunks)

    def _free_write_buffer(self) -> None:
        """Write nothing: no byte goes out, and OpenSSL lets go of 16 kB.

        It takes them for the handshake and for session tickets, and would keep them until we next
        say something: a quarter of a job that waits for its greetings.
        """
        if self._writes < 2:  # after our second line no ticket is to be expected
            with suppress(ssl.SSLError):
                self.ssl_object.write(b"")

    def write(self, data: bytes) -> None:
        """Encrypt `data` for `outgoing`. Raises TlsFault."""
        self._writes += 1
        try:
            self.ssl_object.write(data)
        except ssl.SSLError as error:
            self._break(error)
        if self.fault is not None:
            raise self.fault

    def end(self) -> None:
        """Put close_notify behind what is still to be sent; the peer's own is not waited for."""
        try:
            self.ssl_object.unwrap()
        except (ssl.SSLError, ValueError):
            return

    def outgoing(self) -> bytes:
        """Bytes that have to go onto the wire now; none while another thread makes them."""
        if self._in_thread:
            return b""
        data = self._outgoing.read()
        self._flights += bool(data)
        return data

    def _break(self, error: ssl.SSLError) -> None:
        if self.fault is None:
            agreed = self.ssl_object.cipher() is not None
            # A server that lets us in and talks to us asks for no certificate, or took ours.
            answered = self._flights > 1 and not self._heard
            self.fault = tls_fault(error, agreed=agreed, answered=answered)

    def plaintext_fault(self, said: bytes) -> TlsFault:
        """What plain text means where TLS is due: an injection, or a port of the other mode."""
        if self._security is Security.STARTTLS:
            detail = "plain text came after the server's go-ahead for TLS"
            return TlsFault(Code.STARTTLS_INJECTION, detail)
        detail = "the server answered TLS with plain text: this port may want STARTTLS"
        hint = "plain_greeting" if said.startswith((b"220", b"* OK")) else None
        return TlsFault(Code.TLS_MODE_MISMATCH, detail, hint=hint)


def _lacks_bytes(error: ssl.SSLError) -> bool:
    """Tell whether OpenSSL has too few bytes. That no more will come, the stream knows.

    Debian 12's Python 3.11.2 has no exception of its own for the end of the wire.
    """
    return (
        isinstance(error, (ssl.SSLWantReadError, ssl.SSLEOFError))
        or error.reason == "UNEXPECTED_EOF_WHILE_READING"
    )
