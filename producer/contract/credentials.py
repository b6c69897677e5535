"""`POST /communications/dealers/{dealerUUID}/email-credentials/test`: request and response.

The documented names differ by direction (`smtpUserID` in, `smtpuserID` out): each model emits the
documented spelling of its direction; a request is accepted in both. All leaves of a response are
strings.
"""

from typing import Any, Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from producer.contract.field_types import Flag, FreeText, Host, Port, Secret, Text


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
