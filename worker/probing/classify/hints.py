"""Hints: a cause or a remedy more exact than the code's own. Keys of `Verdict.hint`.

A hint comes from a row of words, a phase, or the fault. An unknown one changes nothing.
"""

from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code, WarningCode


@dataclass(frozen=True, slots=True)
class Hint:
    """What replaces the code's meaning or remedy; None keeps it. Filled in as `Fact` is."""

    meaning: str | None = None
    remedy: str | None = None


def _service(words: str) -> Hint:
    return Hint(
        f"What answers on port {{port}} of {{host}} is {words}, no {{protocol}} mail server"
    )


HINTS: Final[dict[str, Hint]] = {
    "host": Hint(
        "What is given as the mail server is no server name",
        "give the name alone, like mail.example.com, without a port or a web address",
    ),
    "not_connected": Hint(
        "The login worked, but {provider} could not open the mailbox behind it",
        "try again in a few minutes, and if it stays so ask the administrator whether the account "
        "has a mailbox and a licence for it",
    ),
    "unsafe_login": Hint(
        "The login worked, but {provider} holds the mailbox back from programs that it does not "
        "know",
        "sign in to the mailbox with a web browser and allow access by mail programs there",
    ),
    "too_many_attempts": Hint(
        "{provider} has locked the login for a while, as after too many wrong passwords",
        "wait about an hour, check the password in a web browser, and test again",
    ),
    "unknown_words": Hint("{server} refused the login and said {said}"),
    "password_or_switch": Hint(
        "{provider} refused the login: either the password is wrong or {protocol} is switched off"
    ),
    "server_busy": Hint(
        "{server} is too busy or under repair, and turned us away before any login",
        "try again in a few minutes",
    ),
    "mailbox_busy": Hint(
        "The login worked, but {server} could not open the inbox just now",
        "try again in a few minutes, and ask the mail provider if it stays so",
    ),
    "spf": Hint(
        "The login worked, but {server} does not take mail from the dealer's address, as the SPF "
        "record of its domain does not allow it",
        "ask who runs the domain to correct that record, or use another address",
    ),
    "our_address": Hint(
        "{server} does not accept connections from {our_address}",
        "ask the mail provider to allow it, or use the server for sending programs that it names",
    ),
    "tls_greeting": Hint(
        "On {host} port {port} is encrypted from the start, but STARTTLS (encryption that begins "
        "after connecting) or none is set",
        "use SSL/TLS with port {port}",
    ),
    "plain_greeting": Hint(
        "On {host} port {port} is not encrypted from the start, but SSL/TLS is set",
        "use STARTTLS (encryption that begins after connecting) with port {port}, or SSL/TLS with "
        "port {implicit_port}",
    ),
    "silent_greeting": Hint(
        "{server} took the connection on port {port} but said nothing",
        "use SSL/TLS with port {implicit_port}, or STARTTLS (encryption that begins after "
        "connecting) with port {starttls_port}, and try again later if it is set so already",
    ),
    "silent_tls": Hint(
        "{server} took the connection on port {port} but did not begin the encryption",
        "use SSL/TLS with port {implicit_port}, or STARTTLS (encryption that begins after "
        "connecting) with port {starttls_port}, and try again later if it is set so already",
    ),
    "silent_login": Hint(
        "{server} gave no answer to the login in time", "try again in a few minutes"
    ),
    "closed_at_greeting": Hint(
        "{server} took the connection on port {port} and closed it at once",
        "check the port and the encryption setting, or try again later",
    ),
    "closed_at_login": Hint(
        "{server} closed the connection instead of answering the login",
        "try again in a few minutes, and check the password before",
    ),
    "weak_scram": Hint(
        "{server} asked for a login in a way that would expose the password to guessing",
        "ask the mail provider to repair its login settings",
    ),
    "ssh": _service("a remote login service (SSH)"),
    "http": _service("a web server"),
    "pop3": _service("a POP3 server (another way to fetch mail)"),
    "smtp": _service("a server for sending mail (SMTP)"),
    "imap": _service("a server for reading mail (IMAP)"),
    "tls": _service("a server that speaks encrypted from the start (SSL/TLS)"),
    "redis": _service("a database"),
}

OF_A_TOKEN: Final[dict[str, Hint]] = {
    Code.NO_COMMON_MECHANISM: Hint(
        "{server} takes no access token (OAuth 2), and the credentials are set to be one",
        "give the password and set the type of the credentials to BOTH, SMTP or IMAP, or ask the "
        "mail provider which server takes tokens",
    ),
    Code.AUTHENTICATION_FAILED: Hint(
        "{server} did not accept the user name and access token",
        "get a fresh token that is allowed to use {protocol}, and check the user name, which is "
        "usually the whole e-mail address",
    ),
    Code.AUTHENTICATION_AMBIGUOUS: Hint(
        "{server} refused the login without saying whether the access token is wrong or this kind "
        "of login is switched off",
        "get a fresh token, then check whether {protocol} is switched on for the account",
    ),
    "password_or_switch": Hint(
        "{provider} refused the login: either the access token is wrong or {protocol} is switched "
        "off"
    ),
    "closed_at_login": Hint(remedy="get a fresh access token and try again in a few minutes"),
    Code.AUTH_UNPROVEN: Hint(
        "{server} said yes without checking the access token, which proves nothing"
    ),
    Code.LOGIN_COOLDOWN: Hint(remedy="get a fresh access token and test again after a pause"),
    WarningCode.LOGIN_NOT_REPEATED: Hint(
        remedy="get a fresh access token or change the user name before the next test"
    ),
}
"""What stands in place of words about a password where a bearer token was given: by hint, code or
warning. It goes before a provider's remedy, which tells how to get a password that works.
"""
