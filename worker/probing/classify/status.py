"""First evidence: the SMTP reply code with its enhanced code, or the IMAP response code.

One table a phase. A key is looked for from the exact to the vague: `535 5.7.139`, `5.7.139`,
`535`, `5`; and for IMAP `BYE [UNAVAILABLE]`, `[UNAVAILABLE]`, `BYE`. The numbers are those of
RFC 4954, 5248 and 5321, the names those of RFC 5530.
"""

from dataclasses import dataclass, replace
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.classify.verdict import FieldKind
from worker.probing.target import Protocol, Refusal


@dataclass(frozen=True, slots=True)
class Status:
    """What a status means. `settles`: says so clearly that no words can add to it.

    `known` False: a fall-back by first digit or condition; without known words the reply counts
    as not recognised. `retryable` and `field` None: as the code's own row says. `in_trouble`: the
    server speaks of itself, so that nothing it says is about the account. `key`: which row it is.
    """

    code: Code
    settles: bool = False
    known: bool = True
    retryable: bool | None = None
    field: FieldKind | None = None
    in_trouble: bool = False
    key: str = ""


Table = dict[str, Status]

_PASSING: Final = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[TEMPFAIL]")


def _alike(status: Status, *keys: str) -> Table:
    """Give several keys one row."""
    return dict.fromkeys(keys, status)


# A 4xx to AUTH is never a wrong password (RFC 4954, section 4.7.0: "SHOULD NOT prompt for another
# password"); a 5xx that is none of 525, 534, 535, 550, 554 speaks of the set-up.
_SMTP_AUTH: Final[Table] = {
    "432 4.7.12": Status(Code.NO_COMMON_MECHANISM, settles=True, retryable=False),
    **_alike(Status(Code.AUTHENTICATION_TEMPORARY), "421", "432", "435", "451", "454"),
    "4": Status(Code.AUTHENTICATION_TEMPORARY, known=False),
    "500 5.5.6": Status(Code.PROTOCOL_ERROR, settles=True),
    **_alike(Status(Code.PROTOCOL_ERROR), "500", "501"),
    **_alike(Status(Code.AUTH_NOT_OFFERED), "502", "503"),
    "504": Status(Code.NO_COMMON_MECHANISM),
    "525": Status(Code.ACCOUNT_LOCKED),
    "530": Status(Code.AUTH_REQUIRES_TLS),
    "534 5.7.14": Status(Code.WEB_LOGIN_REQUIRED),
    "534": Status(Code.NO_COMMON_MECHANISM),
    **_alike(Status(Code.AUTHENTICATION_FAILED, known=False), "535", "550", "554"),
    "538": Status(Code.AUTH_REQUIRES_TLS, settles=True),
    "550 5.7.1": Status(Code.ACCOUNT_LOCKED, known=False),
    "552": Status(Code.QUOTA_EXCEEDED),
    "5": Status(Code.AUTH_NOT_OFFERED, known=False),
    "5.2.1": Status(Code.ACCOUNT_LOCKED),
    "5.2.2": Status(Code.QUOTA_EXCEEDED, settles=True),
    "5.7.4": Status(Code.NO_COMMON_MECHANISM),
    "5.7.8": Status(Code.AUTHENTICATION_FAILED),
    **_alike(Status(Code.AUTH_REQUIRES_TLS, settles=True), "5.7.10", "5.7.11"),
    "5.7.13": Status(Code.ACCOUNT_LOCKED),
    # Microsoft's own numbers.
    "5.7.30": Status(Code.PASSWORD_LOGIN_DISABLED),
    "5.7.57": Status(Code.AUTHENTICATION_AMBIGUOUS),
    "5.7.139": Status(Code.PASSWORD_LOGIN_DISABLED),
}

# The first digit says whether the same server may answer otherwise later (RFC 5321, section 4.2.1).
# 4.7.x is a policy's rejection, not an overload's: our address is slowed down.
_SMTP_GREETING: Final[Table] = {
    "421 4.7.0": Status(Code.RATE_LIMITED),
    "421 4.7.28": Status(Code.RATE_LIMITED, settles=True),
    # Microsoft's number for an address that is throttled, whatever the words.
    "4.7.500": Status(Code.RATE_LIMITED, settles=True),
    "421": Status(Code.GREETING_REJECTED, retryable=True),
    "521": Status(Code.GREETING_REJECTED),
    "554": Status(Code.GREETING_REJECTED),
    "4": Status(Code.GREETING_REJECTED, known=False, retryable=True),
    "5": Status(Code.GREETING_REJECTED, known=False),
}

