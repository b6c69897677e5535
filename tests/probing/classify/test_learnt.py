"""Words that no rule knows: what labelled replies teach of them, and when that is asked for."""

import json
import math
import tracemalloc

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support.learning import LEARNT, WORDED, Example, fingerprints, learnt, written
from tests.support.replies import refusal
from worker.probing.classify import learnt as learnt_module
from worker.probing.classify.learnt import (
    LEAD,
    MOST_WORDS_TOLD,
    UNITS_OF_A_WEIGHT,
    Model,
    features,
    mark,
    meant,
    models,
    models_of,
    opinion,
    written_row,
)
from worker.probing.classify.refusals import classify_refusal
from worker.probing.classify.verdict import Verdict

MOST_BYTES = 1024 * 1024
ENOUGH = math.ceil(LEAD * UNITS_OF_A_WEIGHT)


def auth(reply: str, *own_words: str, secrets: tuple[str, ...] = ()) -> Verdict:
    protocol = "smtp" if reply[0].isdecimal() else "imap"
    return classify_refusal(refusal(protocol, "auth", reply), None, own_words, secrets=secrets)


def sender(reply: str) -> Verdict:
    return classify_refusal(refusal("smtp", "sender", reply), None)


def test_the_committed_weights_are_those_of_the_committed_replies():
    head, *_ = LEARNT.read_text(encoding="utf-8").splitlines()
    assert json.loads(head)["sets"] == fingerprints(), "a labelled reply changed: run `make learn`"


def test_the_committed_features_stand_in_the_order_that_they_are_looked_up_in():
    for learnt_of in models().values():
        assert list(learnt_of.marks) == sorted(set(learnt_of.marks))
        assert len(learnt_of.weights) == len(learnt_of.marks) * len(learnt_of.codes)


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


CODES = (Code.ACCOUNT_LOCKED, Code.QUOTA_EXCEEDED)


def model(**weights: tuple[int, int]) -> Model:
    return Model.of(CODES, sorted(weights.items(), key=lambda one: mark(one[0])))


def test_the_code_is_the_one_that_the_words_speak_for_and_they_are_named_heaviest_first():
    learnt_of = model(wallet=(-20, 20), empty=(0, 30), sorry=(3, 3), account=(20, 0))
    found = learnt_of.opinion(
        ("wallet", "sorry", "empty"), instead_of=Code.ACCOUNT_LOCKED, lead=LEAD
    )
    assert found is not None
    assert (found.code, found.words) == (Code.QUOTA_EXCEEDED, ("wallet", "empty"))


def test_it_is_told_how_far_a_code_is_ahead_of_the_one_given_and_of_the_next():
    codes = (*CODES, Code.RATE_LIMITED)
    learnt_of = Model.of(codes, [("wallet", (0, 80, 56))])
    found = learnt_of.opinion(("wallet",), instead_of=Code.ACCOUNT_LOCKED, lead=LEAD)
    assert found is not None
    assert (found.code, found.ahead, found.apart) == (Code.QUOTA_EXCEEDED, 10.0, 3.0)


def test_no_more_than_some_words_are_named_and_no_code():
    words = [f"w{number}" for number in range(9)]
    learnt_of = model(**dict.fromkeys([*words, "@535"], (0, 9)))
    found = learnt_of.opinion((*words, "@535"), instead_of=Code.ACCOUNT_LOCKED, lead=LEAD)
    assert found is not None
    assert len(found.words) == MOST_WORDS_TOLD
    assert set(found.words) < set(words)


@pytest.mark.parametrize(("weight", "code"), [(ENOUGH, Code.QUOTA_EXCEEDED), (ENOUGH - 1, None)])
def test_another_code_must_be_ahead_by_the_lead(weight, code):
    found = model(wallet=(0, weight)).opinion(["wallet"], instead_of=Code.ACCOUNT_LOCKED, lead=LEAD)
    assert (found and found.code) == code


def test_there_is_no_opinion_on_a_code_or_on_words_that_were_not_learnt():
    learnt_of = model(wallet=(0, 99))
    assert learnt_of.opinion(["wallet"], instead_of=Code.CLIENT_BLOCKED, lead=LEAD) is None
    assert learnt_of.opinion(["fish"], instead_of=Code.ACCOUNT_LOCKED, lead=LEAD) is None


def test_the_share_of_words_that_are_known_is_told():
    learnt_of = model(wallet=(0, 99), empty=(0, 99))
    assert learnt_of.known(("wallet", "fish")) == 0.5
    assert learnt_of.known(()) == 0


@pytest.mark.parametrize(("known", "said"), [(7, False), (8, True)])
def test_there_is_one_only_where_more_than_seven_words_of_ten_are_known(known, said, monkeypatch):
    words = tuple(f"w{number}" for number in range(10))
    learnt_of = model(**dict.fromkeys(words[:known], (0, 99)))
    monkeypatch.setattr(learnt_module, "models", lambda: {PhaseName.AUTH: learnt_of})
    found = opinion(refusal("imap", "auth", "NO x"), words, Code.ACCOUNT_LOCKED, LEAD)
    assert (found is not None) is said
    assert found is None or found.known == known / 10


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
def test_words_that_are_hardly_surer_of_a_wrong_password_than_of_all_else_make_none(reply):
    assert auth(reply).code is Code.AUTHENTICATION_AMBIGUOUS


