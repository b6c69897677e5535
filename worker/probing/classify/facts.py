"""Every code of docs/CONTRACT.md section 6: retryable, field, meaning, remedy.

The one place: the verdicts, the sentences and CODES.md come from this table. `meaning` is the
first half of a sentence for a dealer's office, `remedy` the second; no word in them that such an
office would have to look up. `{server}`, `{provider}` and `{protocol}` are filled in.
"""

from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code, WarningCode
from worker.probing.classify.verdict import FieldKind


@dataclass(frozen=True, slots=True)
class Fact:
    """`retryable`: the same settings may work later without anybody changing anything."""

    meaning: str
    remedy: str
    retryable: bool = False
    field: FieldKind | None = None


FACTS: Final[dict[Code, Fact]] = {
    Code.OK: Fact("The login worked", "nothing needs to be done"),
    # Before any network.
    Code.INVALID_FIELD: Fact(
        "A setting is not in a form that can be used", "correct it and test again"
    ),
    Code.MASKED_PASSWORD: Fact(
        "The password is only the asterisks that stand for a hidden password",
        "type the real password",
        field=FieldKind.PASSWORD,
    ),
    Code.NOTHING_TO_TEST: Fact(
        "There is no mail server or no login to test",
        "fill in the server, the user name and the password",
        field=FieldKind.HOST,
    ),
    Code.TARGET_NOT_ALLOWED: Fact(
        "The server or port is not one that may be tested from here",
        "use the public name of the mail server and one of its usual ports",
        field=FieldKind.HOST,
    ),
    Code.LOGIN_COOLDOWN: Fact(
        "Too many logins of this account were refused in the last minutes, so none was sent "
        "in order not to lock the account",
        "correct the password and test again after a pause",
        retryable=True,
        field=FieldKind.PASSWORD,
    ),
    # Reaching the server.
    Code.DNS_NOT_FOUND: Fact(
        "There is no server called {host}",
        "check the spelling of the server name",
        field=FieldKind.HOST,
    ),
    Code.DNS_TEMPORARY: Fact(
        "The address of {host} could not be looked up just now",
        "try again in a few minutes",
        retryable=True,
    ),
    Code.CONNECTION_REFUSED: Fact(
        "{server} is there but takes no connections on port {port}",
        "check the port",
        field=FieldKind.PORT,
    ),
    Code.CONNECTION_TIMED_OUT: Fact(
        "{server} did not answer on port {port}",
        "check the server name and the port, or try again later",
        retryable=True,
        field=FieldKind.PORT,
    ),
    Code.NETWORK_UNREACHABLE: Fact(
        "There is no way from our network to {server}", "try again later", retryable=True
    ),
    Code.CONNECTION_CLOSED: Fact(
        "{server} closed the connection before the test was done",
        "try again later, and check the port and the encryption setting if it stays so",
        retryable=True,
    ),
    # Encryption.
    Code.TLS_MODE_MISMATCH: Fact(
        "The encryption setting does not fit port {port} of {server}",
        "use SSL/TLS with port {implicit_port}, or STARTTLS (encryption that begins after "
        "connecting) with port {starttls_port}",
        field=FieldKind.SECURITY,
    ),
    Code.TLS_HANDSHAKE_FAILED: Fact(
        "No encrypted connection to {server} could be agreed on",
        "check the port and the encryption setting, or ask the mail provider",
        field=FieldKind.SECURITY,
    ),
    Code.TLS_VERSION_UNSUPPORTED: Fact(
        "{server} only knows an encryption (TLS) too old to be safe",
        "ask the mail provider to switch on TLS 1.2 or newer",
    ),
    Code.CERTIFICATE_EXPIRED: Fact(
        "The certificate by which {server} proves who it is is not valid today",
        "ask the mail provider to renew it",
    ),
    Code.CERTIFICATE_NAME_MISMATCH: Fact(
        "The certificate of {server} is for another name, so it may not be the right server",
        "use the server name that the mail provider gives",
        field=FieldKind.HOST,
    ),
    Code.CERTIFICATE_UNTRUSTED: Fact(
        "The certificate by which {server} proves who it is comes from nobody that is trusted",
        "ask the mail provider for a server with a publicly trusted certificate",
    ),
    Code.CERTIFICATE_WEAK: Fact(
        "The certificate of {server} is made with outdated cryptography",
        "ask the mail provider to replace it",
    ),
    Code.CLIENT_CERTIFICATE_REQUIRED: Fact(
        "{server} asks for a certificate of ours besides the password",
        "ask the mail provider for a server that takes user name and password",
    ),
    Code.TLS_BYPASS: Fact(
        "{server} claimed a login before the connection was encrypted, so the test was stopped",
        "use SSL/TLS with port {implicit_port}, and tell the mail provider",
        field=FieldKind.SECURITY,
    ),
    Code.STARTTLS_NOT_OFFERED: Fact(
        "{server} does not offer STARTTLS (encryption that begins after connecting) on port {port}",
        "use SSL/TLS with port {implicit_port}",
        field=FieldKind.SECURITY,
    ),
    Code.STARTTLS_REFUSED: Fact(
        "{server} offers STARTTLS (encryption that begins after connecting) but did not start it",
        "use SSL/TLS with port {implicit_port}, or try again later",
        field=FieldKind.SECURITY,
    ),
    Code.STARTTLS_INJECTION: Fact(
        "Something sent unencrypted text into the start of the encryption, so the test was stopped "
        "before any password was sent",
        "use SSL/TLS with port {implicit_port}, and tell the mail provider",
        field=FieldKind.SECURITY,
    ),
    # The conversation.
    Code.GREETING_REJECTED: Fact(
        "{server} turned us away before any login",
        "ask the mail provider whether it blocks our network",
    ),
    Code.WRONG_SERVICE: Fact(
        "What answers on port {port} of {host} is no {protocol} mail server",
        "check the server name and the port",
        field=FieldKind.PORT,
    ),
    Code.PROTOCOL_ERROR: Fact(
        "{server} answered in a way that no mail server should",
        "check the port, or ask the mail provider",
    ),
    Code.RESPONSE_TOO_LARGE: Fact(
        "{server} sent more than a mail server should", "check the server name and the port"
    ),
    Code.DEADLINE_EXCEEDED: Fact(
        "{server} took too long to answer",
        "try again later, and check the port and the encryption setting if it stays so",
        retryable=True,
    ),
    # The login.
    Code.AUTH_NOT_OFFERED: Fact(
        "{server} does not offer a login on port {port}",
        "use a port for mail programs, {implicit_port} with SSL/TLS or {starttls_port} with "
        "STARTTLS (encryption that begins after connecting)",
        field=FieldKind.PORT,
    ),
    Code.NO_COMMON_MECHANISM: Fact(
        "{server} only takes kinds of login that we do not speak",
        "ask the mail provider to allow logins with user name and password",
    ),
    Code.AUTH_REQUIRES_TLS: Fact(
        "{server} takes a login only over an encrypted connection",
        "use SSL/TLS with port {implicit_port}, or STARTTLS (encryption that begins after "
        "connecting) with port {starttls_port}",
        field=FieldKind.SECURITY,
    ),
    Code.AUTH_UNPROVEN: Fact(
        "{server} said yes without checking the password, which proves nothing",
        "check the server name, or ask the mail provider",
        field=FieldKind.HOST,
    ),
    Code.AUTHENTICATION_FAILED: Fact(
        "{server} did not accept the user name and password",
        "check both, the whole e-mail address being the usual user name",
        field=FieldKind.PASSWORD,
    ),
    Code.AUTHENTICATION_AMBIGUOUS: Fact(
        "{server} refused the login without saying whether the password is wrong or this kind of "
        "login is switched off",
        "check the password, then whether {protocol} is switched on for the account",
        field=FieldKind.PASSWORD,
    ),
    Code.AUTHENTICATION_TEMPORARY: Fact(
        "{server} could not check the login just now", "try again in a few minutes", retryable=True
    ),
    Code.CLIENT_BLOCKED: Fact(
        "{provider} does not let {our_address}, or the country that it is in, log in",
        "ask the mail provider to allow the address, or switch off the block of addresses or "
        "countries in the settings of the account",
    ),
    Code.APP_PASSWORD_REQUIRED: Fact(
        "{provider} does not take the usual password here",
        "create an app password (a separate password for one program) in the account's security "
        "settings and use that",
        field=FieldKind.PASSWORD,
    ),
    Code.PASSWORD_LOGIN_DISABLED: Fact(
        "{provider} does not allow {protocol} logins with a password for this account",
        "ask the administrator of the mail account to allow them, or connect the account without "
        "a password (OAuth sign-in)",
    ),
    Code.PROTOCOL_DISABLED: Fact(
        "{protocol} is switched off for this account at {provider}",
        "switch it on in the settings of the mailbox, or ask its administrator to do so",
    ),
    Code.WEB_LOGIN_REQUIRED: Fact(
        "{provider} wants the owner to sign in with a web browser first",
        "sign in there, confirm what it asks, and test again",
    ),
    Code.ACCOUNT_LOCKED: Fact(
        "{provider} has locked or disabled this account",
        "sign in on the provider's web site to unlock it, or ask its administrator",
    ),
    Code.PASSWORD_EXPIRED: Fact(
        "The password of this account has expired",
        "choose a new password at {provider} and use that",
        field=FieldKind.PASSWORD,
    ),
    Code.RATE_LIMITED: Fact(
        "{server} asks us to slow down", "wait some minutes and test again", retryable=True
    ),
    Code.TOO_MANY_CONNECTIONS: Fact(
        "Too many programs are connected to this account or server at once",
        "close other mail programs or wait some minutes, and test again",
        retryable=True,
    ),
    Code.QUOTA_EXCEEDED: Fact(
        "A limit of this account is used up, such as its storage or the mails of its plan",
        "free space or raise the limit at {provider}",
    ),
    # After the login.
    Code.MAILBOX_UNAVAILABLE: Fact(
        "The login worked, but the inbox cannot be opened",
        "ask the mail provider whether the account has a mailbox",
    ),
    Code.SENDER_REJECTED: Fact(
        "The login worked, but {server} does not let this account send as the dealer's address",
        "add the address as an alias or verified sender at {provider}, or use another one",
        field=FieldKind.SENDER,
    ),
    Code.SENDER_INCONCLUSIVE: Fact(
        "The login worked, but {server} does not tell yet whether this account may send as the "
        "dealer's address",
        "send a first mail to yourself to be sure",
        field=FieldKind.SENDER,
    ),
    # The request as a whole.
    Code.INVALID_REQUEST_DATA: Fact(
        "The request does not have the documented form",
        "correct what the description names and submit it again",
    ),
    Code.REQUEST_UNREADABLE: Fact(
        "The request could not be read",
        "submit it again, sealed with the current key if it is sealed",
    ),
    Code.REQUEST_EXPIRED: Fact(
        "The request waited longer than it is kept", "submit it again with a new job id"
    ),
    Code.REQUEST_NOT_SEALED: Fact(
        "The request was not sealed, and only sealed requests are accepted",
        "seal it with the public key of this service",
    ),
    Code.WORKER_FAILED: Fact(
        "The test could not be finished because of a fault on our side",
        "submit it again, and give support the error's id if it happens again",
        retryable=True,
    ),
    Code.INTERNAL_SERVER_ERROR: Fact(
        "Something went wrong on our side",
        "submit it again, and give support the error's id if it happens again",
        retryable=True,
    ),
}

