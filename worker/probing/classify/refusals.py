"""A server's refusal -> a verdict. The order of evidence is that of docs/CONTRACT.md, section 6.

First the reply or response code; then the server's own words, where they say something that we
know; then whether all that they say is that the login failed. A text with a word that is not
accounted for may say anything, and a dealer who retypes a right password for an hour has been
helped less than one who is shown the server's own words: a certain wrong password it is only where
labelled replies leave hardly a doubt (`second_opinion.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from producer.contract.rules import (
    UNKNOWN_WORDS,
    status_rule,
    words_rule,
)
from worker.probing.classify.facts import FACTS
from worker.probing.classify.heard import Heard, Own
from worker.probing.classify.providers import Provider
from worker.probing.classify.second_opinion import as_learnt, lead_to_outweigh
from worker.probing.classify.senders import doubted_sender
from worker.probing.classify.spelling import Words
from worker.probing.classify.status import Status, is_temporary, reply_code, status_of
from worker.probing.classify.verdict import Verdict
from worker.probing.classify.words import TABLE, Row
from worker.probing.interruptible import Interruptible, at_once
from worker.probing.target import Protocol, Refusal

PASSING: Final = frozenset(
    {Code.AUTHENTICATION_TEMPORARY, Code.RATE_LIMITED, Code.TOO_MANY_CONNECTIONS}
)
"""What a server in trouble says of itself."""

_MAY_PASS: Final = frozenset({Code.ACCOUNT_LOCKED, Code.CLIENT_BLOCKED, Code.QUOTA_EXCEEDED})
"""What may be over by itself, where the server says when."""

# What a vague phrase may not overrule: the status speaks of something else, and precisely.
_OUTWEIGHS_WEAK: Final = PASSING | {
    Code.QUOTA_EXCEEDED,
    Code.WEB_LOGIN_REQUIRED,
    Code.PROTOCOL_DISABLED,
}


def classify_refusal(
    refusal: Refusal,
    provider: Provider | None,
    own_words: Sequence[str] = (),
    *,
    secrets: Sequence[str] = (),
    said: str | None = None,
) -> Verdict:
    """Turn a refusal into a verdict, as `verdict_on_refusal`."""
    judged = verdict_on_refusal(refusal, provider, own_words, secrets=secrets, said=said)
    return at_once(judged)


def verdict_on_refusal(
    refusal: Refusal,
    provider: Provider | None,
    own_words: Sequence[str] = (),
    *,
    secrets: Sequence[str] = (),
    said: str | None = None,
) -> Interruptible[Verdict]:
    """Turn a refusal into a verdict, in portions. Never raises, whatever the server wrote.

    `own_words`: what the tenant chose and a server may echo, host and user name; they are taken
    out of the text before any word is looked for, and so are `secrets`. `said`: what of the text
    has to be accounted for, where some of it is an echo of the credential in other letters.
    """
    status = status_of(refusal)
    said = refusal.text if said is None else said
    heard = Heard(refusal, said, Own.of(own_words, secrets), _applying(refusal, status, provider))
    yield
    yield from heard.listen()
    yield
    row = None if status.settles else _believed(refusal, heard)
    if refusal.phase is PhaseName.AUTH and _is_guess(status) and heard.either():
        return replace(_doubtful(refusal), recognised=True, rule=words_rule("ambiguous"))
    if row is not None and not (row.bare and refusal.phase is PhaseName.AUTH):
        verdict = _by_words(refusal, status, row)
    else:
        verdict = _by_what_is_left(refusal, status, row, heard)
    yield
    if _is_open(refusal, status, verdict) and (general := heard.in_general()) is not None:
        verdict = _by_words(refusal, status, general)
        yield
    if (lead := lead_to_outweigh(refusal, status, verdict)) is not None:
        verdict = as_learnt(refusal, verdict, heard, lead)
        yield
    if verdict.code in _MAY_PASS and (passes := heard.passes()) is not None:
        verdict = replace(verdict, retryable=passes)
    return doubted_sender(verdict, provider)


def _applying(refusal: Refusal, status: Status, provider: Provider | None) -> Callable[[Row], bool]:
    said_by_code = status.known or is_temporary(refusal)
    outweighs_weak = status.code in _OUTWEIGHS_WEAK and said_by_code
    provider_id = provider.id if provider else ""
    said = reply_code(refusal)

    def applies(row: Row) -> bool:
        return not (
            (row.weak and outweighs_weak)
            or (status.in_trouble and row.code not in PASSING)
            or (row.on and not said.startswith(row.on))
            or (row.not_on and said.startswith(row.not_on))
            or (row.providers and provider_id not in row.providers)
        )

    return applies


def _is_open(refusal: Refusal, status: Status, verdict: Verdict) -> bool:
    """Tell whether nothing was said in known terms, and the code alone is a guess."""
    fallback = refusal.phase is PhaseName.SENDER or not (status.known or status.settles)
    return verdict.rule == UNKNOWN_WORDS or (fallback and not verdict.recognised)


def _believed(refusal: Refusal, heard: Heard) -> Row | None:
    """Return the row to go by: a bare one after the login only where no more is said."""
    row = heard.row
    if row is None or not row.bare or refusal.phase is PhaseName.AUTH:
        return row
    left = TABLE.idioms.without(heard.left())
    certain = not is_temporary(refusal) and _asks_for_a_login(refusal, left)
    return row if certain else heard.row_that_tells_more()


def _asks_for_a_login(refusal: Refusal, left: Words) -> bool:
    """Tell whether the words beside a phrase that asks for a login ask for nothing else."""
    if refusal.condition == _LOGIN_WANTED:
        return not any(word in TABLE.other_than_login for word in left)
    return all(word in TABLE.after_login for word in left)


def _by_words(refusal: Refusal, status: Status, row: Row) -> Verdict:
    """Believe a row. What the code calls temporary stays so, unless the row is `lasting`."""
    fact = FACTS[row.code]
    retryable = fact.retryable if row.retryable is None else row.retryable
    same = row.code is status.code
    if same and row.retryable is None and status.retryable is not None:
        retryable = status.retryable
    if is_temporary(refusal) and not row.lasting:
        retryable = True
    field = row.field or (status.field if same else None) or fact.field
    return Verdict(row.code, retryable, field, row.hint, rule=words_rule(row.name))


def _by_what_is_left(refusal: Refusal, status: Status, row: Row | None, heard: Heard) -> Verdict:
    """Judge a refusal whose words say nothing that we know, or no more than that it failed."""
    words = heard.left()
    points_elsewhere = (
        row is None and "://" in refusal.text and all(word in TABLE.pointing for word in words)
    )
    if refusal.phase is not PhaseName.AUTH or not (words or points_elsewhere):
        return _by_status(refusal, status, recognised=status.known)
    accounted = _accounted(row, words) and not points_elsewhere
    if row is not None and accounted:
        doubted = not row.lasting and (heard.denies() or _contradicted(refusal, words))
        return _doubtful(refusal) if doubted else _by_words(refusal, status, row)
    if (accounted and not heard.denies()) or not _is_guess(status):
        return _by_status(refusal, status, recognised=status.known and accounted)
    return _doubtful(refusal)


def _accounted(row: Row | None, words: Words) -> bool:
    """Tell whether the words say no more than `row`; without one, no more than that it failed."""
    if row is None:
        return all(word in TABLE.plain for word in words)
    if TABLE.key.first(words) is not None:
        return all(word in TABLE.beside_key for word in TABLE.key.without(words))
    vocabulary = TABLE.beside_user if row.lasting else TABLE.beside
    return all(word in vocabulary for word in TABLE.explained.without(words))


def _doubtful(refusal: Refusal) -> Verdict:
    """Show the server's own words instead of guessing what they mean."""
    fact = FACTS[Code.AUTHENTICATION_AMBIGUOUS]
    return Verdict(
        Code.AUTHENTICATION_AMBIGUOUS,
        retryable=is_temporary(refusal),
        field=fact.field,
        hint=UNKNOWN_WORDS,
        recognised=False,
        rule=UNKNOWN_WORDS,
    )


def _is_guess(status: Status) -> bool:
    """Tell whether a code means nothing certain beside words that nobody knows."""
    by_default = status.code in (Code.ACCOUNT_LOCKED, Code.AUTH_NOT_OFFERED) and not status.known
    return by_default or status.code is Code.AUTHENTICATION_FAILED


def _by_status(refusal: Refusal, status: Status, *, recognised: bool) -> Verdict:
    fact = FACTS[status.code]
    retryable = fact.retryable if status.retryable is None else status.retryable
    if is_temporary(refusal) and not status.settles:
        retryable = True
    return Verdict(
        status.code,
        retryable,
        status.field or fact.field,
        recognised=recognised,
        rule=status_rule(status.key),
    )


_LOGIN_WANTED: Final = "530"

_SYNTAX: Final = {Protocol.SMTP: ("500", "501"), Protocol.IMAP: ("BAD",)}


def _contradicted(refusal: Refusal, words: Words) -> bool:
    """Tell whether a code denies that the credential was judged: temporary, or of our syntax."""
    of_syntax = refusal.condition.upper().startswith(_SYNTAX[refusal.protocol])
    of_our_syntax = of_syntax and not any(word in TABLE.credential for word in words)
    return is_temporary(refusal) or of_our_syntax