@pytest.mark.parametrize(
    "reply",
    ["535 5.7.8 Customer number and PIN do not match", "535 Invalid customer number or PIN"],
)
def test_words_that_are_by_far_likeliest_of_a_wrong_password_make_one_and_are_shown(reply):
    verdict = auth(reply)
    assert (verdict.code, verdict.rule) == (Code.AUTHENTICATION_FAILED, "learnt")
    assert verdict.hint == "unknown_words"
    assert not verdict.recognised


@pytest.mark.parametrize("failed", ["Authentication failed: ", "Invalid credentials, "])
@pytest.mark.parametrize("reason", ["restarting the mailbox", "kerberos required"])
def test_beside_a_known_phrase_of_a_failed_login_the_other_words_speak_for_themselves(
    failed, reason
):
    assert auth(f"535 {failed}{reason}").code is not Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "reply",
    [
        "NO Autenticazione fallita: hosting annullato",
        "NO Autenticazione fallita: telefono mancante",
        "535 Logowanie nieudane: pakiet anulowany",
        "535 5.7.8 认证失败 会员已失效",
        "535 5.7.8 認証に失敗しました 電話番号が未確認です",
    ],
)
def test_learnt_words_behind_a_failed_login_may_be_another_reason_and_make_no_wrong_password(reply):
    assert auth(reply).code is Code.AUTHENTICATION_AMBIGUOUS


@pytest.mark.parametrize(
    "reply",
    [
        "NO Redmine: Invalid user or password",
        "535 Sie konnten nicht eingeloggt werden, das Passwort war leider falsch",
        "NO 密码错误 请注意全角",
    ],
)
def test_but_not_where_a_known_phrase_calls_the_credential_wrong(reply):
    assert auth(reply).code is Code.AUTHENTICATION_FAILED


@pytest.mark.parametrize(
    "reply",
    [
        "NO Invalid password reset token",
        "535 El remitente no coincide con el usuario",
        "535 Server delle password non trovato",
        "NO Certyfikat użytkownika jest nieprawidłowy",
        "NO 用户证书无效",
        "535 ユーザーグループが存在しません",
        "535 Benutzer existiert nicht in diesem Tarif",
        "535 アカウントがこのプランに存在しません",
    ],
)
def test_a_noun_of_something_else_makes_learnt_words_no_wrong_password(reply):
    assert auth(reply).code is not Code.AUTHENTICATION_FAILED


def test_what_was_learnt_outweighs_known_words_where_it_is_far_ahead():
    verdict = auth("550 5.5.1 SMTP AUTH disabled on gateway's public interface")
    assert (verdict.code, verdict.rule) == (Code.AUTH_NOT_OFFERED, "learnt")


def test_but_not_what_a_rule_says_of_whose_ban_it_is():
    reply = "NO Your host has been banned temporarily because of too many failed logins"
    assert auth(reply).code is Code.CLIENT_BLOCKED


def test_but_never_by_finding_nothing_in_them():
    verdict = auth("NO [AUTHENTICATIONFAILED] user not found. Please contact support")
    assert verdict.code is Code.AUTHENTICATION_FAILED


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
def test_no_weight_is_read_for_a_reply_that_says_no_more_than_the_rules_know(reply):
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
OF_TWO_PHASES = list(
    written([*EXAMPLES, *(one._replace(phase=PhaseName.SENDER) for one in EXAMPLES)])
)
FIVE_CODES = [code.value for code in Code][:5]


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
    head, *_ = OF_TWO_PHASES
    assert WORDED in json.loads(head)["sets"]
    found = models_of(iter(OF_TWO_PHASES))
    told = {one for example in EXAMPLES for one in example.features}
    assert list(found) == [PhaseName.AUTH, PhaseName.SENDER]
    for learnt_of in found.values():
        assert learnt_of.codes == (Code.ACCOUNT_LOCKED, Code.QUOTA_EXCEEDED)
        assert list(learnt_of.marks) == sorted(map(mark, told))


def test_a_row_is_read_as_it_was_written():
    row = (-127, -1, 0, 1, 127)
    head = json.dumps({"phases": {"auth": {"codes": FIVE_CODES, "features": 1}}})
    found = models_of(iter([head, f"{written_row('straße 5', row)}\n"]))[PhaseName.AUTH]
    assert tuple(found.weights) == row
    assert found.marks[0] == mark("straße 5")


@pytest.mark.parametrize("kept", range(13))
def test_a_file_that_is_cut_off_anywhere_is_no_smaller_model(kept):
    assert kept < len(OF_TWO_PHASES)
    with pytest.raises(ValueError, match=r"cut off|Expecting value"):
        models_of(iter(OF_TWO_PHASES[:kept]))


def test_a_reply_that_weighs_less_moves_the_weights_less():
    gone = [one for one in EXAMPLES if one.code == "ACCOUNT_LOCKED"]
    twice_as_often = 2 * [one._replace(code="QUOTA_EXCEEDED") for one in gone]
    lighter = [one._replace(weight=0.2) for one in twice_as_often]
    assert learnt([*gone, *twice_as_often]).code(gone[0]) == "QUOTA_EXCEEDED"
    assert learnt([*gone, *lighter]).code(gone[0]) == "ACCOUNT_LOCKED"


def test_the_name_of_a_class_that_a_program_let_out_is_a_word_and_no_host():
    verdict = auth("535 requests.exceptions.ReadTimeout")
    assert verdict.code is not Code.AUTHENTICATION_FAILED
    assert auth("535 Login failed at Mail.Example.Org").code is Code.AUTHENTICATION_FAILED
