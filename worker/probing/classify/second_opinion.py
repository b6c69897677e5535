"""What was learnt of labelled replies, where the rules know nothing or guess by a code alone."""

from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from producer.contract.rules import LEARNT, UNKNOWN_WORDS, status_rule, words_rule
from worker.probing.classify import learnt
from worker.probing.classify.facts import FACTS
from worker.probing.classify.heard import Heard
from worker.probing.classify.status import Status, is_temporary
from worker.probing.classify.verdict import Verdict
from worker.probing.classify.words import TABLE
from worker.probing.target import Refusal

_NEVER_LEARNT: Final = frozenset(
    {Code.AUTHENTICATION_FAILED, Code.MAILBOX_UNAVAILABLE, Code.AUTH_UNPROVEN}
)
"""That a password is wrong, that it is right, that a yes was none: likelihood cannot tell these."""


def lead_to_outweigh(refusal: Refusal, status: Status, verdict: Verdict) -> float | None:
    """Say how far ahead what was learnt must be; None where the rules are not to be outweighed.

    A rule that has a hint names the cause, and is none of the vaguest.
    """
    if verdict.rule == UNKNOWN_WORDS:
        return learnt.LEAD
    if refusal.phase is PhaseName.SENDER and verdict.rule == words_rule("sender"):
        return None if verdict.hint else learnt.LEAD_OVER_A_RULE
    by_class = not (status.settles or status.in_trouble or "." in status.key or "[" in status.key)
    open_to_doubt = refusal.phase is PhaseName.SENDER or (
        refusal.phase is PhaseName.AUTH and not verdict.recognised
    )
    by_code_alone = by_class and verdict.rule == status_rule(status.key)
    return learnt.LEAD if open_to_doubt and by_code_alone else None


def as_learnt(refusal: Refusal, verdict: Verdict, heard: Heard, lead: float) -> Verdict:
    """Ask what labelled replies in such words meant."""
    words = heard.words()
    says_more = any(word not in TABLE.beside for word in learnt.meant(words))
    denied = refusal.phase is PhaseName.AUTH and heard.denies()
    if not says_more or denied or heard.hangs_on_own:
        return verdict
    opinion = learnt.opinion(refusal, words, verdict.code, lead)
    if opinion is None or opinion.code in _NEVER_LEARNT:
        return verdict
    fact = FACTS[opinion.code]
    return Verdict(
        opinion.code,
        retryable=fact.retryable or is_temporary(refusal),
        field=fact.field,
        hint=UNKNOWN_WORDS if refusal.phase is PhaseName.AUTH else None,
        recognised=False,
        rule=LEARNT,
        words=opinion.words,
    )
