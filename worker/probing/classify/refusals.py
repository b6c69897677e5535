"""A server's no -> a verdict: first its status, then its words, then what its phase allows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from producer.contract.codes import Code
from worker.probing.classify.facts import FACTS
from worker.probing.classify.providers import Provider
from worker.probing.classify.status import Status, status_of
from worker.probing.classify.verdict import Verdict
from worker.probing.classify.wording import comparable
from worker.probing.classify.words import LEXICONS, Row
from worker.probing.target import Refusal

# What a vague phrase may not overrule: the status speaks of something else, and precisely.
_OUTWEIGHS_WEAK: Final = frozenset(
    {
        Code.AUTHENTICATION_TEMPORARY,
        Code.RATE_LIMITED,
        Code.TOO_MANY_CONNECTIONS,
        Code.QUOTA_EXCEEDED,
        Code.WEB_LOGIN_REQUIRED,
        Code.PROTOCOL_DISABLED,
    }
)


def classify_refusal(
    refusal: Refusal, provider: Provider | None, own_words: Sequence[str] = ()
) -> Verdict:
    """Turn a refusal into a verdict. Never raises, whatever the server wrote.

    `own_words`: what the tenant chose and a server may echo, host and user name; they are taken
    out of the text before any word is looked for.
    """
    status = status_of(refusal)
    row = None if status.settles else _row_for(refusal, status, provider, own_words)
    return _judge_sender(_verdict(status, row), provider)


def _row_for(
    refusal: Refusal, status: Status, provider: Provider | None, own_words: Sequence[str]
) -> Row | None:
    lexicon = LEXICONS.get(refusal.phase)
    if lexicon is None:
        return None
    outweighs_weak = status.code in _OUTWEIGHS_WEAK
    provider_id = provider.id if provider else ""
    condition = refusal.condition.upper()

    def applies(row: Row) -> bool:
        return not (
            (row.weak and outweighs_weak)
            or (row.on and not condition.startswith(row.on))
            or (row.providers and provider_id not in row.providers)
        )

    return lexicon.first(comparable(refusal.text, own_words), applies)


def _verdict(status: Status, row: Row | None) -> Verdict:
    code = row.code if row else status.code
    fact = FACTS[code]
    same = code is status.code
    retryable = next(
        chosen
        for chosen in (
            row.retryable if row else None,
            status.retryable if same else None,
            fact.retryable,
        )
        if chosen is not None
    )
    return Verdict(
        code=code,
        retryable=retryable,
        field=(row.field if row else None) or (status.field if same else None) or fact.field,
        hint=row.hint if row else None,
        recognised=row is not None or status.known,
    )


def _judge_sender(verdict: Verdict, provider: Provider | None) -> Verdict:
    """A no without a reason proves little where the provider looks at the sender only later."""
    unexplained = verdict.code is Code.SENDER_REJECTED and not verdict.recognised
    if unexplained and provider is not None and provider.sender_judged_later:
        fact = FACTS[Code.SENDER_INCONCLUSIVE]
        return replace(verdict, code=Code.SENDER_INCONCLUSIVE, retryable=fact.retryable)
    return verdict


def classify_accepted_sender(provider: Provider | None, *, sender: str, user: str) -> Verdict:
    """What a yes to MAIL FROM is worth: little where the provider looks at the sender only later.

    The address that logged in may always send as itself.
    """
    judged_later = provider is not None and provider.sender_judged_later
    code = Code.OK
    if judged_later and sender.casefold() != user.casefold():
        code = Code.SENDER_INCONCLUSIVE
    fact = FACTS[code]
    return Verdict(code, retryable=fact.retryable, field=fact.field)
