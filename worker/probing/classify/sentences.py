"""A verdict as one sentence that a dealer's office can act on: what is wrong; what to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code, WarningCode
from producer.contract.report import PhaseName, Security, Suggestion, TlsFacts
from worker.probing.classify.facts import FACTS, WARNINGS
from worker.probing.classify.hints import HINTS, OF_A_TOKEN, Hint
from worker.probing.classify.providers import PasswordKind, PasswordLogin, Provider
from worker.probing.classify.verdict import Verdict
from worker.probing.patterns import text_pattern
from worker.probing.ports import STANDARD_PORT
from worker.probing.target import Protocol

SECURITY_WORDS: Final = {
    Security.IMPLICIT_TLS: "SSL/TLS",
    Security.STARTTLS: "STARTTLS (encryption that begins after connecting)",
    Security.CLEARTEXT: "no encryption",
}

_NEVER_USUAL_PASSWORD: Final = frozenset({PasswordKind.APP_PASSWORD, PasswordKind.OAUTH_ONLY})
_TAKES_USUAL_PASSWORD: Final = frozenset({PasswordKind.ACCOUNT_PASSWORD, PasswordKind.OAUTH_ONLY})
"""Microsoft's tenants may take it for sending."""

_UNREACHED: Final = frozenset(
    {
        Code.CONNECTION_REFUSED,
        Code.CONNECTION_TIMED_OUT,
        Code.NETWORK_UNREACHABLE,
        Code.CONNECTION_CLOSED,
        Code.TLS_MODE_MISMATCH,
        Code.TLS_HANDSHAKE_FAILED,
        Code.STARTTLS_NOT_OFFERED,
        Code.STARTTLS_REFUSED,
        Code.DEADLINE_EXCEEDED,
        Code.WRONG_SERVICE,
        Code.AUTH_NOT_OFFERED,
    }
)
MAX_NAMES: Final = 3
MAX_SAID_CHARACTERS: Final = 160
_HOST_NAME: Final = text_pattern(r"[A-Za-z0-9.*-]{1,253}\z")


@dataclass(frozen=True, slots=True)
class Context:
    """What a sentence may mention. `detail`: our own clause on a field, without a full stop.

    `said`: the server's own words, scrubbed. `our_address`: ours as the server named it.

    `ports_blocked`: no sibling port answered either, so the way out of our network seems shut.

    `bearer`: what is given as the password is an access token (OAuth 2).
    """

    protocol: Protocol | None = None
    host: str = ""
    port: int | None = None
    security: Security | None = None
    provider: Provider | None = None
    suggestion: Suggestion | None = None
    tls: TlsFacts | None = None
    phase: PhaseName | None = None
    detail: str | None = None
    said: str | None = None
    our_address: str | None = None
    ports_blocked: bool = False
    bearer: bool = False


def describe(verdict: Verdict, context: Context) -> str:
    """One sentence, capital to full stop: the cause, then what to do about it."""
    return _sentence(_cause(verdict, context), _remedy(verdict, context), context)


def describe_code(code: Code, context: Context | None = None) -> str:
    """The sentence of a code that no server's answer led to: item and request level."""
    return describe(Verdict(code, FACTS[code].retryable), context or Context())


def describe_warning(code: WarningCode, context: Context | None = None) -> str:
    """The sentence of a remark that fails nothing."""
    context = context or Context()
    fact = WARNINGS[code]
    remedy = fact.remedy
    if context.bearer and code in OF_A_TOKEN:
        remedy = OF_A_TOKEN[code].remedy or remedy
    if code is WarningCode.PASSWORD_LOGIN_UNLIKELY and context.provider:
        remedy = _plain(context.provider.remedy_for(context.protocol))
    if code is WarningCode.SETTINGS_SUGGESTED and context.suggestion:
        remedy = _use(context.suggestion)
    if code is WarningCode.UNKNOWN_FIELD and context.detail:
        remedy = _plain(f"spell its name {context.detail}")
    meaning = fact.meaning
    days_left = context.tls.days_left if context.tls else None
    if code is WarningCode.CERTIFICATE_EXPIRES_SOON and days_left is not None:
        meaning = f"The certificate of {{server}} runs out in {_days(days_left)}"
    return _sentence(meaning, remedy, context)


def warn_before_login(provider: Provider | None, protocol: Protocol) -> WarningCode | None:
    """A remark where no password can work, whoever types it. A bearer token needs none."""
    if provider and provider.password_login(protocol) is PasswordLogin.NO:
        return WarningCode.PASSWORD_LOGIN_UNLIKELY
    return None


