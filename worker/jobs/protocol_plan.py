"""One protocol of a request item: what to probe, or what stands in the way. Pure."""

from typing import NamedTuple

from pydantic import SecretStr

from producer.contract.codes import Code, WarningCode
from producer.contract.credentials import RequestItem
from producer.contract.field_types import MAX_PASSWORD_BYTES
from producer.contract.report import Security
from worker.probing.ports import STANDARD_PORT, usual_security
from worker.probing.target import (
    Credential,
    CredentialKind,
    ProbePlan,
    Protocol,
    Target,
    sender_among,
)


class Problem(NamedTuple):
    """Why an item, or one protocol of it, is not probed. `field` as spelled in the request."""

    code: Code
    field: str | None
    reason: str
    protocol: Protocol | None = None


class Remark(NamedTuple):
    """A warning known before any network."""

    code: WarningCode
    protocol: Protocol | None = None
    detail: str | None = None


class Inputs(NamedTuple):
    """The fields of one protocol of an item; user and password may be those of both protocols."""

    protocol: Protocol
    item: RequestItem
    host: str
    port: int | None
    own_user: str
    own_secret: SecretStr
    implicit_tls: bool | None
    starttls: bool | None
    use_auth: bool | None = None

    @property
    def user(self) -> str:
        return self.own_user or self.item.dealer_email

    @property
    def secret(self) -> SecretStr:
        return self.own_secret if self.own_secret.get_secret_value() else self.item.password


def inputs_of(item: RequestItem, protocol: Protocol) -> Inputs:
    if protocol is Protocol.SMTP:
        return Inputs(
            protocol,
            item,
            item.smtp_host,
            item.smtp_port,
            item.smtp_user_id,
            item.smtp_password,
            item.smtp_use_ssl_or_tls,
            item.smtp_enable_starttls,
            item.smtp_use_auth,
        )
    return Inputs(
        protocol,
        item,
        item.imap_host,
        item.imap_port,
        item.imap_user_id,
        item.imap_password,
        item.imap_use_ssl_or_tls,
        item.imap_enable_starttls,
    )


def plan_protocol(
    inputs: Inputs, kind: CredentialKind, *, allow_cleartext: bool
) -> tuple[ProbePlan | None, Problem | None, list[Remark]]:
    protocol = inputs.protocol
    security = choose_security(inputs.implicit_tls, inputs.starttls, inputs.port)
    port = inputs.port or STANDARD_PORT[protocol, security]
    remarks = []
    if inputs.implicit_tls and inputs.starttls:
        remarks.append(Remark(WarningCode.STARTTLS_IGNORED, protocol))
    if inputs.use_auth is False:
        credential = None
        remarks.append(Remark(WarningCode.AUTH_SKIPPED, protocol))
    else:
        problem = _credential_problem(inputs, kind)
        if problem:
            return None, problem, remarks
        credential = Credential(inputs.user, inputs.secret, kind)
    target = Target(inputs.host, port, security)
    sends = protocol is Protocol.SMTP and credential
    sender = sender_among(inputs.item.dealer_email, inputs.user) if sends else None
    plan = ProbePlan(protocol, target, credential, sender)
    if plan.sends_login_in_clear:
        if not allow_cleartext:
            return None, _cleartext_problem(protocol), remarks
        remarks.append(Remark(WarningCode.CLEARTEXT_LOGIN, protocol))
    return plan, None, remarks


def choose_security(
    implicit_tls: bool | None,  # noqa: FBT001 - a documented flag
    starttls: bool | None,  # noqa: FBT001 - a documented flag
    port: int | None,
) -> Security:
    """Tell how the bytes travel, from the two documented flags; None means "not given".

    Clear text needs both flags to be false. One alone leaves the other: "no implicit TLS" means
    STARTTLS, "no STARTTLS" implicit TLS.
    """
    if implicit_tls:
        return Security.IMPLICIT_TLS
    if starttls:
        return Security.STARTTLS
    if implicit_tls is None:
        return Security.IMPLICIT_TLS if starttls is False else usual_security(port)
    return Security.CLEARTEXT if starttls is False else Security.STARTTLS


def _credential_problem(inputs: Inputs, kind: CredentialKind) -> Problem | None:
    protocol = inputs.protocol
    if not inputs.user:
        return Problem(Code.INVALID_FIELD, f"{protocol}UserID", "no user name was given", protocol)
    secret = inputs.secret.get_secret_value()
    if not secret:
        missing = f"{protocol}Password"
        return Problem(Code.INVALID_FIELD, missing, "no password was given", protocol)
    if kind is CredentialKind.PASSWORD and len(secret.encode()) > MAX_PASSWORD_BYTES:
        reason = f"the password is longer than {MAX_PASSWORD_BYTES} bytes"
        given = field_names(inputs.item, protocol)["password"]
        return Problem(Code.INVALID_FIELD, given, reason, protocol)
    return None


def _cleartext_problem(protocol: Protocol) -> Problem:
    reason = "this service sends no login without encryption"
    return Problem(Code.AUTH_REQUIRES_TLS, f"{protocol}UseSSLOrTLS", reason, protocol)


def field_names(item: RequestItem, protocol: Protocol) -> dict[str, str]:
    """Map what may be wrong (host, port, security, user, password, sender) to the request's field.

    Where the shared `password` or the dealer's address was used, that is the input to change.
    """
    given = inputs_of(item, protocol)
    return {
        "host": f"{protocol}Host",
        "port": f"{protocol}Port",
        "security": f"{protocol}{'EnableStartTLS' if given.starttls else 'UseSSLOrTLS'}",
        "user": f"{protocol}UserID" if given.own_user else "dealerEmail",
        "password": f"{protocol}Password" if given.own_secret.get_secret_value() else "password",
        "sender": "dealerEmail",
    }
