"""The `/api/v1/app-integrations/smtp` family: response `data`, envelope, codes."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)
from pydantic.alias_generators import to_camel

from producer.contract.codes import OUR_FAULT, Code
from producer.contract.names import MASK

SMTP_TYPE: Final = "SMTP"
MAX_ID_CHARACTERS: Final = 128
MAX_NAME_CHARACTERS: Final = 256


class IntegrationStatus(StrEnum):
    """How a status goes out."""

    INACTIVE = "Inactive"
    ACTIVE = "Active"


class ErrorCode(StrEnum):
    """The codes of this family, spelled as the vendor spells them.

    A refusal by a probe carries the probe's code with its prefix (`SMTP_AUTHENTICATION_FAILED`), a
    request that could not be run the request-level code (`REQUEST_UNREADABLE`): both are of the
    closed set of `codes.Code`.
    """

    UNAUTHORIZED = "Unauthorized"
    INVALID_FIELD = "InvalidField"
    PASSWORD_REQUIRED = "PasswordRequired"  # noqa: S105 - a code, not a password
    CATALOGUE_ENTRY_NOT_FOUND = "AppIntegrationNotFound"
    CATALOGUE_ENTRY_UNSUPPORTED = "AppIntegrationUnsupported"
    INTEGRATION_NOT_FOUND = "AppIntegrationSmtpNotFound"
    CONFLICT = "AppIntegrationConflictSetting"


SUCCESS_MESSAGE: Final = "The request was successful."
ACCEPTED_MESSAGE: Final = "The request was accepted; its job goes on."
MESSAGES: Final[dict[int, str]] = {
    400: "The request is invalid.",
    401: "The user is not authorized to access the requested resource.",
    404: "The requested resource was not found.",
    409: "The request conflicts with the current state of the resource.",
    500: "The request could not be completed.",
}
"""One fixed text a status; the errors say more. The 401 does not tell what was wrong."""


class _Documented(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=to_camel,
        populate_by_name=True,
    )


class CatalogueEntry(_Documented):
    """The documented `appIntegration`: a provider that an integration can be made with.

    The vendor may add properties to it: on import they are left out.
    """

    model_config = ConfigDict(extra="ignore")

    type: str = Field(min_length=1, max_length=MAX_NAME_CHARACTERS)
    name: str = Field(min_length=1, max_length=MAX_NAME_CHARACTERS)
    domain: str | None = None
    description: str | None = None
    logo_url: str | None = Field(default=None, alias="logoURL")
    status: IntegrationStatus = IntegrationStatus.ACTIVE
    id: str = Field(min_length=1, max_length=MAX_ID_CHARACTERS)


class IntegrationData(_Documented):
    """The documented `data` of a response, in the documented order."""

    app_integration: CatalogueEntry
    name: str
    host: str
    port: int
    username: str
    password: str = MASK
    use_tls: bool
    is_default: bool
    description: str | None
    status: IntegrationStatus
    id: str


class IntegrationError(_Documented):
    """`correlationId` is a UUID that also stands in the log."""

    code: str
    message: str
    correlation_id: str


class IntegrationResult(_Documented):
    """The envelope: `data` an integration, `true` after a delete, null where `success` is not."""

    success: bool
    status_code: int
    message: str
    data: IntegrationData | bool | None
    errors: tuple[IntegrationError, ...] = ()

    def to_bytes(self) -> bytes:
        """Write the payload as it stands in Redis."""
        return self.model_dump_json(by_alias=True).encode()


class IntegrationListResult(IntegrationResult):
    """The envelope of a list: `data` an array."""

    data: tuple[IntegrationData, ...]  # type: ignore[assignment]  # a list is no single record


class FieldProblem(BaseModel):
    """What is wrong with a request: a code and a sentence; becomes an `IntegrationError`."""

    model_config = ConfigDict(frozen=True)

    code: str
    message: str


def success(data: IntegrationData | bool, *, status: int = 200) -> IntegrationResult:  # noqa: FBT001 - the documented `data: true`
    """Answer that the request was done."""
    return IntegrationResult(success=True, status_code=status, message=SUCCESS_MESSAGE, data=data)


def failure(
    status: int, problems: Iterable[FieldProblem], correlation_id: str
) -> IntegrationResult:
    """Answer that nothing was done, and why. One correlation id for all errors of a request."""
    errors = tuple(
        IntegrationError(code=problem.code, message=problem.message, correlation_id=correlation_id)
        for problem in problems
    )
    return IntegrationResult(
        success=False, status_code=status, message=MESSAGES[status], data=None, errors=errors
    )


def request_failure(code: Code, message: str, correlation_id: str) -> IntegrationResult:
    """Answer for a request of which nothing could be run; `code` is a request-level one."""
    status = 500 if code in OUR_FAULT else 400
    return failure(status, [FieldProblem(code=code, message=message)], correlation_id)
