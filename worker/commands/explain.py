"""`mailvouch explain`: what a server's reply would give, and why; no Redis, no network."""

import sys
from typing import Final

import click

from producer.contract.codes import SENDER_FINDINGS, help_url
from producer.contract.report import PhaseName
from producer.printable import echo, fitted, json_text, plain, terminal_width
from worker.commands.help_page import help_page
from worker.probing.classify import providers
from worker.probing.classify.evidence import address_named, evidence, fingerprint
from worker.probing.classify.refusals import classify_refusal
from worker.probing.classify.sentences import Context, describe
from worker.probing.classify.status import TABLES
from worker.probing.errors import ProtocolFault
from worker.probing.imap.response import ResponseReader
from worker.probing.result import prefixed
from worker.probing.smtp.reply import ReplyReader
from worker.probing.target import Protocol, Refusal

PHASES: Final = sorted({phase.value for _, phase in TABLES})
PHASE_OF_COMMAND: Final = {
    "ehlo": PhaseName.CAPABILITY,
    "login": PhaseName.AUTH,
    "authenticate": PhaseName.AUTH,
    "examine": PhaseName.MAILBOX,
    "select": PhaseName.MAILBOX,
    "mail": PhaseName.SENDER,
}
"""People know a reply by the command that it answers."""
_TAG: Final = "x"


@click.command()
@click.argument(
    "protocol", type=click.Choice([one.value for one in Protocol], case_sensitive=False)
)
@click.argument(
    "phase",
    metavar="PHASE",
    type=click.Choice([*PHASES, *PHASE_OF_COMMAND], case_sensitive=False),
)
@click.argument("reply")
@click.option(
    "--host", default="", help="The server that said so: at some providers a reply means more."
)
@click.option("--user", default="", help="The user name: it is no reason where a reply echoes it.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def explain(protocol: str, phase: str, reply: str, host: str, user: str, *, as_json: bool) -> None:
    """Tell what code a server's REPLY gives in a PHASE, and what decided it. Nothing is sent.

    PHASE is greeting, capability, starttls, auth, mailbox or sender, or the command that was
    answered: EHLO, LOGIN, AUTHENTICATE, EXAMINE, SELECT or MAIL. REPLY is what the server wrote,
    without a tag; '-' reads it from the standard input. In REPLY a backslash and an n part the
    lines of one that has several.

    \b
      mailvouch explain smtp auth '535 5.7.8 Error: authentication failed'
      mailvouch explain imap auth 'NO [UNAVAILABLE] mailbox locked' --host imap.example.com
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    text = sys.stdin.read() if reply == "-" else reply.replace("\\n", "\n")
    asked = PHASE_OF_COMMAND.get(phase.lower()) or PhaseName(phase.lower())
    refusal = _read(Protocol(protocol.lower()), asked, text)
    told = _explained(refusal, host, user)
    if as_json:
        echo(json_text(told))
        return
    width = terminal_width()
    for name, value in told.items():
        echo(fitted(f"{name + ':':<13} {_plain(value)}", width, indent=14))


def _explained(refusal: Refusal, host: str, user: str) -> dict[str, object]:
    provider = providers.load().find(host) if host else None
    own_words = tuple(word for word in (host, user) if word)
    verdict = classify_refusal(refusal, provider, own_words)
    context = Context(
        refusal.protocol,
        host=host,
        provider=provider,
        phase=refusal.phase,
        said=plain(refusal.as_said),
        our_address=address_named(refusal.text),
    )
    reason = evidence(verdict, refusal.phase, refusal)
    told: dict[str, object] = {
        "code": prefixed(refusal.protocol, verdict.code),
        "outcome": "SUCCESS" if verdict.code in SENDER_FINDINGS else "FAILURE",
        "retryable": verdict.retryable,
        "field": verdict.field and verdict.field.value,
        "description": describe(verdict, context),
        "evidence": reason.model_dump(mode="json", by_alias=True),
        "helpUrl": help_url(verdict.code, help_page()),
    }
    if verdict.words:
        told["words"] = list(verdict.words)
    if not verdict.recognised:
        told["fingerprint"] = fingerprint(refusal.protocol, refusal.text, own_words)
    return told


def _read(protocol: Protocol, phase: PhaseName, text: str) -> Refusal:
    """Read a reply as the probe would. Raises click.UsageError for what is no refusal."""
    try:
        refusal = _smtp(phase, text) if protocol is Protocol.SMTP else _imap(phase, text)
    except ProtocolFault as fault:
        likely = "NO [AUTHENTICATIONFAILED] …" if protocol is Protocol.IMAP else "535 5.7.8 …"
        message = f"this is no {protocol.upper()} reply, such as '{likely}': {fault.detail}"
        raise click.UsageError(message) from None
    if (protocol, phase) not in TABLES:
        raise click.UsageError(f"{protocol.upper()} has no phase {phase}")
    if refusal.condition[:1] in ("2", "3") or refusal.condition in ("OK", "PREAUTH"):
        raise click.UsageError(f"{refusal.condition} is no refusal")
    return refusal


def _smtp(phase: PhaseName, text: str) -> Refusal:
    reader = ReplyReader()
    for line in text.strip().encode(errors="replace").split(b"\n"):
        reply = reader.feed(line.strip(b"\r"))
        if reply is not None:
            return reply.as_refusal(phase)
    raise click.UsageError("the last line of an SMTP reply has a blank after its code")


def _imap(phase: PhaseName, text: str) -> Refusal:
    line = " ".join(text.split("\n")).strip()
    if line.partition(" ")[0].upper() in ("NO", "BAD", "BYE", "OK"):
        line = f"{_TAG} {line}"
    response = ResponseReader().feed_line(line.encode(errors="replace"))
    if response is None or not response.condition:
        raise click.UsageError("an IMAP refusal begins with NO, BAD or BYE")
    return Refusal(Protocol.IMAP, phase, response.condition, response.code or None, response.words)


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {one}" for name, one in value.items() if one is not None)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    return "-" if value is None else str(value)
