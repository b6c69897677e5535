"""A provider that looks at the sender only later: what its answer to MAIL FROM is worth."""

from dataclasses import replace

from producer.contract.codes import Code
from producer.contract.rules import ACCEPTED, ACCEPTED_JUDGED_LATER
from worker.probing.classify.facts import FACTS
from worker.probing.classify.providers import Provider
from worker.probing.classify.verdict import Verdict


def doubted_sender(verdict: Verdict, provider: Provider | None) -> Verdict:
    """Doubt a refusal without a reason where the provider looks at the sender only later."""
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
    rule = ACCEPTED if code is Code.OK else ACCEPTED_JUDGED_LATER
    return Verdict(code, retryable=fact.retryable, field=fact.field, rule=rule)
