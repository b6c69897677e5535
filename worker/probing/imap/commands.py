"""Commands out, responses in: a session with IMAP's framing and our tags."""

import secrets
import string
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.errors import AuthFault, ProtocolFault
from worker.probing.imap.capability import Capabilities, find_capabilities
from worker.probing.imap.response import CONTINUATION, UNTAGGED, Response, ResponseReader
from worker.probing.printable import words_of
from worker.probing.sasl.success import require_plain_yes
from worker.probing.target import Protocol, Refusal
from worker.probing.wire.session import Session

_TAG_LETTERS: Final = 6
_LETTERS: Final = (string.ascii_uppercase * 10)[:256].encode("ascii")

_REFUSAL_CODES: Final = frozenset(
    {"AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN"}
    | {"NOPERM", "UNAVAILABLE", "NONEXISTENT", "LIMIT", "CLIENTBUG", "SERVERBUG", "CANNOT"}
)
"""Of RFC 5530: beside OK they contradict it."""

_ALERTING: Final = frozenset({"ALERT", "WEBALERT"})


class Completion:
    """What came in answer to a command: the condition that ended it and the data before it."""

    def __init__(self, end: Response, untagged: list[Response]) -> None:
        self.end = end
        self._untagged = untagged

    @property
    def ok(self) -> bool:
        return self.end.condition == "OK"

    @property
    def is_continuation(self) -> bool:
        """The command has not ended: the server waits for more of it."""
        return self.end.tag == CONTINUATION

    @property
    def capabilities(self) -> Capabilities | None:
        """The last that were told, None where there were none."""
        told = (find_capabilities(response) for response in (self.end, *reversed(self._untagged)))
        return next((capabilities for capabilities in told if capabilities), None)

    def require_plain_yes(self, user: str = "") -> None:
        """Raise AUTH_UNPROVEN for an OK whose code or words say that the command failed."""
        if self.end.code in _REFUSAL_CODES:
            raise AuthFault(Code.AUTH_UNPROVEN, f"the server said OK with [{self.end.code}]")
        require_plain_yes(self.end.words, user)

    def as_refusal(self, phase: PhaseName, *, reason: str = "") -> Refusal:
        """Build the refusal; an alert before it says why, more often than its own words."""
        alerts = [response for response in self._untagged if response.code in _ALERTING]
        # In the case it was sent: base64 in another case is no longer seen to be an echo.
        code = self.end.atom or next((alert.atom for alert in alerts), "")
        said = words_of(b"\n".join(filter(None, (one.text for one in (*alerts, self.end)))))
        text = "\n".join(filter(None, (said, reason)))
        return Refusal(Protocol.IMAP, phase, self.end.condition, code or None, text)


class Commands:
    """One session's commands. Each tag is random: nobody can answer what was not yet sent.

    A server that says OK for a tag beforehand made clients believe in STARTTLS that never was
    (CVE-2026-42246 of net-imap). The number at its end is for people who read a transcript.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self._count = 0
        self._open: set[bytes] = set()

    def next_tag(self) -> bytes:
        self._count += 1
        tag = b"%b%d" % (secrets.token_bytes(_TAG_LETTERS).translate(_LETTERS), self._count)
        self._open.add(tag)
        return tag

    def hold(self, command: bytes) -> None:
        """Let a command go out with the next one, in the same flight."""
        self.session.hold_line(self.next_tag() + b" " + command)

    async def send(self, command: bytes) -> bytes:
        """Send a command; return its tag."""
        tag = self.next_tag()
        await self.session.send_line(tag + b" " + command)
        return tag

    async def run(self, command: bytes) -> Completion:
        return await self.complete(await self.send(command))

    async def complete(self, tag: bytes) -> Completion:
        """Read up to the end of the command with this tag, or to BYE. A `+` breaks the protocol."""
        completion = await self.step(tag)
        if completion.is_continuation:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "a continuation that nothing asked for")
        return completion

    async def step(self, tag: bytes) -> Completion:
        """As `complete`, but a continuation is an end, too.

        Untagged data may come at any time and is passed over; the session's caps bound it. It all
        goes to the transcript as one unit, so that an echo cannot hide in two lines.
        """
        lines: list[bytes] = []
        untagged: list[Response] = []
        try:
            while True:
                response = await self.read(ResponseReader(), lines)
                if response.condition == "PREAUTH":
                    raise ProtocolFault(Code.PROTOCOL_ERROR, "a second greeting")
                if response.tag == UNTAGGED and response.condition != "BYE":
                    untagged.append(response)
                elif response.tag in (tag, CONTINUATION, UNTAGGED):
                    self._open.discard(response.tag)
                    return Completion(response, untagged)
                elif response.tag in self._open:  # of a command that was pipelined before
                    self._open.discard(response.tag)
                else:
                    raise ProtocolFault(Code.PROTOCOL_ERROR, "a response to a tag never sent")
        finally:
            if lines:
                self.session.record_reply(lines)

    async def read(self, reader: ResponseReader, lines: list[bytes]) -> Response:
        """Read one response, and add it to `lines` as far as it came."""
        try:
            while (response := reader.feed_line(await self.session.read_line())) is None:
                reader.feed_literal(await self.session.read_exactly(reader.literal_octets))
        finally:
            if reader.lines:
                lines.append(b"".join(reader.lines))
        return response
