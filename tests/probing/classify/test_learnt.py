"""Words that no rule knows: what labelled replies teach of them, and when that is asked for."""

import json
import math
import tracemalloc

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support.learning import LEARNT, WORDED, Example, fingerprints, learnt, written
from tests.support.replies import refusal
from worker.probing.classify.learnt import (
    LEAD,
    MOST_WORDS_TOLD,
    UNITS_OF_A_WEIGHT,
    Model,
    features,
    meant,
    models,
    opinion,
)
from worker.probing.classify.refusals import classify_refusal
from worker.probing.classify.verdict import Verdict

MOST_BYTES = 4 * 1024 * 1024
ENOUGH = math.ceil(LEAD * UNITS_OF_A_WEIGHT)


def auth(reply: str, *own_words: str, secrets: tuple[str, ...] = ()) -> Verdict:
    protocol = "smtp" if reply[0].isdecimal() else "imap"
    return classify_refusal(refusal(protocol, "auth", reply), None, own_words, secrets=secrets)


def sender(reply: str) -> Verdict:
    return classify_refusal(refusal("smtp", "sender", reply), None)


def test_the_committed_weights_are_those_of_the_committed_replies():
    assert json.loads(LEARNT.read_text(encoding="utf-8"))["sets"] == fingerprints(), (
        "a labelled reply changed: run `make learn`"
    )


def test_what_is_weighed_are_codes_words_neighbours_and_beginnings():
    said = refusal("smtp", "auth", "535 5.7.8 x")
    assert features(said, ("wallet", "is", "empty")) == (
        *("@535", "@5", "@5.7.8", "wallet", "is", "empty"),
        *("wallet is", "is empty", "walle*"),
    )


def test_a_word_that_is_denied_is_weighed_beside_its_denial_alone():
    said = refusal("imap", "auth", "NO x")
    assert meant(("account", "not", "locked")) == ("account",)
    assert "not locked" in features(said, ("account", "not", "locked"))
    assert "locked" not in features(said, ("account", "not", "locked"))


def model(**weights: str) -> Model:
    return Model((Code.ACCOUNT_LOCKED, Code.QUOTA_EXCEEDED), weights)


def test_the_code_is_the_one_that_the_words_speak_for_and_they_are_named_heaviest_first():
    learnt_of = model(wallet="-20 20", empty="0 30", sorry="3 3", account="20 0")
    found = learnt_of.opinion(
        ("wallet", "sorry", "empty"), instead_of=Code.ACCOUNT_LOCKED, lead=LEAD
    )
    assert found == (Code.QUOTA_EXCEEDED, ("wallet", "empty"))


def test_no_more_than_some_words_are_named_and_no_code():
    words = [f"w{number}" for number in range(9)]
    learnt_of = Model(model().codes, dict.fromkeys([*words, "@535"], "0 9"))
    found = learnt_of.opinion((*words, "@535"), instead_of=Code.ACCOUNT_LOCKED, lead=LEAD)
    assert found is not None
    assert len(found.words) == MOST_WORDS_TOLD
    assert set(found.words) < set(words)


@pytest.mark.parametrize(("weight", "code"), [(ENOUGH, Code.QUOTA_EXCEEDED), (ENOUGH - 1, None)])
def test_another_code_must_be_ahead_by_the_lead(weight, code):
    found = model(wallet=f"0 {weight}").opinion(
        ["wallet"], instead_of=Code.ACCOUNT_LOCKED, lead=LEAD
    )
    assert (found and found.code) == code


def test_there_is_no_opinion_on_a_code_or_on_words_that_were_not_learnt():
    learnt_of = model(wallet="0 99")
    assert learnt_of.opinion(["wallet"], instead_of=Code.CLIENT_BLOCKED, lead=LEAD) is None
    assert learnt_of.opinion(["fish"], instead_of=Code.ACCOUNT_LOCKED, lead=LEAD) is None


def test_half_of_the_words_known_is_not_enough():
    learnt_of = model(wallet="0 99", empty="0 99")
    assert not learnt_of.knows(("wallet", "fish"))
    assert learnt_of.knows(("wallet", "empty", "fish"))
    assert not learnt_of.knows(())


def test_of_a_phase_that_nothing_was_learnt_of_there_is_no_opinion():
    greeting = refusal("smtp", "greeting", "554 wallet empty")
    assert opinion(greeting, ("wallet", "empty"), Code.GREETING_REJECTED, LEAD) is None


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("535 wallet empty", Code.QUOTA_EXCEEDED),
        ("NO Su plan no contempla SMTP", Code.PROTOCOL_DISABLED),
        ("535 Datenbankfehler", Code.AUTHENTICATION_TEMPORARY),
        ("NO too much activity, wait a bit", Code.RATE_LIMITED),
        ("NO We sent you a link, click it to continue", Code.WEB_LOGIN_REQUIRED),
    ],
)
def test_a_reply_in_words_that_no_rule_knows_gets_what_was_learnt_and_counts_as_unknown(
    reply, code
):
    verdict = auth(reply)
    assert (verdict.code, verdict.rule) == (code, "learnt")
    assert verdict.hint == "unknown_words"
    assert not verdict.recognised
    assert verdict.words


