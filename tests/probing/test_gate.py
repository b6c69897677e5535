"""Which codes count against an account: each that a refused login can end in was decided upon."""

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support.replies import refusal
from worker.limits.script_args import login_outcome
from worker.probing.classify.refusals import classify_refusal
from worker.probing.classify.status import TABLES
from worker.probing.classify.words import TABLE
from worker.probing.gate import (
    PROVEN_LOGINS,
    REFUSED_LOGINS,
    Finding,
)

UNCOUNTED_REFUSALS = frozenset(
    {
        Code.AUTHENTICATION_TEMPORARY,
        Code.AUTH_NOT_OFFERED,
        Code.AUTH_REQUIRES_TLS,
        Code.CLIENT_BLOCKED,
        Code.CLIENT_CERTIFICATE_REQUIRED,
        Code.NO_COMMON_MECHANISM,
        Code.PROTOCOL_DISABLED,
        Code.PROTOCOL_ERROR,
        Code.QUOTA_EXCEEDED,
        Code.RATE_LIMITED,
        Code.TLS_VERSION_UNSUPPORTED,
        Code.TOO_MANY_CONNECTIONS,
    }
)
"""Codes by which a server turns a login away that say nothing of the credential.

PROTOCOL_DISABLED is a switch that the dealer is told to turn, and then the same credential must be
tried.
"""


def codes_of_refused_logins():
    lexicons = TABLE.lexicon(PhaseName.AUTH), TABLE.in_general(PhaseName.AUTH)
    words = {row.code for lexicon in lexicons for row in lexicon.rows}
    tables = (table for (_, phase), table in TABLES.items() if phase is PhaseName.AUTH)
    return words | {status.code for table in tables for status in table.values()}


def test_every_refusal_of_a_login_counts_against_the_account_or_is_said_not_to():
    assert codes_of_refused_logins() - REFUSED_LOGINS - PROVEN_LOGINS == UNCOUNTED_REFUSALS


def test_no_code_is_decided_upon_twice():
    assert REFUSED_LOGINS.isdisjoint(UNCOUNTED_REFUSALS)
    assert PROVEN_LOGINS.isdisjoint(REFUSED_LOGINS | UNCOUNTED_REFUSALS)


def outcome(reply: str) -> str:
    verdict = classify_refusal(refusal("smtp", "auth", reply), None)
    return login_outcome(Finding(verdict.code, verdict.retryable, None, verdict.hint))


def test_what_is_only_guessed_from_unknown_words_counts_as_it_may_be_the_credential():
    assert outcome("535 Firewall rule prevents this") == "refused"
    assert outcome("535 Your IP is blocked") == ""
