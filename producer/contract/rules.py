"""What may have decided a code: the closed set of `evidence.rule` (docs/CONTRACT.md, section 12).

The tables of the worker make these names; a test holds both against each other, so that adding a
rule is a change of the contract that somebody has to write down.
"""

from typing import Final

from producer.contract.codes import REQUEST_CODES, SUCCESSFUL, Code

UNKNOWN_WORDS: Final = "unknown_words"
LEARNT: Final = "learnt"
PROVED: Final = "proved"
ACCEPTED: Final = "accepted"
ACCEPTED_JUDGED_LATER: Final = "accepted.judged_later"
COOLDOWN: Final = "gate.cooldown"
NOT_REPEATED: Final = "gate.not_repeated"

SINGLE_RULES: Final = {
    PROVED: "the server proved what was asked",
    ACCEPTED: "the server took the sender's address",
    ACCEPTED_JUDGED_LATER: "it did, and this provider is known to judge the sender only later",
    UNKNOWN_WORDS: "the server said something that no rule knows",
    LEARNT: "in labelled replies the server's words mostly mean this",
    COOLDOWN: "too many refused logins: nothing was sent",
    NOT_REPEATED: "the very same login was refused a while ago: nothing was sent",
}
"""Rules of no family, with what they mean."""

WORD_GROUPS: Final = (
    *("access_denied", "access_disabled", "account_locked", "ambiguous"),
    *("app_password", "app_password_wrong"),
    *("blocked", "busy", "client_blocked", "client_certificate", "come_back"),
    *("credentials_incorrect", "failed", "in_general", "later", "login_wanted", "malformed"),
    *("no_mailbox", "no_mechanism", "not_connected", "not_offered", "password_expired"),
    *("password_login_disabled", "protocol_disabled", "quota", "rate_limited", "requires_tls"),
    *("second_factor", "sender", "sender_in_general", "suspended_service", "suspicious"),
    *("temporary", "tls_version"),
    *("token", "too_many_connections", "unknown_user", "unpaid", "unreadable", "web_login"),
    "wrong_credentials",
)
"""Of what a server says: groups of `worker/probing/classify/words.toml`."""

STATUS_ROWS: Final = (
    *("4", "421", "421 4.7.0", "421 4.7.28", "432", "432 4.7.12", "435", "451", "454"),
    *("5", "500", "500 5.5.6", "501", "502", "503", "504", "521", "525", "530", "534"),
    *("534 5.7.14", "535", "538", "550", "550 5.7.1", "552", "554", "555"),
    *("4.7.500", "5.1.7", "5.1.8", "5.2.1", "5.2.2", "5.7.0", "5.7.4", "5.7.8", "5.7.10"),
    *("5.7.11", "5.7.13", "5.7.27", "5.7.30", "5.7.57", "5.7.60", "5.7.139"),
    *("NO", "BAD", "BYE", "[AUTHENTICATIONFAILED]", "[AUTHORIZATIONFAILED]", "[CANNOT]"),
    *("[CLIENTBUG]", "[CONTACTADMIN]", "[CORRUPTION]", "[EXPIRED]", "[INUSE]", "[LIMIT]"),
    *("[NONEXISTENT]", "[NOPERM]", "[OVERQUOTA]", "[PRIVACYREQUIRED]", "[REFERRAL]"),
    *("[SERVERBUG]", "[TEMPFAIL]", "[THROTTLED]", "[TRYCREATE]", "[UNAVAILABLE]", "[WEBALERT]"),
)
"""Of reply, enhanced and response codes: rows of `worker/probing/classify/status.py`."""

FAULT_CODES: Final = tuple(
    code
    for code in Code
    if code is Code.INTERNAL_SERVER_ERROR or code not in REQUEST_CODES | SUCCESSFUL
)
"""What a dialogue that broke may have told."""


def words_rule(group: str) -> str:
    """Name the rule of a group of words."""
    return f"words.{group}"


def is_words_rule(rule: str) -> bool:
    """Tell whether a rule is a group of words."""
    return rule.startswith(words_rule(""))


def status_rule(row: str) -> str:
    """Name the rule of a row of codes; the fall-back of a phase has no name of its own."""
    return f"status.{row}" if row else "status"


def fault_rule(code: Code) -> str:
    """Name the rule of a dialogue that broke."""
    return f"fault.{code.lower()}"


RULES: Final = (
    *SINGLE_RULES,
    *map(words_rule, WORD_GROUPS),
    *map(status_rule, ("", *STATUS_ROWS)),
    *map(fault_rule, FAULT_CODES),
)
