"""`POST /communications/dealers/{dealerUUID}/email-credentials/test`: request and response.

The documented names differ by direction (`smtpUserID` in, `smtpuserID` out): each model emits the
documented spelling of its direction; a request is accepted in both. All leaves of a response are
strings.
"""

import json
import re
import unicodedata
from typing import Annotated, Any, Final

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

MAX_HOST_CHARACTERS: Final = 253
MAX_TEXT_CHARACTERS: Final = 512
MAX_SECRET_BYTES: Final = 16 * 1024
"""Long enough for a bearer token; a password is held to `MAX_PASSWORD_BYTES`."""

MAX_PASSWORD_BYTES: Final = 4096

_TRUE: Final = frozenset({"true", "1", "yes", "y", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "n", "off"})
_PORT: Final = re.compile(r"[0-9]{1,5}\Z")
NOT_IN_SECRETS: Final = frozenset("\r\n\0")
"""What no protocol can carry in a secret."""

_LINE_BREAKERS: Final = frozenset("\x85\u2028\u2029")


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("invalid_field", "{message}", {"message": message})


def has_control_characters(text: str) -> bool:
    """Tell whether `text` holds a control character, a line separator or a lone surrogate."""
    return not text.isprintable() and any(
        unicodedata.category(character) in ("Cc", "Cs") or character in _LINE_BREAKERS
        for character in text
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _wrong("must be a string")
    if len(value) > MAX_TEXT_CHARACTERS:
        raise _wrong(f"is longer than {MAX_TEXT_CHARACTERS} characters")
    if has_control_characters(value):
        raise _wrong("contains a line break or another control character")
    return value if value.strip() else ""  # spaces alone are blank


def _remark(value: object) -> str:
    """A text that nothing is done with: whatever it is, it fails no test."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be written


def _host(value: object) -> str:
    host = _text(value).strip(" \t")
    if len(host) > MAX_HOST_CHARACTERS + 1:  # one trailing dot is legal
        raise _wrong(f"is longer than {MAX_HOST_CHARACTERS} characters")
    return host


def _flag(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        word = value.strip(" \t").lower()  # a line break is a mistake to hear of, or an attempt
        if not word:
            return None
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    raise _wrong("must be true or false")


def _port(value: object) -> int | None:
    if isinstance(value, str):
        value = value.strip(" \t")
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and _PORT.match(value):
        number = int(value)
    else:
        raise _wrong("must be a port number from 1 to 65535")
    if not 1 <= number <= 65535:
        raise _wrong("must be a port number from 1 to 65535")
    return number


def _secret(value: object) -> SecretStr:
    if value is None:
        return SecretStr("")
    if not isinstance(value, str):
        raise _wrong("must be a string")
    try:
        octets = len(value.encode())
    except UnicodeEncodeError:
        raise _wrong("contains a character that cannot be sent") from None
    if octets > MAX_SECRET_BYTES:
        raise _wrong(f"is longer than {MAX_SECRET_BYTES} bytes")
    if not NOT_IN_SECRETS.isdisjoint(value):
        raise _wrong("contains a line break or a NUL character")
    return SecretStr(value)


Text = Annotated[str, BeforeValidator(_text, json_schema_input_type=str | None)]
FreeText = Annotated[str, BeforeValidator(_remark, json_schema_input_type=str | None)]
Host = Annotated[str, BeforeValidator(_host, json_schema_input_type=str | None)]
Flag = Annotated[bool | None, BeforeValidator(_flag, json_schema_input_type=str | bool | None)]
Port = Annotated[int | None, BeforeValidator(_port, json_schema_input_type=str | int | None)]
Secret = Annotated[SecretStr, BeforeValidator(_secret, json_schema_input_type=str | None)]


def _documented(request: str, response: str, description: str) -> Any:
    return Field(
        default=None,
        validate_default=True,
        validation_alias=AliasChoices(request, response),
        serialization_alias=request,
        description=description,
    )


class RequestItem(BaseModel):
    """One entry of `emailCredentialsRequests`. Blank and null mean "not given"."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    dealer_email: Text = _documented(
        "dealerEmail",
        "dealerEmail",
        "The dealer's address; the user name where none is given, and the sender that is tried.",
    )
    account_type: FreeText = _documented("accountType", "accountType", "Goes back as it came.")
    credentials_type: Text = _documented(
        "credentialsType",
        "credentialsType",
        "SMTP or IMAP: that protocol alone. OAUTH2: the passwords are bearer tokens.",
    )
    org_name: FreeText = _documented("orgName", "orgName", "Not in the result.")
    password: Secret = _documented(
        "password", "password", "For both protocols, where they have none of their own."
    )
    smtp_user_id: Text = _documented(
        "smtpUserID", "smtpuserID", "The user name for SMTP, where it is not the address."
    )
    smtp_password: Secret = _documented("smtpPassword", "smtppassword", "The password for SMTP.")
    smtp_host: Host = _documented("smtpHost", "smtphost", "Blank: SMTP is not tested.")
    smtp_port: Port = _documented("smtpPort", "smtpport", "Blank: the standard port of the mode.")
    smtp_use_ssl_or_tls: Flag = _documented(
        "smtpUseSSLOrTLS", "smtpuseSSLOrTLS", "Encrypted from the start."
    )
    smtp_enable_starttls: Flag = _documented(
        "smtpEnableStartTLS", "smtpenableStartTLS", "Encrypted after connecting."
    )
    smtp_use_auth: Flag = _documented(
        "smtpUseAuth", "smtpuseAuth", "False: connect and encrypt only, no login."
    )
    imap_user_id: Text = _documented(
        "imapUserID", "imapuserID", "The user name for IMAP, where it is not the address."
    )
    imap_password: Secret = _documented("imapPassword", "imappassword", "The password for IMAP.")
    imap_host: Host = _documented("imapHost", "imaphost", "Blank: IMAP is not tested.")
    imap_port: Port = _documented("imapPort", "imapport", "Blank: the standard port of the mode.")
    imap_use_ssl_or_tls: Flag = _documented(
        "imapUseSSLOrTLS", "imapuseSSLOrTLS", "Encrypted from the start."
    )
    imap_enable_starttls: Flag = _documented(
        "imapEnableStartTLS", "imapenableStartTLS", "Encrypted after connecting."
    )


