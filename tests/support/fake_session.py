"""A session with a script in place of a connection: both halves of a dialogue, written out.

    S: 220 mail.test ready       what the server says, once everything above it has happened
    C: EHLO probe.test           what the client must say next, to the octet
    TLS                          the client must start TLS here
    EOF                          the server hangs up

Where the client waits for a server that has nothing more to say, time runs out. Tags: the script
writes `A1`, `A2`; the client's random letters, new for each number, stand for the `A`.
"""

import re
from contextlib import asynccontextmanager
from textwrap import dedent

from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from worker.probing.errors import DeadlineFault, NetworkFault, ProtocolFault, TlsFault
from worker.probing.target import Credential, CredentialKind, ProbePlan, Protocol, Target
from worker.probing.transcript import HIDDEN

_CLIENT_TAG = re.compile(rb"([A-Z]{6})([0-9]+)(?= )")
_SCRIPT_TAG = re.compile(rb"\AA([0-9]+)(?= )")


class FakeTimeline:
    def __init__(self):
        self.entered = []
        self.skipped = []

    def skip(self, name):
        self.skipped.append(name)


class FakeSession:
    """`said` is what the client said in all, `shown` what the transcript would show of it."""

    host = "mail.test"
    port = 587

    def __init__(self, script, *, secure=True):
        lines = dedent(script).strip("\n").encode("latin-1").split(b"\n")
        self._script = [line for line in lines if line]
        self._buffer = b""
        self._unfinished = b""
        self.tags = {}
        self.secure = secure
        self.timeline = FakeTimeline()
        self.said = []
        self.shown = []
        self.replies = []
        self.last_line = None

    @property
    def is_over(self):
        """Whether everything in the script has happened."""
        return not self._script and not self._buffer

    @asynccontextmanager
    async def phase(self, name):
        self.timeline.entered.append(name)
        yield

    async def read_line(self):
        while b"\n" not in self._buffer:
            self._hear()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r")

    async def read_exactly(self, count):
        while len(self._buffer) < count:
            self._hear()
        octets, self._buffer = self._buffer[:count], self._buffer[count:]
        return octets

    def require_silence(self):
        if self._pending:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "the server spoke out of turn")

    async def send_line(self, line):
        self.shown.append(self._unprefixed(line).decode("latin-1"))
        self._say(line)

    def hold_line(self, line):
        self.shown.append(self._unprefixed(line).decode("latin-1"))
        self._say(line)

    def hold_hidden_line(self, line, shown):
        self.shown.append(self._unprefixed(shown.encode()).decode())
        self._say(line)

    async def send_hidden_line(self, line, shown, *, secret):
        self.shown.append(self._unprefixed(shown.encode()).decode())
        self._say(line)

    async def send_secret_literal(self, octets):
        self.shown.append(HIDDEN)
        self._unfinished += octets

    def record_reply(self, lines):
        assert lines
        self.replies.append(list(lines))

    async def start_tls(self):
        if self._pending:
            raise TlsFault(Code.STARTTLS_INJECTION, "plain text after the go-ahead")
        assert self._script.pop(0) == b"TLS", "TLS where the script has none"
        self.secure = True

    def send_last_line(self, line):
        self.last_line = self._unprefixed(line)
        if self._script and self._script[0] == b"C: " + self.last_line:
            self._script.pop(0)

    @property
    def _pending(self):
        return bool(self._buffer) or bool(self._script and self._script[0].startswith(b"S: "))

    def _hear(self):
        entry = self._script[0] if self._script else b""
        if entry == b"EOF":
            raise NetworkFault(Code.CONNECTION_CLOSED, "the server hung up")
        if not entry.startswith(b"S: "):
            raise DeadlineFault(Code.DEADLINE_EXCEEDED, "the server has no more to say")
        self._script.pop(0)
        self._buffer += _SCRIPT_TAG.sub(self._tag, entry[3:]) + b"\r\n"

    def _say(self, line):
        assert not set(b"\r\n\0") & set(line), line
        said = self._unprefixed(self._unfinished + line)
        self._unfinished = b""
        self.said.append(said)
        expected = self._script.pop(0) if self._script else b"nothing"
        assert expected == b"C: " + said, f"the client said {said!r}, the script has {expected!r}"

    def _tag(self, match):
        return self.tags.get(match[1], match[0])

    def _unprefixed(self, line):
        match = _CLIENT_TAG.match(line)
        if match:
            self.tags[match[2]] = match[0]
        return _CLIENT_TAG.sub(rb"A\2", line, count=1) if match else line


def credential(user="user@mail.test", secret="pa55 wörd", kind=CredentialKind.PASSWORD):
    return Credential(user, SecretStr(secret), kind)


def plan(protocol=Protocol.SMTP, security=Security.IMPLICIT_TLS, login=None, sender=None):
    return ProbePlan(protocol, Target("mail.test", 587, security), login, sender)


PHASES_OF_LOGIN = [PhaseName.GREETING, PhaseName.CAPABILITY, PhaseName.AUTH]


async def derive_here(work, _iterations):
    """Compute a key in place: a dialogue of a test has nothing else going on."""
    return work()
