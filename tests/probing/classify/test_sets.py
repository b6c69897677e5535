"""The labelled replies that judge the rules: that nothing is both learnt from and judged by."""

import re
from itertools import combinations

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support.confusion import USER
from tests.support.evaluation import (
    EIGHTH_SEALED,
    ELEVENTH_SEALED,
    FIFTH,
    FITTED,
    HELD_OUT,
    JUDGES,
    NINTH,
    NINTH_SEALED,
    OPEN,
    SEALED,
    SEVENTH,
    SEVENTH_SEALED,
    SIXTH,
    SIXTH_SEALED,
    TENTH_SEALED,
    TWELFTH_SEALED,
    WRITTEN,
    WRITTEN_EXAMS,
    Score,
    judged,
)
from tests.support.replies import CORPUS, Case, cases, refusal
from worker.probing.classify.refusals import classify_refusal

THIRD = ("third_open.jsonl", "third_sealed.jsonl")
FOURTH = ("fourth.jsonl",)
OTHERS = tuple(name for name in FITTED if name not in (*THIRD, *FOURTH))


def sources(names: tuple[str, ...]) -> set[object]:
    return {case.labelled.get("source") for name in names for case in cases(name)}


def replies(names: tuple[str, ...]) -> set[tuple[object, str]]:
    """Told apart as a reader does: spacing, case and a last full stop make no other reply."""
    return {
        (case.labelled["protocol"], re.sub(r"\s+", " ", case.reply).strip().rstrip(".").lower())
        for name in names
        for case in cases(name)
    }


def test_the_third_sets_sources_are_nobody_elses():
    groups = [sources((*OTHERS, *HELD_OUT)), sources(THIRD[:1]), sources(SEALED)]
    assert all(not one & other for one, other in combinations(groups, 2))
    assert len(groups[1]) >= 25
    assert len(groups[2]) >= 25


def test_the_fifth_sets_sources_are_nobody_elses():
    groups = [sources((*FITTED, *HELD_OUT, *SEALED)), sources(FIFTH[:1]), sources(FIFTH[1:])]
    assert all(not one & other for one, other in combinations(groups, 2))
    assert sum(map(len, groups[1:])) >= 70


def test_no_reply_of_the_later_sets_is_in_another():
    groups = [
        replies(names)
        for names in ((*OTHERS, *HELD_OUT), THIRD[:1], SEALED, FOURTH, FIFTH[:1], FIFTH[1:])
    ]
    assert all(not one & other for one, other in combinations(groups, 2))


def test_nothing_is_learnt_from_a_reply_that_judges():
    assert not replies(OPEN) & replies(JUDGES[1:])  # nine of the first set are everybody's phrases
    assert not replies(WRITTEN) & replies((*JUDGES, *WRITTEN_EXAMS))
    later = (
        SIXTH_SEALED,
        SEVENTH_SEALED,
        EIGHTH_SEALED,
        NINTH_SEALED,
        TENTH_SEALED,
        ELEVENTH_SEALED,
        TWELFTH_SEALED,
    )
    for sealed in later:
        assert not sources(sealed) & sources(OPEN)
    for sealed in later[1:]:
        assert not replies(sealed) & replies(tuple(set(JUDGES) - set(sealed)))


def test_all_that_we_wrote_is_learnt_from_or_examines():
    files = {f"written/{file.name}" for file in (CORPUS / "written").iterdir()}
    assert files == {*WRITTEN, *WRITTEN_EXAMS}


@pytest.mark.parametrize("name", [*OPEN, *WRITTEN, *WRITTEN_EXAMS, *JUDGES])
def test_a_label_has_codes_of_the_contract(name: str):
    for case in cases(name):
        assert set(case.codes) <= {code.value for code in Code}
        assert len(set(case.codes)) == len(case.codes)


@pytest.mark.parametrize(
    "name",
    [
        *THIRD,
        *FOURTH,
        *FIFTH,
        *SIXTH,
        *SIXTH_SEALED,
        *SEVENTH,
        *SEVENTH_SEALED,
        *NINTH,
        *NINTH_SEALED,
    ],
)
def test_a_label_of_the_later_sets_has_a_reason(name: str):
    assert all(case.labelled["why"] for case in cases(name))


def test_a_reply_that_can_be_read_in_two_ways_is_right_either_way():
    case = Case(
        "h",
        refusal("imap", "auth", "NO no"),
        "NO no",
        "A",
        retryable=True,
        labelled={},
        also=("B",),
    )
    right, as_good, wrong = ((case, code, code == "A") for code in "ABC")
    assert Score.of([right, as_good]).right == 2
    assert Score.of([right, as_good, wrong]).first == 1
    assert Score.of([right, as_good]).wrong_again == 0
    assert Score.of([wrong]).right == 0
    assert Score.of([wrong]).wrong_again == 1


def test_what_was_learnt_from_the_harvest_stays_and_no_other_reason_is_called_a_wrong_password():
    score = Score.of(judged(["harvested.jsonl"]))
    assert score.right / score.replies > 0.99
    assert score.false_certainty == 0


REASONS = [
    case
    for name in ("harvested.jsonl", "fourth.jsonl", "third_open.jsonl", "studied.jsonl")
    for case in cases(name)
    if case.refusal.phase is PhaseName.AUTH and Code.AUTHENTICATION_FAILED not in case.codes
]


@pytest.mark.parametrize("failed", ["535 Authentication failed: ", "NO Login failed. "])
def test_a_reason_told_behind_a_failed_login_is_hardly_ever_lost(failed):
    protocol = "smtp" if failed[0].isdecimal() else "imap"
    told = (refusal(protocol, "auth", failed + case.refusal.text) for case in REASONS)
    codes = [classify_refusal(one, None, ["mail.example.org", *USER]).code for one in told]
    assert len(codes) > 700
    assert codes.count(Code.AUTHENTICATION_FAILED) / len(codes) < 0.01
