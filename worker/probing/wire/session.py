"""What a dialogue sees of a connection: lines, limits, the transcript. No sockets above here."""

import re
from collections.abc import Sequence
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security, TlsFacts
from worker.probing.errors import ProbeFault, ProtocolFault, TlsFault
from worker.probing.timeline import RunningPhase, Timeline
from worker.probing.transcript import HIDDEN, Transcript
from worker.probing.wire.certificate import Handshake, read_handshake, tls_facts
from worker.probing.wire.stream import Stream
from worker.probing.wire.trust import Trust

MAX_REPLY_BYTES: Final = 64 * 1024
MAX_REPLY_LINES: Final = 200
MAX_LITERAL_BYTES: Final = 4 * 1024

SILENT_GREETING: Final = "silent_greeting"
"""Hint that the port may want implicit TLS: it waits for our ClientHello, we for its greeting."""

_BREAKER: Final = re.compile(rb"[\r\n\0]")


class Session:
    """One connection to one target. `host` is the normalised name, `port` as asked for."""

    def __init__(
        self,
        stream: Stream,
        trust: Trust,
        timeline: Timeline,
        transcript: Transcript,
        *,
        remote_address: str | None = None,
    ) -> None:
        self.host = trust.host
        self.port = trust.port
        self.secure = False
        self.login_sent = False
        self.greeting = b""  # as it was sent: for recognising a provider, not for showing
        self.timeline = timeline
        self.transcript = transcript
        self.remote_address = remote_address
        self._handshake: Handshake | None = None
        self._stream = stream
        self._trust = trust
        self._held = b""
        self._reply_bytes = 0
        self._reply_lines = 0

    @property
    def silent(self) -> bool:
        return self._stream.silent

    @property
    def speaks_tls(self) -> bool:
        """True once the server has answered a ClientHello with TLS, be it an alert."""
        return self._stream.speaks_tls

    @property
    def tls_facts(self) -> TlsFacts | None:
        """What the handshake showed; None where there was none. To be asked for at the end.

        It is searched for secrets together with all that the server said.
        """
        if self._handshake is None:
            return None
        return tls_facts(self._handshake, self.transcript.scrub_certificate)

    def phase(self, name: PhaseName) -> RunningPhase:
        """The timeline's phase; a greeting that never came in clear text gets a hint."""
        if name is PhaseName.GREETING:
            return self.timeline.phase(name, on_overrun=self._hint_at_silence)
        return self.timeline.phase(name)

    def _hint_at_silence(self, fault: ProbeFault) -> None:
        if self._stream.silent:
            fault.hint = SILENT_GREETING

    async def read_line(self) -> bytes:
        """One complete line without its CRLF or LF.

        Raises ProtocolFault RESPONSE_TOO_LARGE (line, reply, session), NetworkFault
        CONNECTION_CLOSED, TlsFault.
        """
        line = await self._stream.read_line()
        self._count(len(line), lines=1)
        return line

    async def read_exactly(self, count: int) -> bytes:
        """The octets of an IMAP literal. Faults as of `read_line`."""
        if count > MAX_LITERAL_BYTES:
            raise _too_large(f"a literal of more than {MAX_LITERAL_BYTES} bytes")
        self._count(count, lines=0)
        return await self._stream.read_exactly(count)

    def require_silence(self) -> None:
        """Raise PROTOCOL_ERROR if the server said something that nobody asked for."""
        if self._stream.pending:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "the server spoke out of turn")

    def record_reply(self, lines: Sequence[bytes]) -> None:
        """Take down a complete reply; the next line read belongs to a new one."""
        self._reply_bytes = self._reply_lines = 0
        if not self.greeting:
            self.greeting = b" ".join(lines)
        self.transcript.server(lines)

    async def send_line(self, line: bytes) -> None:
        """Send one command, CRLF added. The transcript shows it."""
        self.transcript.client(line)
        await self._send(line)

    def hold_line(self, line: bytes) -> None:
        """As `send_line`, but the line goes out with the next one that is sent: pipelining."""
        self.transcript.client(line)
        self._held += _complete(line)

    def hold_hidden_line(self, line: bytes, shown: str) -> None:
        """Hold a line that is not shown as it is, with nothing in it that must never be echoed."""
        self.transcript.client_hidden(shown)
        self._held += _complete(line)

    async def send_hidden_line(self, line: bytes, shown: str, *, secret: bool) -> None:
        """Send a line; the transcript shows `shown` instead.

        `secret`: it is made of the password or token, so a reply must never echo it; or it ends a
        login whose password went before as a literal.
        """
        if secret:
            self.login_sent = True
            self.transcript.hide(line)
        self.transcript.client_hidden(shown)
        await self._send(line)

    async def send_secret_literal(self, octets: bytes) -> None:
        """Send the octets of an IMAP literal: anything but NUL. The line goes on after them."""
        if b"\0" in octets:
            raise ValueError("NUL cannot be in a literal")
        self.transcript.client_hidden(HIDDEN)
        await self._stream.send(octets)

    async def start_tls(self, mode: Security = Security.STARTTLS) -> None:
        """Handshake, as phase TLS of the timeline; after STARTTLS once the server has said go.

        Raises TlsFault: for plain text STARTTLS_INJECTION, or TLS_MODE_MISMATCH where TLS is
        implicit. Facts of the certificate are kept also where the handshake failed for it.
        """
        try:
            async with self.timeline.phase(PhaseName.TLS):
                await self._stream.start_tls(self._trust, mode)
        except TlsFault as fault:
            if fault.code is not Code.STARTTLS_INJECTION:
                self._keep_facts(reason=fault.detail)
            raise
        self.secure = True
        self._keep_facts(reason="")
        shown = self._handshake
        if shown is not None:
            how = "resumed" if shown.resumed else "established"
            self.transcript.event(f"TLS {how}, {shown.version}, {shown.cipher}")

    @property
    def resuming_failed(self) -> bool:
        """Tell whether a handshake that offered the TLS session of an earlier one did not end."""
        return self._trust.resumption.offered and not self.secure

    def keep_tls_session(self) -> None:
        """Let later probes of this server resume what was agreed here."""
        tls, shown = self._stream.ssl_object, self._handshake
        if tls is not None and shown is not None and self.secure:
            extra = self._stream.tls_overhead_bytes
            self._trust.resumption.keep(tls, shown.leaf, extra_bytes=extra)

    def forget_tls_session(self) -> None:
        """Let the next probe of this server do a full handshake."""
        self._trust.resumption.forget()

    def send_last_line(self, line: bytes) -> None:
        """Send the last line of the dialogue, whether or not it arrives. Nothing follows."""
        if self._stream.say(_complete(line)):
            self.transcript.client(line)

    async def close(self) -> None:
        """Let go of the connection, at once and without fault."""
        self._stream.close()

    async def _send(self, line: bytes) -> None:
        self._reply_bytes = self._reply_lines = 0
        held, self._held = self._held, b""
        await self._stream.send(held + _complete(line))

    def _count(self, size: int, *, lines: int) -> None:
        self._reply_bytes += size
        self._reply_lines += lines
        if self._reply_bytes > MAX_REPLY_BYTES or self._reply_lines > MAX_REPLY_LINES:
            raise _too_large(f"a reply of more than {MAX_REPLY_LINES} lines or 64 KiB")

    def _keep_facts(self, *, reason: str) -> None:
        if self._stream.ssl_object is not None:
            resumed = self._trust.resumption.resumed(self._stream.ssl_object)
            self._handshake = read_handshake(
                self._stream.ssl_object, reason=reason, resumed=resumed
            )


def _complete(line: bytes) -> bytes:
    """`line` as it goes onto the wire. The one place where CR and LF are made."""
    if _BREAKER.search(line):
        # Fields with line breaks are refused long before: this check is for our own bugs.
        raise ValueError("a line break or NUL inside a line")
    return line + b"\r\n"


def _too_large(what: str) -> ProtocolFault:
    return ProtocolFault(Code.RESPONSE_TOO_LARGE, f"the server sent {what}")