def test_words_of_which_most_are_new_stay_unknown():
    verdict = auth("535 Datenbankfehler pelican harbour unfed")
    assert (verdict.code, verdict.rule) == (Code.AUTHENTICATION_AMBIGUOUS, "unknown_words")


@pytest.mark.parametrize("reply", ["535 sorry, wrong number", "NO User is not a mail user"])
def test_learnt_words_never_make_a_password_a_wrong_one(reply):
    assert auth(reply).code is Code.AUTHENTICATION_AMBIGUOUS


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("NO [UNAVAILABLE] You have not purchased this product", Code.AUTHENTICATION_TEMPORARY),
        ("NO [EXPIRED] You have not purchased this product", Code.PASSWORD_EXPIRED),
        ("535 5.7.11 You have not purchased this product", Code.AUTH_REQUIRES_TLS),
        ("538 You have not purchased this product", Code.AUTH_REQUIRES_TLS),
        ("525 5.7.13 You have not purchased this product", Code.ACCOUNT_LOCKED),
        ("NO [NOPERM] You have not purchased this product", Code.PROTOCOL_DISABLED),
    ],
)
def test_a_code_that_says_what_is_wrong_is_never_outweighed(reply, code):
    assert auth(reply).code is code


def test_learnt_words_never_make_a_password_a_right_one():
    assert auth("NO You are not authorized to access that database").rule == "unknown_words"


def test_what_the_code_calls_temporary_stays_so_whatever_was_learnt():
    verdict = auth("454 4.7.0 Su plan no contempla SMTP")
    assert (verdict.code, verdict.rule) == (Code.PROTOCOL_DISABLED, "learnt")
    assert verdict.retryable


def test_a_password_that_is_a_learnt_word_weighs_nothing():
    assert "wallet" in auth("535 wallet empty").words
    verdict = auth("535 wallet empty", secrets=("wallet",))
    assert not [one for one in verdict.words if one.startswith("walle")]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("504 Need Fully Qualified Address", Code.SENDER_REJECTED),
        ("556 remote ip check error.", Code.SENDER_INCONCLUSIVE),
    ],
)
def test_so_it_is_with_a_sender_who_is_refused_in_words_that_no_rule_knows(reply, code):
    verdict = sender(reply)
    assert (verdict.code, verdict.rule) == (code, "learnt")
    assert verdict.hint is None


def test_learnt_words_never_make_a_login_that_had_a_yes_none():
    verdict = sender("504 You did not authenticate properly using SMTP-after-POP3")
    assert (verdict.code, verdict.rule) == (Code.SENDER_INCONCLUSIVE, "words.sender")


@pytest.mark.parametrize("reply", ["535 5.7.8 Incorrect password", "NO [UNAVAILABLE] x", "535"])
def test_no_weight_is_read_for_a_reply_that_the_rules_know(reply):
    models.cache_clear()
    auth(reply)
    assert models.cache_info().currsize == 0


def test_the_weights_take_little_memory():
    models.cache_clear()
    tracemalloc.start()
    try:
        models()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < MOST_BYTES
    assert peak < MOST_BYTES


EXAMPLES = [
    Example(PhaseName.AUTH, (word, f"{word} told", f"@{reply}"), code, f"source {number}")
    for number in range(6)
    for word, reply, code in (
        ("wallet", "535", "QUOTA_EXCEEDED"),
        ("gone", "534", "ACCOUNT_LOCKED"),
    )
]


def test_learning_gives_a_model_that_names_the_codes_of_its_examples():
    found = learnt(EXAMPLES)
    assert {found.code(one) == one.code for one in EXAMPLES} == {True}


def test_learning_twice_gives_the_same_weights():
    assert learnt(EXAMPLES) == learnt(EXAMPLES)


def test_a_code_of_few_replies_is_not_learnt():
    once = Example(PhaseName.AUTH, ("fish",), "PASSWORD_EXPIRED", "elsewhere")
    assert "PASSWORD_EXPIRED" not in learnt([*EXAMPLES, once]).codes


def test_a_pair_that_one_reply_holds_is_not_learnt_but_its_words_are():
    once = Example(PhaseName.AUTH, ("fish", "fish gone"), "ACCOUNT_LOCKED", "elsewhere")
    weights = learnt([*EXAMPLES, once]).weights
    assert "fish" in weights
    assert "fish gone" not in weights


def test_the_file_names_what_it_was_learnt_from_and_what_it_weighs():
    given = [*EXAMPLES, *(one._replace(phase=PhaseName.SENDER) for one in EXAMPLES)]
    file = json.loads(written(given))
    assert WORDED in file["sets"]
    assert set(file["phases"]["auth"]["weights"]) <= {one for of in EXAMPLES for one in of.features}
    assert Model.read(file["phases"]["auth"]).codes == (Code.ACCOUNT_LOCKED, Code.QUOTA_EXCEEDED)
