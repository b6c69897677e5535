"""CODES.md, on which a user looks a code up: `python -m docs.make_codes` (`make docs`).

`helpUrl` of a report leads to its anchors.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from producer.contract.rules import SINGLE_RULES, STATUS_ROWS, WORD_GROUPS, words_rule
from worker.probing.classify.catalogue import CodeEntry, CodeKind, entries, filled
from worker.probing.classify.providers import PasswordKind, PasswordLogin, Provider, load
from worker.probing.classify.sentences import SECURITY_WORDS
from worker.probing.classify.words import TABLE

PAGE: Final = Path(__file__).parents[1] / "CODES.md"

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

Made from the tables by `python -m docs.make_codes` (`make docs`); a test holds it
current. `mailvouch codes --json` prints the same for programs, with each provider's own remedy;
`mailvouch explain` tells what a server's reply would give.

In a result a code stands after `SMTP_` or `IMAP_`; in a report without, beside a `helpUrl` that
leads to its section here. *Again* says whether the same settings may work later without a change; a
server's own words may settle it otherwise, such as for an account that is locked for some minutes
only. *Change* is the input to look at. What the HTTP gateway says for itself, such as
`WRONG_CREDENTIAL`, and what is said of integrations, such as `AppIntegrationNotFound`, is in
[docs/CONTRACT.md](docs/CONTRACT.md), sections 10 and 7.
"""
_GROUPS: Final = {
    CodeKind.PROBE: "Codes of a protocol or an item",
    CodeKind.FINDING: "Findings after a login that worked",
    CodeKind.REQUEST: "Codes of a request as a whole",
    CodeKind.WARNING: "Warnings",
}
_REMARKS: Final = {
    CodeKind.FINDING: "The outcome stays `SUCCESS`; the code becomes a warning.\n",
    CodeKind.REQUEST: "`INTERNAL_SERVER_ERROR` also stands on an item, after `SMTP_` or `IMAP_`.\n",
}
_ABOUT_RULES: Final = """\
`evidence.rule` of a report names what decided the code. The set is closed: `Rule` in the JSON
schema of `mailvouch schema`.
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
    known = entries()
    yield _INTRODUCTION
    for group, title in _GROUPS.items():
        yield f"## {title}\n"
        if group in _REMARKS:
            yield _REMARKS[group]
        yield from _sections([entry for entry in known if entry.group is group])
    yield from _rules()
    yield "## Providers\n"
    yield _ABOUT_PROVIDERS
    yield "| provider | servers | user name | password | where a login is refused | compared with |"
    yield "|---|---|---|---|---|---|"
    for provider in load().known:
        yield _provider_row(provider)


def _sections(group: Sequence[CodeEntry]) -> Iterator[str]:
    for entry in group:
        # The anchor is written out: not every renderer makes one of a heading.
        yield f'### <a id="{entry.code.lower()}"></a>`{entry.code}`\n'
        yield f"{entry.meaning}. **What to do:** {entry.remedy}."
        if entry.group is not CodeKind.WARNING:
            again = "yes" if entry.retryable else "no"
            change = f" *Change:* {entry.field}." if entry.field else ""
            yield f"*Again:* {again}.{change}"
        yield ""


def _rules() -> Iterator[str]:
    yield '## <a id="rules"></a>Rules\n'
    yield _ABOUT_RULES
    yield "| rule | what decided |"
    yield "|---|---|"
    for rule, meaning in SINGLE_RULES.items():
        yield f"| `{rule}` | {meaning} |"
    for group in WORD_GROUPS:
        codes = dict.fromkeys(f"`{row.code}`" for row in TABLE.rows if row.name == group)
        yield f"| `{words_rule(group)}` | the server's words: {', '.join(codes)} |"
    rows = ", ".join(f"`{row}`" for row in STATUS_ROWS)
    yield f"| `status`, `status.<code>` | the code alone; `<code>` is one of {rows} |"
    yield "| `fault.<code>` | what broke the dialogue, by the code in lower case |\n"


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
    cells = (provider.name, servers, _user(provider), password, _remedies(provider), compared)
    return f"| {' | '.join(cells)} |"


def _user(provider: Provider) -> str:
    """What to give as the user name, and which region's servers to use where there are several."""
    return "<br>".join(map(filled, filter(None, (provider.username_form, provider.region_rule))))


def _remedies(provider: Provider) -> str:
    if provider.smtp_remedy is None:
        return filled(provider.remedy)
    return f"{filled(provider.remedy)}<br>For sending: {provider.smtp_remedy}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
