"""AUTHENTICATE and LOGIN (RFC 9051, section 6.2): one credential, one method, one attempt."""

import re
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.errors import AuthFault, ProbeFault, ProtocolFault
from worker.probing.imap.capability import Capabilities
from worker.probing.imap.commands import Commands, Completion
from worker.probing.sasl.choice import choose, make_mechanism
from worker.probing.sasl.exchange import Derive, Exchange
from worker.probing.target import Answer, Credential, CredentialKind, Target
from worker.probing.transcript import HIDDEN

MAX_COMMAND_OCTETS: Final = 2000
"""With CRLF. Longer lines fill the input buffer of real servers."""
MAX_QUOTED_OCTETS: Final = 1000
LOGIN_COMMAND: Final = "LOGIN command"

_QUOTABLE: Final = re.compile(rb"[\x20-\x7e]{0,%d}\Z" % MAX_QUOTED_OCTETS)


async def authenticate(
    commands: Commands,
    target: Target,
    credential: Credential,
    capabilities: Capabilities,
    derive: Derive,
) -> Answer:
    """Return the answer to the login. Raises ProbeFault."""
    session = commands.session
    target.require_secure(secure=session.secure)
    async with session.phase(PhaseName.AUTH):
        method = _choose(capabilities, credential.kind, secure=session.secure)
        if method == LOGIN_COMMAND:
            return _conclude(method, await _log_in(commands, credential), credential)
        mechanism = make_mechanism(method, credential, host=session.host, port=session.port)
        exchange = Exchange(mechanism, derive)
        completion = await _run(commands, exchange, with_response="SASL-IR" in capabilities)
        answer = _conclude(method, completion, credential, reason=mechanism.error)
        if answer.refusal is not None:
            exchange.require_credential_sent(answer.refusal)
        return answer


def _choose(capabilities: Capabilities, kind: CredentialKind, *, secure: bool) -> str:
    """Return a mechanism or LOGIN_COMMAND. Raises AuthFault where there is none that fits.

    LOGINDISABLED forbids the command only. The command stands where the mechanism LOGIN would:
    behind PLAIN, which carries any UTF-8.
    """
    offered = capabilities.mechanisms
    may_log_in = kind is CredentialKind.PASSWORD and "LOGINDISABLED" not in capabilities
    if may_log_in:
        offered |= {"LOGIN"}
    names = choose(offered, kind, secure=secure)
    if not names:
        raise _no_mechanism(capabilities, secure=secure)
    return LOGIN_COMMAND if may_log_in and names[0] == "LOGIN" else names[0]


def _no_mechanism(capabilities: Capabilities, *, secure: bool) -> AuthFault:
    if not secure and ("LOGINDISABLED" in capabilities or "STARTTLS" in capabilities):
        return AuthFault(Code.AUTH_REQUIRES_TLS, "the server offers the login under TLS only")
    if "LOGINDISABLED" in capabilities and not capabilities.mechanisms:
        return AuthFault(Code.AUTH_NOT_OFFERED, "the server offers no login at all")
    return AuthFault(Code.NO_COMMON_MECHANISM, "the server offers no mechanism that fits")


def _conclude(
    method: str, completion: Completion, credential: Credential, *, reason: str = ""
) -> Answer:
    if completion.ok:
        completion.require_plain_yes(credential.user)
    refusal = None if completion.ok else completion.as_refusal(PhaseName.AUTH, reason=reason)
    return Answer(refusal=refusal, mechanism=method)


async def _run(commands: Commands, exchange: Exchange, *, with_response: bool) -> Completion:
    tag = await _open(commands, exchange, with_response=with_response)
    while (completion := await commands.step(tag)).is_continuation:
        try:
            line = await exchange.answer(completion.end.text.strip(b" "))
        except ProbeFault:
            await commands.session.send_hidden_line(b"*", "*", secret=False)  # cancels
            raise
        _require_unanswered(commands)
        await _send(commands, exchange, line, HIDDEN)
    if completion.ok:
        exchange.require_complete()
    return completion


async def _open(commands: Commands, exchange: Exchange, *, with_response: bool) -> bytes:
    tag = commands.next_tag()
    line = tag + f" AUTHENTICATE {exchange.mechanism.name}".encode()
    room = MAX_COMMAND_OCTETS - len(line + b" \r\n")
    if with_response and (response := exchange.initial_response(room)):
        await _send(commands, exchange, line + b" " + response, f"{line.decode()} {HIDDEN}")
        return tag
    await commands.session.send_line(line)
    return tag


async def _send(commands: Commands, exchange: Exchange, line: bytes, shown: str) -> None:
    secret = exchange.mechanism.used_secret
    await commands.session.send_hidden_line(line, shown, secret=secret)


async def _log_in(commands: Commands, credential: Credential) -> Completion:
    tag = commands.next_tag()
    line = tag + b" LOGIN"
    shown = f"{line.decode()} {HIDDEN}"
    user, password = credential.user.encode(), credential.secret.get_secret_value().encode()
    for knows_user, argument in ((False, user), (True, password)):
        if _QUOTABLE.match(argument):
            line += b" " + _quoted(argument)
            continue
        # Synchronising also where LITERAL+ is offered: the octets never follow a refusal.
        # No line with the password in it ends in a literal: that is the last argument.
        opening = line + b" {%d}" % len(argument)
        await commands.session.send_hidden_line(opening, shown, secret=False)
        completion = await commands.step(tag)
        if not completion.is_continuation:
            return _stopped(completion, knows_user=knows_user)
        _require_unanswered(commands)
        await commands.session.send_secret_literal(argument)
        line, shown = b"", HIDDEN
    await commands.session.send_hidden_line(line, shown, secret=True)
    return await commands.complete(tag)


def _require_unanswered(commands: Commands) -> None:
    """Raise PROTOCOL_ERROR where the server answers before a credential is sent.

    It knows the tag by now, so it could say yes, or no, to what it has not seen.
    """
    commands.session.require_silence()


def _stopped(completion: Completion, *, knows_user: bool) -> Completion:
    """Judge what came in place of a continuation. Cyrus: "NO Invalid user" before the password."""
    if completion.ok:
        raise AuthFault(Code.AUTH_UNPROVEN, "the server said yes before the login was complete")
    condition = completion.end.condition
    if condition == "BYE" or (condition == "NO" and knows_user):
        return completion
    raise ProtocolFault(
        Code.PROTOCOL_ERROR,
        "the server does not take a literal",
        refusal=completion.as_refusal(PhaseName.AUTH),
    )


def _quoted(octets: bytes) -> bytes:
    return b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
