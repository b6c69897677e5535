"""What is known of each mail provider: `providers.toml`, validated, looked up by host."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from producer.contract.report import Security
from worker.probing.target import Protocol

NOT_COMPARED: Final = "general knowledge, not compared with the provider's page"
"""The `source` of an entry that has none."""

_HOST = r"^(\*\.|[a-z0-9-]+\.\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"
HostPattern = Annotated[str, Field(pattern=_HOST, max_length=253)]
Sentence = Annotated[str, Field(min_length=1, max_length=400)]


class PasswordKind(StrEnum):
    """What the password field must hold."""

    ACCOUNT_PASSWORD = "account_password"  # noqa: S105 - a kind, not a password
    APP_PASSWORD = "app_password"  # noqa: S105 - a kind, not a password
    MAIL_PASSWORD = "mail_password"  # noqa: S105 - a kind, not a password
    SMTP_CREDENTIAL = "smtp_credential"
    API_KEY = "api_key"
    OAUTH_ONLY = "oauth_only"


class PasswordLogin(StrEnum):
    """Whether a password can work at all."""

    YES = "yes"
    SOMETIMES = "sometimes"
    NO = "no"


class _Strict(BaseModel):
    # Strict would refuse what TOML has no type for: an enum, a tuple.
    model_config = ConfigDict(frozen=True, extra="forbid")


class Server(_Strict):
    """One right setting. `host` may hold `{region}`."""

    host: str = Field(min_length=4, max_length=253)
    port: int = Field(ge=1, le=65535, strict=True)
    security: Security


class Provider(_Strict):
    """One provider. `hosts`, `mx`: exact names, `*.suffix` or `first.*.suffix`, in lower case.

    Clauses for a dealer's office: `remedy`, what to do when a login is refused without a reason
    (`smtp_remedy` where sending needs another); `app_password_remedy` where an app password is
    wanted but is not the rule; `imap_switch`, `username_form`, `region_rule`.

    `last_checked`: the day of the comparison with `source`; None where there was none.
    """

    id: str = Field(pattern=r"^[a-z0-9]+$")
    name: str = Field(min_length=2)
    hosts: tuple[HostPattern, ...]
    mx: tuple[HostPattern, ...] = ()
    greetings: tuple[str, ...] = ()
    domains: tuple[HostPattern, ...] = ()
    smtp: tuple[Server, ...] = ()
    imap: tuple[Server, ...] = ()
    password: PasswordKind
    smtp_password_login: PasswordLogin = PasswordLogin.YES
    imap_password_login: PasswordLogin = PasswordLogin.YES
    remedy: Sentence
    smtp_remedy: Sentence | None = None
    app_password_remedy: Sentence | None = None
    imap_switch: Sentence | None = None
    username_form: Sentence | None = None
    region_rule: Sentence | None = None
    sender_judged_later: bool = False
    last_checked: date | None = None
    source: Sentence

    @model_validator(mode="after")
    def _has_servers(self) -> "Provider":
        if not (self.smtp or self.imap):
            raise ValueError("a provider needs at least one server")
        return self

    @model_validator(mode="after")
    def _claims_no_more_than_was_done(self) -> "Provider":
        if (self.last_checked is None) is not (self.source == NOT_COMPARED):
            raise ValueError(f"last_checked is for what was compared, else source: {NOT_COMPARED}")
        return self

    def servers(self, protocol: Protocol) -> tuple[Server, ...]:
        """The right settings for a protocol, the preferred one first."""
        return self.smtp if protocol is Protocol.SMTP else self.imap

    def remedy_for(self, protocol: Protocol | None) -> str:
        """What to do when a login is refused without a reason."""
        return (protocol is Protocol.SMTP and self.smtp_remedy) or self.remedy

    def password_login(self, protocol: Protocol) -> PasswordLogin:
        """Whether a password can work for a protocol."""
        if protocol is Protocol.SMTP:
            return self.smtp_password_login
        return self.imap_password_login


class _File(_Strict):
    version: Literal[1]
    provider: tuple[Provider, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> "_File":
        ids = [provider.id for provider in self.provider]
        hosts = [host for provider in self.provider for host in provider.hosts]
        for names in (ids, hosts):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"given twice: {', '.join(twice)}")
        return self


def _narrowest(known: Mapping[str, Provider], name: str) -> Provider | None:
    """Return the provider of the narrowest pattern that fits a host."""
    patterns = _patterns(name.rstrip(".").lower())
    return next((known[one] for one in patterns if one in known), None)


def _patterns(name: str) -> Iterator[str]:
    """What a host may be listed as, the narrowest first."""
    yield name
    first, *rest = name.split(".")
    yield ".".join((first, "*", *rest[1:]))
    for at in range(len(rest)):
        yield ".".join(("*", *rest[at:]))


class Providers:
    """The providers known, found by host, greeting, mail domain or MX host."""

    def __init__(self, known: Iterable[Provider]) -> None:
        self.known = tuple(known)
        self._hosts = {host: one for one in self.known for host in one.hosts}
        self._domains = {domain: one for one in self.known for domain in one.domains}
        self._mx = {mx: one for one in self.known for mx in one.mx}
        self._greetings = [(text.lower(), one) for one in self.known for text in one.greetings]

    def find(
        self,
        host: str,
        *,
        domain: str | None = None,
        mx: Iterable[str] = (),
        greeting: str | None = None,
    ) -> Provider | None:
        """The provider behind a host.

        Where the host is none of a provider's own, its greeting tells; without a host, the mail
        domain or its MX. Somebody with a Gmail address may well send through another's server: the
        address says nothing about a host that was named.
        """
        if host:
            said = (greeting or "").lower()
            by_greeting = (one for text, one in self._greetings if text in said)
            return _narrowest(self._hosts, host) or next(by_greeting, None)
        if domain and (found := _narrowest(self._domains, domain)):
            return found
        return next(filter(None, (_narrowest(self._mx, one) for one in mx)), None)


def parse(text: str) -> Providers:
    """Raises tomllib.TOMLDecodeError or pydantic.ValidationError with the reason."""
    return Providers(_File.model_validate(tomllib.loads(text)).provider)


@cache
def load() -> Providers:
    """The file that comes with the package; read once per process."""
    return parse(files(__package__).joinpath("providers.toml").read_text(encoding="utf-8"))
