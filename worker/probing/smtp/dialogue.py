"""The SMTP dialogue: greeting, EHLO, STARTTLS, EHLO, AUTH, MAIL FROM, QUIT (RFC 5321, 3207, 4954).

A server's refusal ends it with an Answer that holds it; whatever breaks it is a ProbeFault.
"""

from dataclasses import replace
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from worker.probing.banner import name_service
from worker.probing.errors import ProtocolFault, TlsFault
from worker.probing.sasl.exchange import Derive
from worker.probing.smtp.authentication import authenticate
from worker.probing.smtp.capability import NONE, Capabilities, parse_capabilities
from worker.probing.smtp.commands import command, read_reply
from worker.probing.smtp.reply import Reply, ReplyReader
from worker.probing.smtp.sender import check_sender
from worker.probing.target import Answer, ProbePlan, Refusal
from worker.probing.wire.session import Session

_EHLO_UNKNOWN: Final = frozenset({500, 502, 504, 550})


async def converse(session: Session, plan: ProbePlan, *, ehlo_name: str, derive: Derive) -> Answer:
    """Log in and out again. Raises ProbeFault. Closing the session is the caller's part."""
    greeting = await _read_greeting(session)
    try:
        if greeting.code != 220:
            return Answer(refusal=greeting.as_refusal(PhaseName.GREETING))
        return await _converse(session, plan, ehlo_name, derive)
    finally:
        session.send_last_line(b"QUIT")  # not waited for: no reply could change the verdict


async def greet(session: Session) -> None:
    """See that an SMTP server greets. Raises ProbeFault, GREETING_REJECTED where it refuses."""
    greeting = await _read_greeting(session)
    session.send_last_line(b"QUIT")
    if greeting.code != 220:
        raise ProtocolFault(
            Code.GREETING_REJECTED,
            "the server greets with a refusal",
            refusal=greeting.as_refusal(PhaseName.GREETING),
        )


async def _converse(session: Session, plan: ProbePlan, ehlo_name: str, derive: Derive) -> Answer:
    capabilities = await _introduce(session, ehlo_name)
    if isinstance(capabilities, Refusal):
        return Answer(refusal=capabilities)
    if plan.target.security is Security.STARTTLS:
        await _upgrade(session, capabilities)
        # RFC 3207, section 4.2: what was learnt before TLS counts for nothing.
        capabilities = await _introduce(session, ehlo_name)
        if isinstance(capabilities, Refusal):
            return Answer(refusal=capabilities)
    if plan.credential is None:
        session.timeline.skip(PhaseName.AUTH)
        return Answer()
    answer = await authenticate(session, plan.target, plan.credential, capabilities, derive)
    if answer.refusal is not None or plan.sender is None:
        return answer
    return replace(answer, sender=await check_sender(session, plan.sender, capabilities))


async def _read_greeting(session: Session) -> Reply:
    # The whole of it is waited for: a client that talks early looks like a spammer.
    async with session.phase(PhaseName.GREETING):
        reader = _GreetingReader()
        greeting = await read_reply(session, reader)
        if greeting.code // 100 in (2, 3) and greeting.code != 220:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "a greeting that is neither 220 nor a refusal")
        return greeting


class _GreetingReader(ReplyReader):
    """Names another service by its first line, without waiting for more."""

    def feed(self, line: bytes) -> Reply | None:
        service = None if self.lines else name_service(line)
        if service not in (None, "smtp"):
            raise ProtocolFault(Code.WRONG_SERVICE, "another service greets", hint=service)
        return super().feed(line)


async def _introduce(session: Session, ehlo_name: str) -> Capabilities | Refusal:
    async with session.phase(PhaseName.CAPABILITY):
        name = ehlo_name.encode("ascii")
        reply = await command(session, b"EHLO " + name)
        if reply.code == 250:
            return parse_capabilities(reply.texts)
        if reply.code in _EHLO_UNKNOWN:
            reply = await command(session, b"HELO " + name)
            if reply.code == 250:
                return NONE
        if reply.code < 400:
            raise ProtocolFault(Code.PROTOCOL_ERROR, "an answer to EHLO that is neither yes nor no")
        return reply.as_refusal(PhaseName.CAPABILITY)


async def _upgrade(session: Session, capabilities: Capabilities) -> None:
    async with session.phase(PhaseName.STARTTLS):
        if "STARTTLS" not in capabilities:
            raise TlsFault(Code.STARTTLS_NOT_OFFERED, "the server does not offer STARTTLS")
        reply = await command(session, b"STARTTLS")
        if reply.code != 220:  # 250 and 354 are no go-ahead either
            raise TlsFault(
                Code.STARTTLS_REFUSED,
                "the server offers STARTTLS and refuses it",
                refusal=reply.as_refusal(PhaseName.STARTTLS),
            )
    await session.start_tls()