WARNINGS: Final[dict[WarningCode, Fact]] = {
    WarningCode.STARTTLS_IGNORED: Fact(
        "Both SSL/TLS and STARTTLS are switched on, so SSL/TLS was used", "switch STARTTLS off"
    ),
    WarningCode.CLEARTEXT_LOGIN: Fact(
        "The login is set to travel without encryption, so others can read the password",
        "switch on SSL/TLS or STARTTLS (encryption that begins after connecting)",
    ),
    WarningCode.UNKNOWN_CREDENTIALS_TYPE: Fact(
        "The type of the credentials is not one that we know, so every server given was tested",
        "use SMTP, IMAP, BOTH or OAUTH2",
    ),
    WarningCode.AUTH_SKIPPED: Fact(
        "Sending is set to work without a login, so only the connection was tested",
        "switch the login on if the mail provider wants one",
    ),
    WarningCode.LOGIN_NOT_REPEATED: Fact(
        "The very same login was refused a short while ago, so it was not sent again in order not "
        "to lock the account",
        "change the user name or the password before the next test",
    ),
    WarningCode.CERTIFICATE_EXPIRES_SOON: Fact(
        "The certificate of {server} runs out soon", "ask the mail provider to renew it"
    ),
    WarningCode.PASSWORD_LOGIN_UNLIKELY: Fact(
        "{provider} takes no password for {protocol}, so this login can hardly work",
        "connect the account without a password (OAuth sign-in)",
    ),
    WarningCode.SETTINGS_SUGGESTED: Fact(
        "Other settings of this server were seen to answer", "see the suggestion in the report"
    ),
    WarningCode.UNKNOWN_FIELD: Fact(
        "The request has a field that is not documented and looks like one that is, so it was "
        "ignored",
        "spell its name as documented",
    ),
}
