"""The words of the probing core: target, credential, plan, refusal, answer."""

from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import SecretStr

from producer.contract.report import PhaseName, Security


class Protocol(StrEnum):
    """The two protocols of an item."""

    SMTP = "smtp"
    IMAP = "imap"


class CredentialKind(StrEnum):
    """What the secret is: a password, or an OAuth 2 bearer token (RFC 6750)."""

    PASSWORD = "password"  # noqa: S105 - the kind, not a password
    BEARER = "bearer"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect and how the bytes travel. `host` as given, not yet judged."""

    host: str
    port: int
    security: Security

    def require_secure(self, *, secure: bool) -> None:
        """The last check before a login: whatever went wrong, none goes out in clear unasked.

        Raises RuntimeError: an assertion is left out by `python -O`.
        """
        if not secure and self.security is not Security.CLEARTEXT:
            raise RuntimeError("a login in clear that nobody asked for")


@dataclass(frozen=True, slots=True)
class Credential:
    """What to log in with. The repr shows neither part: the two may be the same."""

    user: str = field(repr=False)
    secret: SecretStr = field(repr=False)
    kind: CredentialKind = CredentialKind.PASSWORD


@dataclass(frozen=True, slots=True)
class ProbePlan:
    """One protocol of one item.

    `credential` None: connect and TLS only. `sender`: the address for MAIL FROM after an SMTP
    login, None to leave that out. `or_implicit_tls`: the target says STARTTLS, and implicit TLS is
    used in its place where that is what the port speaks. `secrets`: what else no text about this
    probe may hold: the other passwords of the item, and those that its batch gives for the same
    login. `batch_secrets`: those that the batch gives for other logins.
    """

    protocol: Protocol
    target: Target
    credential: Credential | None
    sender: str | None = field(default=None, repr=False)
    or_implicit_tls: bool = False
    secrets: tuple[str, ...] = field(default=(), repr=False)
    batch_secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def all_secrets(self) -> tuple[str, ...]:
        """Everything that must not be shown, each once."""
        own = (self.credential.secret.get_secret_value(),) if self.credential else ()
        return tuple(dict.fromkeys(secret for secret in (*own, *self.secrets) if secret))

    @property
    def sends_login_in_clear(self) -> bool:
        """Tell whether the credential would cross the network without encryption.

        Whether that is allowed is the operator's setting ALLOW_CLEARTEXT, which callers know.
        """
        return self.credential is not None and self.target.security is Security.CLEARTEXT

    def own_words(self) -> tuple[str, ...]:
        """Return what the tenant chose and a server may echo: no evidence of anything."""
        user = self.credential.user if self.credential else ""
        return tuple(word for word in (self.target.host, user, self.sender) if word)


def sender_among(*texts: str) -> str | None:
    """Return the first text that is a mail address: who mail of this account would come from."""
    return next((text for text in texts if "@" in text), None)


@dataclass(frozen=True, slots=True)
class Refusal:
    r"""A server's rejection, as it was said.

    `condition` is the SMTP reply code ("535") or the IMAP condition ("NO", "BAD", "BYE");
    `detail` the enhanced status code ("5.7.8", RFC 3463) or the IMAP response code without
    brackets ("AUTHENTICATIONFAILED", RFC 5530), None where there was none; `text` the server's own
    words, lines joined by a line feed, undecodable bytes as `\xNN`. Text is not scrubbed yet: it
    goes to the classifier, never to a result.
    """

    protocol: Protocol
    phase: PhaseName
    condition: str
    detail: str | None
    text: str

    @property
    def as_said(self) -> str:
        """Its parts together again, as the server's line had them."""
        detail = self.detail
        if detail and self.protocol is Protocol.IMAP:
            detail = f"[{detail}]"
        return " ".join(part for part in (self.condition, detail, self.text) if part)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a dialogue that went by the RFC ended.

    `refusal` None: the login is proved (or none was asked for). `sender` is what the server said
    to MAIL FROM where it refused; `mechanism` the SASL mechanism (or "LOGIN command") used.
    """

    refusal: Refusal | None = None
    sender: Refusal | None = None
    mechanism: str | None = None
