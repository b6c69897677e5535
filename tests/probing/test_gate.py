"""Which codes count against an account: each that a refused login can end in was decided upon."""

from producer.contract.report import PhaseName
from worker.probing.classify.status import TABLES
from worker.probing.classify.words import TABLE
from worker.probing.gate import PROVEN_LOGINS, REFUSED_LOGINS, UNCOUNTED_REFUSALS


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
