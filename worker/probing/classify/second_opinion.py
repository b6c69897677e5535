"""What was learnt of labelled replies: where it is believed instead of the rules."""

import math
from dataclasses import replace
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from producer.contract.rules import LEARNT, UNKNOWN_WORDS, is_words_rule, status_rule, words_rule
from worker.probing.classify import learnt
from worker.probing.classify.facts import FACTS
from worker.probing.classify.heard import Heard
from worker.probing.classify.spelling import Words
from worker.probing.classify.status import Status, is_temporary
from worker.probing.classify.verdict import Verdict
from worker.probing.classify.words import TABLE
from worker.probing.target import Refusal

_OF_A_SENDER: Final = (words_rule("sender"), words_rule("sender_in_general"))
_COUNTS_WRONG_PASSWORDS: Final = frozenset({Code.ACCOUNT_LOCKED, Code.CLIENT_BLOCKED})
"""Where another try makes it worse: learnt words never call such a reply a wrong password."""

_WHO_IS_TO_ACT: Final = frozenset({"[CANNOT]", "[CONTACTADMIN]"})

LEAD_OF_A_WRONG_PASSWORD: Final = math.log(100)
APART_OF_A_WRONG_PASSWORD: Final = math.log(20)
KNOWN_OF_A_WRONG_PASSWORD: Final = 0.75
"""So far must that be ahead and apart from all else, and so many of the words known: a mistake
makes somebody type a right password for an hour.
"""


def lead_to_outweigh(refusal: Refusal, status: Status, verdict: Verdict) -> float | None:
    """Say how far ahead what was learnt must be; None where the rules are not to be outweighed.

    A rule that has a hint knows the very reply.
    """
    if verdict.rule == UNKNOWN_WORDS:
        return learnt.LEAD
    if verdict.hint is not None or status.settles or status.in_trouble:
        return None
    if is_words_rule(verdict.rule):
        outweighed = refusal.phase is PhaseName.AUTH or verdict.rule in _OF_A_SENDER
        return learnt.LEAD_OVER_A_RULE if outweighed else None
    open_to_doubt = refusal.phase is PhaseName.SENDER or not verdict.recognised
    by_code_alone = _says_little(status) and verdict.rule == status_rule(status.key)
    return learnt.LEAD if open_to_doubt and by_code_alone else None


def _says_little(status: Status) -> bool:
    """Tell whether a code names a class, or who is to act, and not what is wrong."""
    return status.key in _WHO_IS_TO_ACT or not ("." in status.key or "[" in status.key)


def as_learnt(refusal: Refusal, verdict: Verdict, heard: Heard, lead: float) -> Verdict:
    """Ask what labelled replies in such words meant."""
    words = heard.words()
    says_more = any(word not in TABLE.beside for word in learnt.meant(words))
    denied = refusal.phase is PhaseName.AUTH and heard.denies()
    if not says_more or denied or heard.hangs_on_own:
        return verdict
    opinion = learnt.opinion(refusal, words, verdict.code, lead)
    if opinion is None or not _is_likely_enough(opinion, verdict):
        return verdict
    if opinion.code is Code.AUTHENTICATION_FAILED and _says_otherwise(refusal, words, heard):
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


def _is_likely_enough(opinion: learnt.Opinion, instead_of: Verdict) -> bool:
    match opinion.code:
        case Code.MAILBOX_UNAVAILABLE | Code.AUTH_UNPROVEN:
            return False  # that a password is right, or a yes was none, is for rules to say
        case Code.AUTHENTICATION_AMBIGUOUS:
            return not is_words_rule(instead_of.rule)  # these say more than that they say nothing
        case Code.AUTHENTICATION_FAILED:
            far = opinion.ahead >= LEAD_OF_A_WRONG_PASSWORD
            apart = opinion.apart >= APART_OF_A_WRONG_PASSWORD
            surely = far and apart and opinion.known >= KNOWN_OF_A_WRONG_PASSWORD
            return surely and instead_of.code not in _COUNTS_WRONG_PASSWORDS
        case Code.ACCOUNT_LOCKED:
            return instead_of.code is not Code.CLIENT_BLOCKED
        case _:
            return True


def _says_otherwise(refusal: Refusal, words: Words, heard: Heard) -> bool:
    """Tell whether the words may give another reason than a wrong password.

    So do a noun of something else, and whatever stands behind a phrase that does not speak of the
    credential itself ("login failed: ...").
    """
    if TABLE.elsewhere.first(words) is not None:
        return True
    if heard.row is None:
        return False
    if heard.row.opens:
        return True
    beside = tuple(word for word in words if word not in TABLE.plain)
    without_code = replace(refusal, condition="", detail=None)
    other = learnt.opinion(without_code, beside, Code.AUTHENTICATION_FAILED, 0)
    return other is not None and other.code is not Code.AUTHENTICATION_FAILED
