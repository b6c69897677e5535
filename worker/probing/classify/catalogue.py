"""Every code with its meaning and remedy, once for people (`page`) and once for programs.

Made from the tables that the verdicts are made from, so that it says what the product does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from producer.contract.codes import REQUEST_CODES, SENDER_FINDINGS, Code, WarningCode, help_url
from worker.probing.classify.facts import FACTS, WARNINGS, Fact
from worker.probing.classify.providers import Provider, load
from worker.probing.classify.sentences import Context, provider_remedy
from worker.probing.classify.verdict import Verdict
from worker.probing.target import Protocol

_NAMES: Final = {
    "server": "the server",
    "host": "the given name",
    "protocol": "IMAP or SMTP",
    "provider": "the provider",
    "implicit_port": "465 (SMTP) or 993 (IMAP)",
    "our_address": "our network address",
    "starttls_port": "587 (SMTP) or 143 (IMAP)",
}


class CodeKind(StrEnum):
    """What a code speaks of."""

    PROBE = "probe"
    FINDING = "finding"
    REQUEST = "request"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class ProviderRemedy:
    """What helps at one provider, for both protocols where `protocol` is None."""

    provider: Provider
    protocol: Protocol | None
    remedy: str


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One code. `field`: the kind of input to change, empty for none."""

    code: Code | WarningCode
    group: CodeKind
    meaning: str
    remedy: str
    retryable: bool
    field: str
    providers: tuple[ProviderRemedy, ...] = ()

    def as_json(self, page: str) -> dict[str, object]:
        """Return what `mailvouch codes --json` prints of it; `page`: where CODES.md is hosted."""
        return {
            "code": self.code.value,
            "group": self.group.value,
            "meaning": self.meaning,
            "remedy": self.remedy,
            "retryable": self.retryable,
            "field": self.field or None,
            "helpUrl": help_url(self.code, page),
            "providers": [
                {
                    "id": one.provider.id,
                    "name": one.provider.name,
                    "protocol": one.protocol and one.protocol.value,
                    "remedy": one.remedy,
                }
                for one in self.providers
            ],
        }


def entries() -> tuple[CodeEntry, ...]:
    """Every code, then every warning, in the order of their tables."""
    codes = (_entry(code, _group(code), FACTS[code], _remedies(code)) for code in Code)
    warnings = (_entry(code, CodeKind.WARNING, WARNINGS[code]) for code in WarningCode)
    return (*codes, *warnings)


def _group(code: Code) -> CodeKind:
    if code in SENDER_FINDINGS:
        return CodeKind.FINDING
    return CodeKind.REQUEST if code in REQUEST_CODES else CodeKind.PROBE


def _entry(
    code: Code | WarningCode,
    group: CodeKind,
    fact: Fact,
    providers: tuple[ProviderRemedy, ...] = (),
) -> CodeEntry:
    return CodeEntry(
        code=code,
        group=group,
        meaning=filled(fact.meaning),
        remedy=filled(fact.remedy),
        retryable=fact.retryable,
        field=fact.field.value if fact.field else "",
        providers=providers,
    )


def _remedies(code: Code) -> tuple[ProviderRemedy, ...]:
    return tuple(one for provider in load().known for one in _remedies_of(code, provider))


def _remedies_of(code: Code, provider: Provider) -> Iterator[ProviderRemedy]:
    verdict = Verdict(code, FACTS[code].retryable)
    found = {
        protocol: remedy
        for protocol in Protocol
        if provider.servers(protocol)
        and (remedy := provider_remedy(verdict, Context(protocol, provider=provider)))
    }
    if len(found) > 1 and len(set(found.values())) == 1:
        yield ProviderRemedy(provider, None, filled(next(iter(found.values()))))
        return
    for protocol, remedy in found.items():
        yield ProviderRemedy(provider, protocol, filled(remedy))


def filled(text: str) -> str:
    """Fill a template in for no server in particular; with a capital."""
    text = text.replace("port {port}", "the given port")
    for name, words in _NAMES.items():
        text = text.replace(f"{{{name}}}", words)
    return text[0].upper() + text[1:]
