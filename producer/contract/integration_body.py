"""The request bodies of `/api/v1/app-integrations/smtp`, and what is wrong with one.

Bodies are read strictly: the vendor documents JSON types, and a number in quotes is a mistake that
the sender should hear of. Unknown fields are ignored. The vendor documents no 422: what is wrong
with a body is a 400 with one error for each field.
"""

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SecretStr,
    ValidationError,
)

from producer.contract.codes import Code
from producer.contract.field_types import (
    MAX_HOST_CHARACTERS,
    MAX_PASSWORD_BYTES,
    NOT_IN_SECRETS,
    has_control_characters,
)
from producer.contract.integrations import (
    MAX_ID_CHARACTERS,
    MAX_NAME_CHARACTERS,
    ErrorCode,
    FieldProblem,
    IntegrationStatus,
)
from producer.contract.names import MASK

MAX_USERNAME_CHARACTERS: Final = 512
MAX_DESCRIPTION_CHARACTERS: Final = 2048


def _line_of_text(text: str) -> str:
    if has_control_characters(text):
        raise ValueError("holds a control character")
    return text


_BREAKS: Final = str.maketrans("", "", "\t\n\r\x85\u2028\u2029")


def _text_of_lines(text: str) -> str:
    _line_of_text(text.translate(_BREAKS))
    return text


def _sendable_secret(secret: SecretStr) -> SecretStr:
    """A credential test's rule: see `producer.contract.field_types`."""
    password = secret.get_secret_value()
    if len(password.encode()) > MAX_PASSWORD_BYTES:
        raise ValueError("is too long")
    if not NOT_IN_SECRETS.isdisjoint(password):
        raise ValueError("cannot be sent")
    return secret


def _trimmed(value: Any) -> Any:
    # Spaces only: a line break at the end is a mistake to hear of, or an attempt.
    return value.strip(" ") if isinstance(value, str) else value


def _not_null(value: Any) -> Any:
    if value is None:
        raise ValueError("must not be null")
    return value


_Line = AfterValidator(_line_of_text)
_Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_CHARACTERS), _Line]
_Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARACTERS), _Line]
# A host name may end in one dot more than the 253 characters of RFC 1035.
_Host = Annotated[
    str,
    Field(min_length=1, max_length=MAX_HOST_CHARACTERS + 1),
    BeforeValidator(_trimmed),
    _Line,
]
_Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"format": "int32"})]
_Username = Annotated[str, Field(min_length=1, max_length=MAX_USERNAME_CHARACTERS), _Line]
_Password = Annotated[
    SecretStr,
    Field(min_length=1, max_length=MAX_PASSWORD_BYTES),
    AfterValidator(_sendable_secret),
]
_Description = Annotated[
    str, Field(max_length=MAX_DESCRIPTION_CHARACTERS), AfterValidator(_text_of_lines)
]
_StatusIn = Literal["0 - Inactive", "1 - Active", "Inactive", "Active"]
# Documented as optional, but not as nullable: None is "absent" and cannot be sent.
_GivenStatus = Annotated[
    _StatusIn | None, BeforeValidator(_not_null, json_schema_input_type=_StatusIn)
]


def _without_default(schema: dict[str, JsonValue]) -> None:
    schema.pop("default")  # None stands for "absent" and cannot be sent


_OFF: Final[dict[str, JsonValue]] = {"default": False}
"""The documented default of a flag; in our model None tells that it was not given."""


class _Documented(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


class IntegrationBody(_Documented):
    """The documented request body of PUT and POST. Read it with `read_body`."""

    app_integration_id: _Id = Field(alias="appIntegrationId")
    name: _Name
    host: _Host
    port: _Port
    username: _Username
    password: _Password
    use_tls: bool | None = Field(default=None, alias="useTls", json_schema_extra=_OFF)
    is_default: bool | None = Field(default=None, alias="isDefault", json_schema_extra=_OFF)
    description: _Description | None = None
    status: _GivenStatus = Field(default=None, json_schema_extra=_without_default)

    @property
    def wanted_status(self) -> IntegrationStatus | None:
        """What the body asks for; None where it says nothing."""
        return IntegrationStatus(self.status.rpartition(" - ")[2]) if self.status else None

    @property
    def keeps_password(self) -> bool:
        """Tell whether the mask that results show was sent back as the password."""
        return self.password.get_secret_value() == MASK


class TrialBody(_Documented):
    """The request body of `…/smtp/test`: only what a login needs; the rest is ignored."""

    host: _Host
    port: _Port
    username: _Username
    password: _Password
    use_tls: bool | None = Field(default=None, alias="useTls", json_schema_extra=_OFF)


Body = TypeVar("Body", IntegrationBody, TrialBody)

_FIELD_RULES: Final[dict[str, str]] = {
    "appIntegrationId": f"must be a string of 1 to {MAX_ID_CHARACTERS} printable characters",
    "name": f"must be a string of 1 to {MAX_NAME_CHARACTERS} printable characters",
    "host": f"must be a string of 1 to {MAX_HOST_CHARACTERS} printable characters",
    "port": "must be an integer from 1 to 65535",
    "username": f"must be a string of 1 to {MAX_USERNAME_CHARACTERS} printable characters",
    "password": (f"must be a string of 1 to {MAX_PASSWORD_BYTES} bytes without line breaks or NUL"),
    "useTls": "must be true, false or null",
    "isDefault": "must be true, false or null",
    "description": (
        f"must be null or a string of at most {MAX_DESCRIPTION_CHARACTERS} printable characters, "
        "line breaks and tabs"
    ),
    "status": 'must be "0 - Inactive", "1 - Active", "Inactive" or "Active"',
}


def read_body(body: object) -> IntegrationBody | tuple[FieldProblem, ...]:
    """Read a request body, or tell what is wrong with it: one problem for each field.

    No text quotes what was given.
    """
    return _read(IntegrationBody, body)


def read_trial(body: object) -> TrialBody | tuple[FieldProblem, ...]:
    """Do as `read_body` does, for settings that are only tried."""
    return _read(TrialBody, body)


def _read(model: type[Body], body: object) -> Body | tuple[FieldProblem, ...]:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
    if any(not part["loc"] for part in wrong):
        message = "The request body must be a JSON object."
        return (FieldProblem(code=Code.INVALID_REQUEST_DATA, message=message),)
    missing = {str(part["loc"][0]): part["type"] == "missing" for part in wrong}
    return tuple(
        FieldProblem(
            code=ErrorCode.INVALID_FIELD,
            message=f"{name} is required." if absent else f"{name} {_FIELD_RULES[name]}.",
        )
        for name, absent in missing.items()
    )
