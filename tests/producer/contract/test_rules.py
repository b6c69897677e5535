"""The closed set of `evidence.rule`: the tables make every name of it and no other."""

import re
from pathlib import Path

import pytest

from producer.contract.codes import Code
from producer.contract.rules import RULES, STATUS_ROWS, WORD_GROUPS, status_rule, words_rule
from producer.schema import json_schema
from tests.support.confusion import judge
from tests.support.replies import cases
from worker.probing.classify.faults import verdict_on_fault
from worker.probing.classify.senders import classify_accepted_sender
from worker.probing.classify.status import TABLES
from worker.probing.classify.words import TABLE
from worker.probing.errors import ProbeFault
from worker.probing.interruptible import at_once


def classify_fault(*arguments):
    return at_once(verdict_on_fault(*arguments))


PROBING = Path(__file__).parents[3] / "worker" / "probing"


def test_no_name_is_listed_twice():
    assert len(set(RULES)) == len(RULES)


def test_every_group_of_words_is_listed_and_no_other():
    assert {row.name for row in TABLE.rows} == set(WORD_GROUPS)


def test_every_row_of_codes_is_listed_and_no_other():
    assert {key for table in TABLES.values() for key in table if key} == set(STATUS_ROWS)


@pytest.mark.parametrize("name", ["sample.jsonl", "corpus.jsonl"])
def test_every_verdict_on_a_reply_names_a_rule_of_the_set(name):
    assert {judge(case).rule for case in cases(name)} <= set(RULES)


def test_every_fault_that_the_probing_core_raises_names_a_rule_of_the_set():
    raised = {
        Code(name)
        for module in PROBING.rglob("*.py")
        for name in re.findall(r"Fault\(\s*Code\.(\w+)", module.read_text(encoding="utf-8"))
    }
    assert {Code.CONNECTION_REFUSED, Code.TLS_HANDSHAKE_FAILED} <= raised
    assert {classify_fault(ProbeFault(code, ""), None).rule for code in raised} <= set(RULES)


def test_so_does_a_yes():
    verdict = classify_accepted_sender(None, sender="a@mail.test", user="b@mail.test")
    assert verdict.rule in RULES


def test_the_schema_for_machines_has_the_set():
    definitions = json_schema()["$defs"]
    assert definitions["Rule"]["enum"] == list(RULES)
    assert definitions["Evidence"]["properties"]["rule"] == {"$ref": "#/$defs/Rule"}
    assert {words_rule("failed"), status_rule("535"), "fault.connection_refused"} <= set(RULES)