# EHLO and HELO both refused: a server that knows neither is no SMTP server; one that dislikes
# our name or address turns us away as a greeting would.
_SMTP_CAPABILITY: Final[Table] = _SMTP_GREETING | {
    "500": Status(Code.PROTOCOL_ERROR),
    "502": Status(Code.PROTOCOL_ERROR),
    "5.7.0": Status(Code.GREETING_REJECTED),
}

_SMTP_STARTTLS: Final[Table] = {
    **_alike(Status(Code.STARTTLS_REFUSED, retryable=True), "421", "454"),
    "4": Status(Code.STARTTLS_REFUSED, known=False, retryable=True),
    "5": Status(Code.STARTTLS_REFUSED),
    "": Status(Code.STARTTLS_REFUSED, known=False),
}

# 530: the server does not count us as logged in, so it has not looked at the sender. (A login that
# it asks for in plain words, right after a yes to one, is words' business.)
_SMTP_SENDER: Final[Table] = {
    "4": Status(Code.SENDER_INCONCLUSIVE, retryable=True),
    # The command was not understood or not welcome, or there is no room, whatever the address.
    **_alike(
        Status(Code.SENDER_INCONCLUSIVE), "500", "502", "503", "504", "530", "535", "552", "555"
    ),
    **_alike(Status(Code.SENDER_INCONCLUSIVE, settles=True), "538", "5.7.10"),
    "5.7.57": Status(Code.SENDER_INCONCLUSIVE),
    # RFC 5248: a sender in bad form, one whose host does not do; RFC 7505: one without mail.
    **_alike(Status(Code.SENDER_REJECTED, settles=True), "5.1.7", "5.1.8", "5.7.27", "5.7.60"),
    "5": Status(Code.SENDER_REJECTED, known=False),
}

_IMAP_AUTH: Final[Table] = {
    "[AUTHENTICATIONFAILED]": Status(Code.AUTHENTICATION_FAILED),
    # The password was right, the account may not act as that user: the name is what to change.
    "[AUTHORIZATIONFAILED]": Status(Code.AUTHENTICATION_FAILED, field=FieldKind.USER),
    "[EXPIRED]": Status(Code.PASSWORD_EXPIRED, settles=True),
    "[PRIVACYREQUIRED]": Status(Code.AUTH_REQUIRES_TLS, settles=True),
    "[CONTACTADMIN]": Status(Code.ACCOUNT_LOCKED),
    "[NOPERM]": Status(Code.PROTOCOL_DISABLED),
    "[WEBALERT]": Status(Code.WEB_LOGIN_REQUIRED, settles=True),
    "[OVERQUOTA]": Status(Code.QUOTA_EXCEEDED),
    "[THROTTLED]": Status(Code.RATE_LIMITED, in_trouble=True),
    **_alike(Status(Code.AUTHENTICATION_TEMPORARY, in_trouble=True), *_PASSING, "[CORRUPTION]"),
    "[CLIENTBUG]": Status(Code.PROTOCOL_ERROR, settles=True),
    "[CANNOT]": Status(Code.PROTOCOL_ERROR),
    # RFC 2221: the account is on another server. Never followed: it would send the credential
    # wherever the server says.
    "[REFERRAL]": Status(Code.AUTHENTICATION_AMBIGUOUS, field=FieldKind.HOST, settles=True),
    "NO": Status(Code.AUTHENTICATION_FAILED, known=False),
    "BAD": Status(Code.PROTOCOL_ERROR, known=False),
    "BYE": Status(Code.AUTHENTICATION_TEMPORARY, known=False),
}

_IMAP_GREETING: Final[Table] = {
    "[THROTTLED]": Status(Code.RATE_LIMITED),
    **_alike(Status(Code.GREETING_REJECTED, retryable=False), "[CONTACTADMIN]", "[NOPERM]"),
    "[UNAVAILABLE]": Status(Code.GREETING_REJECTED, retryable=True),
    "BYE": Status(Code.GREETING_REJECTED, known=False, retryable=True),
    "": Status(Code.PROTOCOL_ERROR, known=False),
}