REQUEST_SPELLING: Final[dict[str, str]] = {
    name: str(field.serialization_alias) for name, field in RequestItem.model_fields.items()
}
"""Our name of a request field -> the documented one, `smtp_user_id` -> `smtpUserID`."""


RESPONSE_SPELLING: Final[dict[str, str]] = {
    name: str(choice)
    for name, field in RequestItem.model_fields.items()
    if isinstance(field.validation_alias, AliasChoices)
    for choice in field.validation_alias.choices[-1:]
}
"""The same in the spelling of results, `smtp_user_id` -> `smtpuserID`."""


class _Documented(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ErrorEntry(_Documented):
    """`errorUID` is a UUID that also stands in the log."""

    errorCode: str  # noqa: N815 - documented spelling
    errorDescription: str  # noqa: N815 - documented spelling
    errorUID: str  # noqa: N815 - documented spelling


class WarningEntry(_Documented):
    """A remark that fails nothing."""

    warningCode: str  # noqa: N815 - documented spelling
    warningDescription: str  # noqa: N815 - documented spelling


class ResponseItem(_Documented):
    """One entry of `emailCredentialsResponses`, its key set exactly the documented one."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    serverLogs: str = ""  # noqa: N815 - documented spelling
    """What was said, line by line, without any credential."""
    outcome: str
    testDuration: str  # noqa: N815 - documented spelling
    """Whole milliseconds, digits only."""
    credentialsType: str = ""  # noqa: N815 - documented spelling
    error: str = ""
    """The first error's description, or blank."""
    password: str = ""
    """Eight asterisks where one was given, else blank; the other passwords likewise."""
    imaphost: str = ""
    imapport: str = ""
    smtpuserID: str = ""  # noqa: N815 - documented spelling
    smtppassword: str = ""
    smtphost: str = ""
    smtpport: str = ""
    smtpuseSSLOrTLS: str = "false"  # noqa: N815 - documented spelling
    smtpenableStartTLS: str = "false"  # noqa: N815 - documented spelling
    smtpuseAuth: str = "false"  # noqa: N815 - documented spelling
    imapuseSSLOrTLS: str = "false"  # noqa: N815 - documented spelling
    imapenableStartTLS: str = "false"  # noqa: N815 - documented spelling
    accountType: str = ""  # noqa: N815 - documented spelling
    imapuserID: str = ""  # noqa: N815 - documented spelling
    imappassword: str = ""
    dealerEmail: str = ""  # noqa: N815 - documented spelling
    errors: tuple[ErrorEntry, ...] = ()
    warnings: tuple[WarningEntry, ...] = ()


class TestResponse(_Documented):
    """The whole result. The item list has the request list's length and order."""

    __test__ = False  # no test class, whatever pytest thinks of the name

    emailCredentialsResponses: tuple[ResponseItem, ...] = ()  # noqa: N815 - documented spelling
    errors: tuple[ErrorEntry, ...] = ()
    warnings: tuple[WarningEntry, ...] = ()


REQUEST_LIST: Final = "emailCredentialsRequests"
RESPONSE_LIST: Final = "emailCredentialsResponses"
"""The names of the two lists, in the request body and in the result."""

SUCCESS: Final = "SUCCESS"
FAILURE: Final = "FAILURE"
