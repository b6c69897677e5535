"""No code without something that gives it, no rule without a reply that it was made for."""

import re
from pathlib import Path

import worker
from producer.contract.codes import Code
from tests.support.replies import cases
from worker.probing.classify.status import TABLES
from worker.probing.classify.words import TABLE

BY_RULES = {row.code for row in TABLE.rows} | {
    status.code for table in TABLES.values() for status in table.values()
}


def named_in_the_source() -> set[str]:
    sources = Path(worker.__file__).parent.rglob("*.py")
    return {name for path in sources for name in re.findall(r"\bCode\.([A-Z_]+)", path.read_text())}


def test_every_code_is_given_by_a_rule_or_by_the_worker_itself():
    assert (
        set(Code) - BY_RULES - {Code[name] for name in named_in_the_source() & set(Code)} == set()
    )


def test_every_code_that_a_rule_gives_has_a_labelled_reply():
    labelled = [*cases("sample.jsonl"), *cases("corpus.jsonl"), *cases("gathered.jsonl")]
    assert BY_RULES - {case.code for case in labelled} == set()
