"""What a request is answered with and what it stores, decided on a snapshot. Pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from pydantic import SecretStr

from producer.contract.integration_body import IntegrationBody, TrialBody
from producer.contract.integrations import (
    MESSAGES,
    SMTP_TYPE,
    CatalogueEntry,
    ErrorCode,
    FieldProblem,
    IntegrationData,
    IntegrationStatus,
)
from producer.contract.names import MASK
from producer.contract.report import Security
from producer.records.masking import host_problem, seal, shown, username_of
from producer.records.store import Record
from producer.sealing.at_rest import CannotOpenError, PasswordVault
from worker.jobs.integrations.store import Job, Snapshot
from worker.probing.ports import STANDARD_PORT
from worker.probing.target import Credential, ProbePlan, Protocol, Target, sender_among

IMPLICIT_TLS_PORT: Final = STANDARD_PORT[Protocol.SMTP, Security.IMPLICIT_TLS]

FIELDS: Final = {
    "host": "host",
    "port": "port",
    "security": "useTls",
    "user": "username",
    "password": "password",
    "sender": "username",
}
"""What may be wrong with a probe -> the input to change, as spelled in the request."""


class Denied(Exception):
    """A request that is answered with an error. Its text is empty: the result tells."""

    def __init__(self, status: int, problems: Iterable[FieldProblem]) -> None:
        super().__init__()
        self.status = status
        self.problems = tuple(problems)


class Draft(NamedTuple):
    """What an update or create would store, user name and password in clear."""

    body: IntegrationBody
    entry: CatalogueEntry
    password: SecretStr
    status: IntegrationStatus


def denied(status: int, code: str, message: str) -> Denied:
    return Denied(status, [FieldProblem(code=code, message=message)])


def unauthorized() -> Denied:
    """One answer for an unknown brand, a wrong key and none."""
    return denied(401, ErrorCode.UNAUTHORIZED, MESSAGES[401])


def require_latest(snapshot: Snapshot, record: Record) -> None:
    """Raise Denied where an update that was submitted later has been applied already."""
    if (record.submitted_ms, record.arrival) > snapshot.order:
        raise denied(
            409,
            ErrorCode.CONFLICT,
            "The app integration request was conflict setting: a later one has been applied.",
        )


def require_record(snapshot: Snapshot) -> Record:
    """Return the stored record. Raises Denied for an id that the brand does not have."""
    record = snapshot.record
    if record is None:
        raise denied(
            404, ErrorCode.INTEGRATION_NOT_FOUND, "The app integration SMTP was not found."
        )
    return record


def require_smtp(entry: CatalogueEntry | None) -> CatalogueEntry:
    """Raise Denied for an entry that does not exist or is not for SMTP."""
    if entry is None:
        raise denied(404, ErrorCode.CATALOGUE_ENTRY_NOT_FOUND, "The app integration was not found.")
    if entry.type != SMTP_TYPE:
        raise denied(
            409, ErrorCode.CATALOGUE_ENTRY_UNSUPPORTED, "The app integration is unsupported."
        )
    return entry


def login_of(
    body: IntegrationBody, record: Record | None, job: Job, vault: PasswordVault
) -> tuple[str, SecretStr]:
    """Return user name and password to store: the given ones, or for the mask the stored ones.

    A stored password is kept only for the very server and user that it was given for: whoever may
    change the host could otherwise have it sent to a server of their own. Raises Denied.
    """
    if not body.keeps_password:
        if body.username == MASK:
            raise denied(
                400,
                ErrorCode.INVALID_FIELD,
                "username is required: the mask keeps a stored one only where the password is "
                "the mask as well.",
            )
        return body.username, body.password
    if record is None:
        raise _password_required(_ONLY_UNCHANGED)
    try:
        stored = username_of(record, vault, job.full_id)
        is_same = record.sealed_username is not None and body.username == MASK
        username = stored if is_same else body.username
        if _destination(body, username) != _destination(record, stored):
            raise _password_required(_ONLY_UNCHANGED)
        return username, vault.open(record.password, **job.full_id._asdict())
    except CannotOpenError:
        raise _password_required("the stored one can no longer be read.") from None


_ONLY_UNCHANGED: Final = (
    "the mask keeps a stored password only while host, port, username and useTls stay as they are."
)


def _password_required(reason: str) -> Denied:
    return denied(400, ErrorCode.PASSWORD_REQUIRED, f"password is required: {reason}")


def _destination(settings: IntegrationBody | Record, username: str) -> tuple[str, int, str, bool]:
    """Reduce settings to where their password goes, so that two spellings of it are equal."""
    host = settings.host.strip().lower().removesuffix(".")
    return host, settings.port, username, bool(settings.use_tls)


def require_server(host: str, password: SecretStr) -> None:
    """Raise Denied for a host that is the password, before anybody is asked for its address."""
    problem = host_problem(host, password)
    if problem is not None:
        raise Denied(400, [problem])


def status_of(body: IntegrationBody, record: Record | None) -> IntegrationStatus:
    """An absent status keeps the stored one; a new record is made to be used."""
    return body.wanted_status or (record.status if record else IntegrationStatus.ACTIVE)


def require_given(password: SecretStr) -> SecretStr:
    """Raise Denied for the mask, where there is no stored password that it could stand for."""
    if password.get_secret_value() == MASK:
        raise denied(400, ErrorCode.PASSWORD_REQUIRED, "password is required, not its mask.")
    return password


def probe_plan(body: IntegrationBody | TrialBody, password: SecretStr) -> ProbePlan:
    """Plan the login that mail sent with these settings would make."""
    security = _security(body)
    return ProbePlan(
        Protocol.SMTP,
        Target(body.host, body.port, security),
        Credential(body.username, password),
        sender=sender_among(body.username),
        or_implicit_tls=security is Security.STARTTLS,
    )


def _security(body: IntegrationBody | TrialBody) -> Security:
    if not body.use_tls:
        return Security.CLEARTEXT
    return Security.IMPLICIT_TLS if body.port == IMPLICIT_TLS_PORT else Security.STARTTLS


def record_of(draft: Draft, job: Job, snapshot: Snapshot, vault: PasswordVault) -> Record:
    """Write a draft as a record, its password sealed. What the body leaves out is a default."""
    body = draft.body
    submitted_ms, arrival = snapshot.order
    return Record(
        **shown(body, draft.password)._asdict(),
        **seal(body, draft.password, vault, job.full_id)._asdict(),
        app_integration_id=body.app_integration_id,
        host=body.host,
        port=body.port,
        use_tls=bool(body.use_tls),
        status=draft.status,
        submitted_ms=submitted_ms,
        arrival=arrival,
        job_id=job.job_id,
    )


def data_of(draft: Draft, record_id: str) -> IntegrationData:
    """Answer with what a draft comes to. The password, and what equals it, is the mask."""
    body = draft.body
    return IntegrationData(
        **shown(body, draft.password)._asdict(),
        app_integration=draft.entry,
        host=body.host,
        port=body.port,
        use_tls=bool(body.use_tls),
        is_default=bool(body.is_default),
        status=draft.status,
        id=record_id,
    )