_IMAP_STARTTLS: Final[Table] = {
    **_alike(Status(Code.STARTTLS_REFUSED, retryable=True), "[UNAVAILABLE]", "[SERVERBUG]", "BYE"),
    "": Status(Code.STARTTLS_REFUSED),
}

# The login is proved: whatever stands between it and the mailbox.
_IMAP_MAILBOX: Final[Table] = {
    **_alike(Status(Code.MAILBOX_UNAVAILABLE, settles=True), "[NONEXISTENT]", "[TRYCREATE]"),
    **_alike(Status(Code.MAILBOX_UNAVAILABLE), "[NOPERM]", "[CONTACTADMIN]"),
    "[OVERQUOTA]": Status(Code.QUOTA_EXCEEDED),
    "[THROTTLED]": Status(Code.RATE_LIMITED),
    **_alike(Status(Code.MAILBOX_UNAVAILABLE, retryable=True), *_PASSING),
    "BYE": Status(Code.MAILBOX_UNAVAILABLE, known=False, retryable=True),
    "": Status(Code.MAILBOX_UNAVAILABLE, known=False),
}

TABLES: Final[dict[tuple[Protocol, PhaseName], Table]] = {
    (Protocol.SMTP, PhaseName.GREETING): _SMTP_GREETING,
    (Protocol.SMTP, PhaseName.CAPABILITY): _SMTP_CAPABILITY,
    (Protocol.SMTP, PhaseName.STARTTLS): _SMTP_STARTTLS,
    (Protocol.SMTP, PhaseName.AUTH): _SMTP_AUTH,
    (Protocol.SMTP, PhaseName.SENDER): _SMTP_SENDER,
    (Protocol.IMAP, PhaseName.GREETING): _IMAP_GREETING,
    (Protocol.IMAP, PhaseName.CAPABILITY): _IMAP_GREETING,
    (Protocol.IMAP, PhaseName.STARTTLS): _IMAP_STARTTLS,
    (Protocol.IMAP, PhaseName.AUTH): _IMAP_AUTH,
    (Protocol.IMAP, PhaseName.MAILBOX): _IMAP_MAILBOX,
}

UNKNOWN: Final = Status(Code.PROTOCOL_ERROR, settles=True, known=False)
"""A refusal where none can be: the dialogue has gone astray, whatever the words."""

TEMPORARY_RESPONSES: Final = frozenset({*(name[1:-1] for name in _PASSING), "THROTTLED"})
"""RFC 5530's, and two that Yahoo and OX send."""


def status_of(refusal: Refusal) -> Status:
    """The row for a refusal's code; the vaguest that there is where none names it."""
    table = TABLES.get((refusal.protocol, refusal.phase), {})
    key = next((key for key in _keys(refusal) if key in table), None)
    return UNKNOWN if key is None else replace(table[key], key=key)


def is_temporary(refusal: Refusal) -> bool:
    """Tell whether the code says that the same may work later (RFC 5321, section 4.2.1).

    4yz; 4.y.z; X.4.z, a network's state; and the response codes of a server in trouble.
    """
    detail = _detail(refusal)
    if refusal.protocol is Protocol.IMAP:
        return detail in TEMPORARY_RESPONSES
    of_network = detail[1:3] == ".4" and detail[3:4] == "."
    return refusal.condition.startswith("4") or detail.startswith("4.") or of_network


def reply_code(refusal: Refusal) -> str:
    """What a row's `on` and `not_on` are compared with: `535 5.7.8`, `NO [UNAVAILABLE]`."""
    return _keys(refusal)[0]


def _keys(refusal: Refusal) -> tuple[str, ...]:
    condition, detail = refusal.condition.upper(), _detail(refusal)
    if refusal.protocol is Protocol.SMTP:
        if condition.startswith("4") and detail.startswith("5"):
            detail = ""  # a contradiction: the reply code decides (RFC 5321, section 4.2.1)
        return (f"{condition} {detail}", detail or condition, condition, condition[:1], "")
    return (f"{condition} [{detail}]", f"[{detail}]", condition, "")


def _detail(refusal: Refusal) -> str:
    return (refusal.detail or "").split(" ", 1)[0].upper()
