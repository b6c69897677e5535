"""From a request item to what is to be probed: the rules of docs/CONTRACT.md section 4. Pure.

What is wrong with an item is a list of problems, not an exception: the item then ends without any
network, the other items of the batch unharmed.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pydantic import SecretStr, ValidationError

from producer.contract.codes import Code, WarningCode
from producer.contract.credentials import MAX_PASSWORD_BYTES, REQUEST_SPELLING, RequestItem
from producer.contract.names import MASK
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

_PROTOCOLS_OF: Final = {
    "SMTP": (Protocol.SMTP,),
    "IMAP": (Protocol.IMAP,),
    "OAUTH2": (Protocol.SMTP, Protocol.IMAP),
    "BOTH": (Protocol.SMTP, Protocol.IMAP),
    "": (Protocol.SMTP, Protocol.IMAP),
}


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


@dataclass(frozen=True, slots=True)
class ItemPlan:
    """What to probe of one item, and what to say of it in any case.

    `item` is the readable part of the request (unreadable fields are blank in it). A problem of
    one protocol leaves the other's probe; one of the item leaves none.
    """

    item: RequestItem
    probes: tuple[ProbePlan, ...] = ()
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Remark, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)


class _Inputs(NamedTuple):
    """The fields of one protocol, with the names under which they were given."""

    protocol: Protocol
    host: str
    port: int | None
    user: str
    secret: SecretStr
    implicit_tls: bool | None
    starttls: bool | None
    use_auth: bool | None


def plan_item(raw: object, *, allow_cleartext: bool = True) -> ItemPlan:
    """Plan one entry of `emailCredentialsRequests`, whatever it is."""
    item, problems = _read(raw)
    secrets = _secrets(item)
    if not problems:
        problems = _masked(item)
    if problems:
        return ItemPlan(item=item, problems=tuple(problems), secrets=secrets)
    kind = item.credentials_type.strip().upper()
    remarks = [] if kind in _PROTOCOLS_OF else [Remark(WarningCode.UNKNOWN_CREDENTIALS_TYPE)]
    wanted = [
        inputs
        for protocol in _PROTOCOLS_OF.get(kind, _PROTOCOLS_OF[""])
        if (inputs := _inputs(item, protocol)).host
    ]
    if not wanted:
        problems = [Problem(Code.NOTHING_TO_TEST, None, "no server name was given")]
    bearer = CredentialKind.BEARER if kind == "OAUTH2" else CredentialKind.PASSWORD
    probes = []
    for inputs in wanted:
        plan, problem, found = _plan_protocol(item, inputs, bearer, allow_cleartext=allow_cleartext)
        remarks += found
        if problem:
            problems.append(problem)
        elif plan:
            probes.append(plan)
    return ItemPlan(
        item=item,
        probes=tuple(probes),
        problems=tuple(problems),
        remarks=tuple(remarks),
        secrets=secrets,
    )


def _read(raw: object) -> tuple[RequestItem, list[Problem]]:
    if not isinstance(raw, dict):
        problem = Problem(Code.INVALID_FIELD, None, "the entry is no JSON object")
        return RequestItem(), [problem]
    problems: list[Problem] = []
    rest = dict(raw)
    while True:  # a field may be there in both spellings, and both be wrong
        try:
            return RequestItem.model_validate(rest), problems
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False, include_context=False)
        for part in wrong:
            name = str(part["loc"][0])
            del rest[name]
            reason = f"{name} {part['msg']}"
            problems.append(Problem(Code.INVALID_FIELD, name, reason, _protocol_of(name)))


def _protocol_of(name: str) -> Protocol | None:
    return next((protocol for protocol in Protocol if name.startswith(protocol)), None)


def _masked(item: RequestItem) -> list[Problem]:
    return [
        Problem(
            Code.MASKED_PASSWORD,
            REQUEST_SPELLING[name],
            f"{REQUEST_SPELLING[name]} holds the mask that results show, not a password",
            _protocol_of(name),
        )
        for name in ("password", "smtp_password", "imap_password")
        if getattr(item, name).get_secret_value() == MASK
    ]


def _secrets(item: RequestItem) -> tuple[str, ...]:
    given = (item.password, item.smtp_password, item.imap_password)
    return tuple(dict.fromkeys(text for s in given if (text := s.get_secret_value())))


def _inputs(item: RequestItem, protocol: Protocol) -> _Inputs:
    if protocol is Protocol.SMTP:
        return _Inputs(
            protocol,
            item.smtp_host,
            item.smtp_port,
            item.smtp_user_id or item.dealer_email,
            _first(item.smtp_password, item.password),
            item.smtp_use_ssl_or_tls,
            item.smtp_enable_starttls,
            item.smtp_use_auth,
        )
    return _Inputs(
        protocol,
        item.imap_host,
        item.imap_port,
        item.imap_user_id or item.dealer_email,
        _first(item.imap_password, item.password),
        item.imap_use_ssl_or_tls,
        item.imap_enable_starttls,
        use_auth=None,
    )


def _first(own: SecretStr, shared: SecretStr) -> SecretStr:
    return own if own.get_secret_value() else shared


def _plan_protocol(
    item: RequestItem, inputs: _Inputs, kind: CredentialKind, *, allow_cleartext: bool
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
        problem = _credential_problem(item, inputs, kind)
        if problem:
            return None, problem, remarks
        credential = Credential(inputs.user, inputs.secret, kind)
    if security is Security.CLEARTEXT and credential:
        if not allow_cleartext:
            return None, _cleartext_problem(protocol), remarks
        remarks.append(Remark(WarningCode.CLEARTEXT_LOGIN, protocol))
    target = Target(inputs.host, port, security)
    sends = protocol is Protocol.SMTP and credential
    sender = sender_among(item.dealer_email, inputs.user) if sends else None
    return ProbePlan(protocol, target, credential, sender), None, remarks


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


def _credential_problem(item: RequestItem, inputs: _Inputs, kind: CredentialKind) -> Problem | None:
    protocol = inputs.protocol
    if not inputs.user:
        return Problem(Code.INVALID_FIELD, f"{protocol}UserID", "no user name was given", protocol)
    secret = inputs.secret.get_secret_value()
    if not secret:
        missing = f"{protocol}Password"
        return Problem(Code.INVALID_FIELD, missing, "no password was given", protocol)
    if kind is CredentialKind.PASSWORD and len(secret.encode()) > MAX_PASSWORD_BYTES:
        reason = f"the password is longer than {MAX_PASSWORD_BYTES} bytes"
        given = field_names(item, protocol)["password"]
        return Problem(Code.INVALID_FIELD, given, reason, protocol)
    return None


def _cleartext_problem(protocol: Protocol) -> Problem:
    reason = "a login without encryption is not allowed here: switch on SSL/TLS or STARTTLS"
    return Problem(Code.AUTH_REQUIRES_TLS, f"{protocol}UseSSLOrTLS", reason, protocol)


def field_names(item: RequestItem, protocol: Protocol) -> dict[str, str]:
    """Map what may be wrong (host, port, security, user, password, sender) to the request's field.

    Where the shared `password` or the dealer's address was used, that is the input to change.
    """
    smtp = protocol is Protocol.SMTP
    own_password = item.smtp_password if smtp else item.imap_password
    own_user = item.smtp_user_id if smtp else item.imap_user_id
    starttls = item.smtp_enable_starttls if smtp else item.imap_enable_starttls
    return {
        "host": f"{protocol}Host",
        "port": f"{protocol}Port",
        "security": f"{protocol}{'EnableStartTLS' if starttls else 'UseSSLOrTLS'}",
        "user": f"{protocol}UserID" if own_user else "dealerEmail",
        "password": f"{protocol}Password" if own_password.get_secret_value() else "password",
        "sender": "dealerEmail",
    }
