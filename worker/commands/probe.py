"""`mailvouch-worker probe`: one probe by hand, no queue, no Redis."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Final

import click
from pydantic import SecretStr
from rich.text import Text

from producer.contract.codes import SUCCESSFUL
from producer.contract.report import Security
from producer.printable import echo, json_text, plain
from producer.settings import PREFIX
from worker.commands.console import out
from worker.probing.classify import providers
from worker.probing.gate import OpenGate
from worker.probing.ports import STANDARD_PORT, usual_security
from worker.probing.prober import Prober
from worker.probing.result import ProbeResult
from worker.probing.target import Credential, ProbePlan, Protocol, Target, sender_among
from worker.process.compose import ehlo_name_of, network_of
from worker.settings import Settings, load_settings

PASSWORD_VARIABLE: Final = f"{PREFIX}PASSWORD"
SECURITY_OF_FLAG: Final = {
    "tls": Security.IMPLICIT_TLS,
    "starttls": Security.STARTTLS,
    "cleartext": Security.CLEARTEXT,
}
FIELDS: Final = {
    "host": "HOST",
    "port": "PORT",
    "security": "--tls/--starttls/--cleartext",
    "user": "--user",
    "password": "password",
    "sender": "--user",
}


@click.command("probe")
@click.argument("protocol", type=click.Choice([one.value for one in Protocol]))
@click.argument("server", metavar="HOST[:PORT]")
@click.option("--user", required=True, help="The user name, usually the mail address.")
@click.option("--tls", is_flag=True, help="Encrypted from the start.")
@click.option("--starttls", is_flag=True, help="Encrypted after connecting.")
@click.option("--cleartext", is_flag=True, help="Not encrypted.")
@click.option("--json", "as_json", is_flag=True, help="Print the probe's report as JSON.")
def probe(protocol: str, server: str, user: str, *, as_json: bool, **modes: bool) -> None:
    """Probe one account now; no queue and no Redis are needed. Exit status 1 where it fails.

    The password comes from a prompt or from MAILVOUCH_PASSWORD, never from the command line, where
    other users of the machine could read it. Without a mode the port decides: 465 and 993 are
    encrypted from the start, else STARTTLS.
    """
    settings = load_settings()
    host, port = _split(server)
    if not user.strip():
        raise click.BadParameter("names nobody", param_hint="--user")
    mode = _mode(modes) or usual_security(port)
    # `ProbePlan.sends_login_in_clear`, told before a password is typed in vain.
    if mode is Security.CLEARTEXT and not settings.allow_cleartext:
        raise click.UsageError(f"{PREFIX}ALLOW_CLEARTEXT is false: use --starttls or --tls")
    target = Target(host, port or STANDARD_PORT[Protocol(protocol), mode], mode)
    credential = Credential(user, SecretStr(_password()))
    sender = sender_among(user) if protocol == Protocol.SMTP else None
    plan = ProbePlan(Protocol(protocol), target, credential, sender)
    result = asyncio.run(_prober(settings).probe("by-hand", plan, FIELDS))
    if as_json:
        probe = result.probe.linked_to(settings.help_url)
        echo(json_text(probe.model_dump(mode="json", by_alias=True)))
    else:
        _show(result)
    raise SystemExit(result.probe.code not in SUCCESSFUL)


def _mode(modes: Mapping[str, bool]) -> Security | None:
    asked = [name for name, is_asked in modes.items() if is_asked]
    if len(asked) > 1:
        raise click.UsageError("--tls, --starttls and --cleartext exclude each other")
    return SECURITY_OF_FLAG[asked[0]] if asked else None


def _split(server: str) -> tuple[str, int | None]:
    """Take a port off; the colons of an IPv6 address are none, unless one follows its bracket."""
    name, colon, port = server.rpartition(":")
    bare = not colon or "]" in port or (":" in name and not name.endswith("]"))
    host = server if bare else name
    if not host:
        raise click.BadParameter("names no server", param_hint="HOST[:PORT]")
    if "/" in server or "@" in server:
        raise click.BadParameter("a name alone, like mail.example.com", param_hint="HOST[:PORT]")
    if bare:
        return host, None
    if not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise click.BadParameter("the port is a number from 1 to 65535", param_hint="HOST[:PORT]")
    return host, int(port)


def _password() -> str:
    try:
        password = os.environ.get(PASSWORD_VARIABLE) or _typed_password()
    except click.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):
            raise
        raise click.UsageError(f"no password: type it, or set {PASSWORD_VARIABLE}") from None
    if any(character in password for character in "\r\n\0"):
        raise click.UsageError("the password contains a line break or a NUL character")
    return password


def _typed_password() -> str:
    """Ask a person; take a line of what is no terminal. Raises click.Abort where there is none."""
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, err=True)
        return typed
    line = sys.stdin.readline()
    if not line:
        raise click.Abort
    return line.removesuffix("\n")


def _prober(settings: Settings) -> Prober:
    return Prober(
        network_of(settings),
        OpenGate(),
        providers.load(),
        ehlo_name_of(settings),
        settings.probe_deadline_seconds,
    )


def _show(result: ProbeResult) -> None:
    for line in result.transcript:
        out.print(Text(plain(line), style="dim"), soft_wrap=True)
    for phase in result.probe.phases:
        out.print(f"  {phase.name:<11}{phase.state:<8}{phase.milliseconds:>9.1f} ms")
    colour = "red" if result.failed else "green"
    sentence = result.sentence or "The login works."
    verdict = Text(result.probe.code, style=f"bold {colour}")
    out.print(verdict.append(f" {plain(sentence)}", style="not bold default"), soft_wrap=True)
    if result.note:
        note = Text(f"for the operator: {plain(result.note)}", style="dim")
        out.print(note, soft_wrap=True)
    for _, warning in result.warnings:
        out.print(Text(plain(warning), style="yellow"), soft_wrap=True)