def _cause(verdict: Verdict, context: Context) -> str:
    if context.detail and verdict.code in (Code.INVALID_FIELD, Code.INVALID_REQUEST_DATA):
        return _plain(f"The request cannot be used as it is: {context.detail}")
    if context.detail and verdict.code is Code.AUTH_REQUIRES_TLS:  # our rule: no server was asked
        return _plain(context.detail)
    replaced = next((hint.meaning for hint in _hints(verdict, context) if hint.meaning), None)
    if replaced:
        return replaced
    meaning = FACTS[verdict.code].meaning
    days_left = context.tls.days_left if context.tls else None
    if verdict.code is Code.CERTIFICATE_EXPIRED and days_left is not None and days_left < 0:
        return f"The certificate of {{server}} ran out {_days(-days_left)} ago"
    if context.tls and verdict.code is Code.CERTIFICATE_NAME_MISMATCH:
        return _names(context.tls.subject_names, meaning)
    return meaning


def _remedy(verdict: Verdict, context: Context) -> str:
    if context.suggestion and verdict.code in _UNREACHED:
        return _use(context.suggestion)
    if context.ports_blocked and verdict.code in _UNREACHED:
        return (
            "none of the usual ports of this server answered us either, so outgoing mail ports "
            "seem blocked from our network, which our support has to look into"
        )
    replaced = next((hint.remedy for hint in _hints(verdict, context) if hint.remedy), None)
    return replaced or provider_remedy(verdict, context) or FACTS[verdict.code].remedy


def _hints(verdict: Verdict, context: Context) -> Iterator[Hint]:
    """What is more exact than the code's own words, the most exact first."""
    tables = (OF_A_TOKEN, HINTS) if context.bearer else (HINTS,)
    for key in filter(None, (verdict.hint, verdict.code)):
        yield from (table[key] for table in tables if key in table)


def provider_remedy(verdict: Verdict, context: Context) -> str | None:
    """What helps at this very provider; None where it has nothing beyond the code's own remedy."""
    provider, protocol = context.provider, context.protocol
    if provider is None:
        return None
    remedy = provider.remedy_for(protocol)
    chosen: str | None = None
    match verdict.code:
        case Code.AUTHENTICATION_FAILED if provider.password in _TAKES_USUAL_PASSWORD:
            chosen = f"check both, and if they are right, {remedy}"
        case Code.AUTHENTICATION_FAILED:
            chosen = remedy
        case Code.AUTHENTICATION_AMBIGUOUS:
            chosen = f"check the password, and if it is right, {remedy}"
        case Code.APP_PASSWORD_REQUIRED if provider.app_password_remedy:
            chosen = provider.app_password_remedy
        case Code.APP_PASSWORD_REQUIRED if provider.password not in _TAKES_USUAL_PASSWORD:
            chosen = remedy
        case Code.PASSWORD_LOGIN_DISABLED if provider.password in _NEVER_USUAL_PASSWORD:
            chosen = remedy
        case Code.PROTOCOL_DISABLED if provider.password is PasswordKind.OAUTH_ONLY:
            chosen = remedy
        case Code.PROTOCOL_DISABLED if provider.imap_switch:
            # Such a switch is for mail programs as such, sending included.
            chosen = f"switch it on {provider.imap_switch}"
    return _plain(chosen) if chosen else None


def _use(suggestion: Suggestion) -> str:
    words = SECURITY_WORDS[suggestion.security]
    return _plain(f"port {suggestion.port} of {suggestion.host} answered with {words}, so use that")


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _names(names: Iterable[str], otherwise: str) -> str:
    """A certificate's names are the server's text: only what can be a host name is shown."""
    shown = [name for name in names if _HOST_NAME.match(name)][:MAX_NAMES]
    if not shown:
        return otherwise
    return (
        _plain(f"The certificate of the server is for {', '.join(shown)}") + " and not for {host}"
    )


def _quoted(said: str | None) -> str:
    if not said:
        return "something that we do not know"
    cut = said if len(said) <= MAX_SAID_CHARACTERS else f"{said[:MAX_SAID_CHARACTERS]}…"
    return '"{}"'.format(cut.rstrip(".").replace('"', "'"))


def _plain(text: str) -> str:
    """Text that is filled in, not a template."""
    return text.replace("{", "{{").replace("}", "}}")


def _sentence(cause: str, remedy: str, context: Context) -> str:
    words = f"{cause}; {remedy}." if remedy else f"{cause}."
    if context.port is None:
        words = words.replace("port {port}", "the given port")
    protocol = context.protocol or Protocol.SMTP
    filled = words.format(
        server=f"the server {context.host}" if context.host else "the mail server",
        host=context.host or "the given name",
        port=context.port,
        protocol=context.protocol.upper() if context.protocol else "mail",
        provider=context.provider.name if context.provider else "the mail provider",
        said=_quoted(context.said),
        our_address=" ".join(filter(None, ("our network address", context.our_address))),
        implicit_port=STANDARD_PORT[protocol, Security.IMPLICIT_TLS],
        starttls_port=STANDARD_PORT[protocol, Security.STARTTLS],
    )
    return filled[0].upper() + filled[1:]
