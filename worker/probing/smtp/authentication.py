"""AUTH (RFC 4954): one credential, one mechanism, one attempt.

There is a second attempt only where the first cannot count as a refused login: the mechanism, and
nothing else, was refused (504, 534, 538) before any challenge was answered, or the line with the
initial response was too long (500).
"""

from dataclasses import replace
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.errors import AuthFault, ProbeFault, ProtocolFault
from worker.probing.sasl.choice import choose, make_mechanism
from worker.probing.sasl.exchange import Derive, Exchange
from worker.probing.sasl.success import require_plain_yes
from worker.probing.smtp.capability import Capabilities
from worker.probing.smtp.commands import command, hidden_command
from worker.probing.smtp.mechanism_refusal import line_was_too_long, other_mechanism
from worker.probing.smtp.reply import Reply
from worker.probing.target import Answer, Credential, Target
from worker.probing.transcript import HIDDEN
from worker.probing.wire.session import Session

MAX_COMMAND_OCTETS: Final = 512
"""With CRLF. Real servers do refuse a longer AUTH line that they take in two."""


async def authenticate(
    session: Session,
    target: Target,
    credential: Credential,
    capabilities: Capabilities,
    derive: Derive,
) -> Answer:
    """Return the answer to AUTH. Raises ProbeFault."""
    target.require_secure(secure=session.secure)
    async with session.phase(PhaseName.AUTH):
        names = choose(capabilities.mechanisms, credential.kind, secure=session.secure)
        if not names:
            raise _no_mechanism(session, capabilities)
        attempt = _Attempt(session, names[0], credential, derive)
        reply = await attempt.run()
        if attempt.sent_initial_response and line_was_too_long(reply):
            attempt = _Attempt(session, names[0], credential, derive)
            reply = await attempt.run(initial_response=False)
        elif not attempt.begun and (other := other_mechanism(reply, names)):
            attempt = _Attempt(session, other, credential, derive)
            reply = await attempt.run()
        return attempt.conclude(reply)


def _no_mechanism(session: Session, capabilities: Capabilities) -> AuthFault:
    if not session.secure and "STARTTLS" in capabilities:
        return AuthFault(Code.AUTH_REQUIRES_TLS, "the server offers the login under TLS only")
    if not capabilities.mechanisms:
        return AuthFault(Code.AUTH_NOT_OFFERED, "the server offers no AUTH")
    return AuthFault(Code.NO_COMMON_MECHANISM, "the server offers no mechanism that fits")


class _Attempt:
    """One AUTH command, up to the reply that ends it. Used once."""

    def __init__(self, session: Session, name: str, credential: Credential, derive: Derive) -> None:
        self._session = session
        self._name = name
        self._user = credential.user
        mechanism = make_mechanism(name, credential, host=session.host, port=session.port)
        self._exchange = Exchange(mechanism, derive)
        self.sent_initial_response = False

    @property
    def begun(self) -> bool:
        return self._exchange.begun

    async def run(self, *, initial_response: bool = True) -> Reply:
        """Return 235, once the mechanism is complete, or the refusal. Raises ProbeFault."""
        reply = await self._open(initial_response=initial_response)
        while reply.code == 334:
            reply = await self._answer(reply)
        if reply.code == 235:
            self._exchange.require_complete()
            require_plain_yes(reply.text, self._user)
        elif reply.code < 400:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "an answer to AUTH that is neither yes nor no")
        return reply

    def conclude(self, reply: Reply) -> Answer:
        """Raises AuthFault for a refusal that cannot be one of the credential."""
        if reply.code == 235:
            return Answer(mechanism=self._name)
        refusal = reply.as_refusal(PhaseName.AUTH)
        self._exchange.require_credential_sent(refusal)
        if reason := self._exchange.mechanism.error:
            refusal = replace(refusal, text=f"{refusal.text}\n{reason}")
        return Answer(refusal=refusal, mechanism=self._name)

    async def _open(self, *, initial_response: bool) -> Reply:
        line = f"AUTH {self._name}".encode()
        room = MAX_COMMAND_OCTETS - len(line + b" \r\n")
        if initial_response and (response := self._exchange.initial_response(room)):
            self.sent_initial_response = True
            return await self._send(line + b" " + response, f"AUTH {self._name} {HIDDEN}")
        return await command(self._session, line)

    async def _answer(self, challenge: Reply) -> Reply:
        try:
            if len(challenge.texts) > 1:
                raise ProtocolFault(Code.PROTOCOL_ERROR, "a challenge of more than one line")
            line = await self._exchange.answer(challenge.texts[0].strip(b" "))
        except ProbeFault:
            # RFC 4954, section 4: cancels.
            await self._session.send_hidden_line(b"*", "*", secret=False)
            raise
        return await self._send(line, HIDDEN)

    async def _send(self, line: bytes, shown: str) -> Reply:
        secret = self._exchange.mechanism.used_secret
        return await hidden_command(self._session, line, shown, secret=secret)
