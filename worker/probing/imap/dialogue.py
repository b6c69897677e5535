"""The IMAP dialogue: greeting, CAPABILITY, STARTTLS, login, EXAMINE, LOGOUT (RFC 9051).

A server's refusal ends it with an Answer that holds it; whatever breaks it is a ProbeFault.
"""

from dataclasses import replace
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from producer.version import VERSION
from worker.probing.banner import name_service
from worker.probing.errors import AuthFault, ProtocolFault, TlsFault
from worker.probing.imap.authentication import authenticate
from worker.probing.imap.capability import Capabilities
from worker.probing.imap.commands import Commands, Completion
from worker.probing.imap.response import UNTAGGED, Response, ResponseReader
from worker.probing.sasl.exchange import Derive
from worker.probing.target import Answer, ProbePlan, Refusal
from worker.probing.wire.session import Session

# NetEase (163.com, 126.com) answers EXAMINE with "Unsafe Login" to a client without ID.
_ID: Final = f'ID ("name" "mailvouch" "vendor" "mailvouch" "version" "{VERSION}")'.encode()


async def converse(session: Session, plan: ProbePlan, *, derive: Derive) -> Answer:
    """Log in, look into the INBOX, log out. Raises ProbeFault. The caller closes the session."""
    commands = Commands(session)
    greeting = await _read_greeting(commands, starttls=plan.target.security is Security.STARTTLS)
    try:
        if not greeting.ok:
            return Answer(refusal=greeting.as_refusal(PhaseName.GREETING))
        return await _converse(commands, plan, greeting.capabilities, derive)
    finally:
        _log_out(commands)


async def greet(session: Session) -> None:
    """See that an IMAP server greets. Raises ProbeFault, GREETING_REJECTED where it refuses."""
    commands = Commands(session)
    greeting = await _read_greeting(commands, starttls=False)
    _log_out(commands)
    if not greeting.ok:
        raise ProtocolFault(
            Code.GREETING_REJECTED,
            "the server greets with a refusal",
            refusal=greeting.as_refusal(PhaseName.GREETING),
        )


async def _converse(
    commands: Commands, plan: ProbePlan, announced: Capabilities | None, derive: Derive
) -> Answer:
    if announced:
        commands.session.timeline.skip(PhaseName.CAPABILITY)
    capabilities = announced or await _ask_capabilities(commands)
    if isinstance(capabilities, Refusal):
        return Answer(refusal=capabilities)
    if plan.target.security is Security.STARTTLS:
        await _upgrade(commands, capabilities)
        # RFC 9051, section 6.2.1: what was learnt before TLS counts for nothing.
        capabilities = await _ask_capabilities(commands)
        if isinstance(capabilities, Refusal):
            return Answer(refusal=capabilities)
    if not capabilities.speaks_imap:
        raise ProtocolFault(Code.PROTOCOL_ERROR, "neither IMAP4rev1 nor IMAP4rev2")
    if plan.credential is None:
        commands.session.timeline.skip(PhaseName.AUTH)
        return Answer()
    answer = await authenticate(commands, plan.target, plan.credential, capabilities, derive)
    if answer.refusal is not None:
        return answer
    return replace(answer, refusal=await _look_into_inbox(commands, capabilities))


async def _read_greeting(commands: Commands, *, starttls: bool) -> Completion:
    session = commands.session
    async with session.phase(PhaseName.GREETING):
        lines: list[bytes] = []
        try:
            greeting = await commands.read(_GreetingReader(), lines)
        finally:
            if lines:
                session.record_reply(lines)
        completion = Completion(greeting, [])
        _judge(completion, starttls=starttls)
        return completion


class _GreetingReader(ResponseReader):
    """Names another service by its first line, without waiting for more."""

    def feed_line(self, line: bytes) -> Response | None:
        service = None if self.lines else name_service(line)
        if service not in (None, "imap"):
            raise ProtocolFault(Code.WRONG_SERVICE, "another service greets", hint=service)
        return super().feed_line(line)


def _judge(completion: Completion, *, starttls: bool) -> None:
    greeting = completion.end
    if greeting.tag != UNTAGGED or greeting.condition not in ("OK", "BYE", "PREAUTH"):
        # Some turn our address away with a NO or a BAD: then their words say so.
        refused = greeting.tag == UNTAGGED and greeting.condition in ("NO", "BAD")
        raise ProtocolFault(
            Code.PROTOCOL_ERROR,
            "a greeting that is none of OK, PREAUTH, BYE",
            refusal=completion.as_refusal(PhaseName.GREETING) if refused else None,
        )
    if greeting.condition != "PREAUTH":
        return
    if starttls:
        # RFC 9051, section 7.1.4: after it no STARTTLS is possible, so it is a way around TLS.
        raise TlsFault(Code.TLS_BYPASS, "PREAUTH before the TLS that was asked for")
    raise AuthFault(Code.AUTH_UNPROVEN, "the server asked for no credential")


async def _ask_capabilities(commands: Commands) -> Capabilities | Refusal:
    async with commands.session.phase(PhaseName.CAPABILITY):
        completion = await commands.run(b"CAPABILITY")
        if completion.end.condition in ("NO", "BYE"):
            return completion.as_refusal(PhaseName.CAPABILITY)
        # BAD: a server that does not know the command has LOGIN still.
        return completion.capabilities or Capabilities()


async def _upgrade(commands: Commands, capabilities: Capabilities) -> None:
    session = commands.session
    async with session.phase(PhaseName.STARTTLS):
        if "STARTTLS" not in capabilities:
            raise TlsFault(Code.STARTTLS_NOT_OFFERED, "the server does not offer STARTTLS")
        completion = await commands.run(b"STARTTLS")
        if not completion.ok:
            raise TlsFault(
                Code.STARTTLS_REFUSED,
                "the server offers STARTTLS and refuses it",
                refusal=completion.as_refusal(PhaseName.STARTTLS),
            )
    await session.start_tls()


async def _look_into_inbox(commands: Commands, capabilities: Capabilities) -> Refusal | None:
    """Return the server's refusal of an authenticated command: a login alone proves no access.

    Exchange says OK to LOGIN and then "User is authenticated but not connected". EXAMINE is
    read-only. ID goes in the same flight, its answer does not matter.
    """
    async with commands.session.phase(PhaseName.MAILBOX):
        if "ID" in capabilities:
            commands.hold(_ID)
        completion = await commands.run(b"EXAMINE INBOX")
        if not completion.ok:
            return completion.as_refusal(PhaseName.MAILBOX)
        completion.require_plain_yes()
        return None


def _log_out(commands: Commands) -> None:
    # Not waited for: no response to it could change the verdict.
    commands.session.send_last_line(commands.next_tag() + b" LOGOUT")
