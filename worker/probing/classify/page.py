"""CODES.md, the page on which a user looks a code up.

`python -m worker.probing.classify.page > CODES.md`

Generated from the tables, so that it says what the product does.
"""

import re
import sys
from collections.abc import Iterator
from typing import Final

from producer.contract.codes import REQUEST_CODES, SENDER_FINDINGS, Code, WarningCode
from worker.probing.classify.facts import FACTS, WARNINGS, Fact
from worker.probing.classify.providers import PasswordKind, PasswordLogin, Provider, load
from worker.probing.classify.sentences import SECURITY_WORDS

_NAMES: Final = {
    "server": "the server",
    "host": "the given name",
    "protocol": "IMAP or SMTP",
    "provider": "the provider",
    "implicit_port": "465 (SMTP) or 993 (IMAP)",
    "starttls_port": "587 (SMTP) or 143 (IMAP)",
}
_PASSWORDS: Final = {
    PasswordKind.ACCOUNT_PASSWORD: "the account's password",
    PasswordKind.APP_PASSWORD: "an app password",
    PasswordKind.MAIL_PASSWORD: "the mailbox's own password",
    PasswordKind.SMTP_CREDENTIAL: "an SMTP credential",
    PasswordKind.API_KEY: "an API key",
    PasswordKind.OAUTH_ONLY: "none, sign-in by OAuth",
}
_INTRODUCTION: Final = """\
# Codes and providers

Made from the tables by `python -m worker.probing.classify.page > CODES.md`;
a test holds it current.

In a result a code stands after `SMTP_` or `IMAP_`; in a report without. *Again?* says whether the
same settings may work later without a change; a server's own words may settle it otherwise, such
as for an account that is locked for some minutes only. *Change* is the input to look at.
"""
_ABOUT_PROVIDERS: Final = """\
The last column says what an entry was compared with and when; what that did not cover is general
knowledge. The sources were read as stored public copies, which may be older than the day given, and
a provider may have changed its settings since.
"""


def page() -> str:
    """The whole page, one line feed at its end."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "## Codes of a protocol or an item\n"
    ordinary = [code for code in Code if code not in REQUEST_CODES | SENDER_FINDINGS]
    yield from _table([(code, FACTS[code]) for code in ordinary])
    yield "\n## Findings after a login that worked\n"
    yield "The outcome stays `SUCCESS`; the code becomes a warning.\n"
    yield from _table([(code, FACTS[code]) for code in Code if code in SENDER_FINDINGS])
    yield "\n## Codes of a request as a whole\n"
    yield from _table([(code, FACTS[code]) for code in Code if code in REQUEST_CODES])
    yield "\n## Warnings\n"
    yield "| code | meaning | what to do |\n|---|---|---|"
    for warning in WarningCode:
        fact = WARNINGS[warning]
        yield f"| `{warning}` | {_filled(fact.meaning)} | {_filled(fact.remedy)} |"
    yield "\n## Providers\n"
    yield _ABOUT_PROVIDERS
    yield "| provider | servers | password | where a login is refused | compared with |"
    yield "|---|---|---|---|---|"
    for provider in load().known:
        yield _provider_row(provider)


def _table(rows: list[tuple[Code, Fact]]) -> Iterator[str]:
    yield "| code | meaning | what to do | again? | change |\n|---|---|---|---|---|"
    for code, fact in rows:
        again = "yes" if fact.retryable else "no"
        change = fact.field or ""
        meaning, remedy = _filled(fact.meaning), _filled(fact.remedy)
        yield f"| `{code}` | {meaning} | {remedy} | {again} | {change} |"


def _provider_row(provider: Provider) -> str:
    servers = "<br>".join(
        f"{server.host}:{server.port} {SECURITY_WORDS[server.security].split(' ')[0]}"
        for server in (*provider.smtp, *provider.imap)
    )
    password = _PASSWORDS[provider.password]
    oauth = provider.password is PasswordKind.OAUTH_ONLY
    if oauth and provider.smtp_password_login is PasswordLogin.SOMETIMES:
        password += "; for sending a password may be allowed"
    compared = provider.source
    if provider.last_checked:
        compared += f" ({provider.last_checked})"
    return f"| {provider.name} | {servers} | {password} | {_remedies(provider)} | {compared} |"


def _remedies(provider: Provider) -> str:
    if provider.smtp_remedy is None:
        return _capital(provider.remedy)
    return f"{_capital(provider.remedy)}<br>For sending: {provider.smtp_remedy}"


def _filled(text: str) -> str:
    text = text.replace("port {port}", "the given port")
    return _capital(re.sub(r"\{(\w+)\}", lambda name: _NAMES[name[1]], text))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


if __name__ == "__main__":
    sys.stdout.write(page())
