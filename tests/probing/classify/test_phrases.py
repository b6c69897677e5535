import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.probing.classify.phrases import Lexicon, PatternError, Vocabulary, phrase
from worker.probing.classify.spelling import MAX_CHARACTERS, without_fillers, words_of
from worker.probing.classify.wording import comparable


def found(pattern: str, text: str) -> bool:
    return Lexicon([("row", [phrase(pattern)])]).first(words_of(text), lambda _: True) is not None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("too many {|bad |failed }… attempts", "Too many failed or odd attempts"),
        ("too many {|bad |failed }… attempts", "far too many attempts today"),
        ("expir*", "your password expired"),
        ("wait # seconds", "please wait 60 seconds"),
        ("{account|user} {is |}locked", "user locked"),
        ("{account|user} {is |}locked", "the account is locked"),
        ("passwort … abgelaufen", "Das Paßwort ist seit gestern abgelaufen"),
        ("compte bloque*", "votre COMPTE bloqué"),
        ("haslo", "hasło"),
        ("授权码", "请使用授权码登录"),
        ("{|very }wrong", "very wrong"),
    ],
)
def test_a_phrase_is_found(pattern, text):
    assert found(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("locked", "unlocked lockedout"),
        ("expir*", "reexpired"),
        ("wait # seconds", "wait some seconds"),
        ("a … b", "a " + "x " * 10 + "b"),
        ("{account|user} locked", "mailbox locked"),
    ],
)
def test_a_phrase_is_not_found(pattern, text):
    assert not found(pattern, text)


@pytest.mark.parametrize("pattern", ["", "{|a}", "… a", "# a"])
def test_a_phrase_that_could_begin_anywhere_is_a_mistake(pattern):
    with pytest.raises(PatternError):
        phrase(pattern)


def test_the_row_that_stands_first_is_believed_wherever_its_words_stand():
    rows = [("first", [phrase("late words")]), ("second", [phrase("early words")])]
    lexicon = Lexicon(rows)
    words = words_of("early words and late words")
    assert lexicon.first(words, lambda _: True) == "first"
    assert lexicon.first(words, lambda row: row != "first") == "second"


def test_a_vocabulary_knows_words_and_stems():
    known = Vocabulary("login fail* mot de passe")
    assert [word for word in ("login", "failures", "mot", "passe") if word in known]
    assert "logins" not in known


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("535 no", "no"),
        ("550-first\n550 second", "first second"),
        ("see https://disabled.example/blocked?p=Why", "see blocked p why"),
        ("<a@b.example> is unknown to mail.example.com", "is unknown to"),
        ("Login Fail.Please wait", "login fail please wait"),
        ("host locked.example.com. [203.0.113.9]", "host"),
        ("\\xd3\\xc3\\xbb\\xa7", "用 户"),
    ],
)
def test_hosts_addresses_and_reply_codes_are_no_words(text, words):
    assert " ".join(comparable(text)).startswith(words)


def test_links_and_ids_can_be_left_out():
    assert comparable("see https://a.example/locked now", links=False) == ("see", "now")
    assert comparable("failed ffa-c0b8-abc - gsmtp", links=False) == ("failed", "gsmtp")


def test_own_words_go_as_often_as_they_come():
    assert comparable("locked locked account locked", ["locked"]) == ("account",)


@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=3))
def test_comparable_words_are_lower_case_and_blank_free(text, own):
    words = comparable(text, own)
    assert all(word == word.casefold() and word.strip() == word != "" for word in words)


@pytest.mark.parametrize(
    "piece",
    ["too many ", "a.", "a@", "https://", "\\xd3", "\u30ac", "\u0301", "account … ", "<", "x" * 50],
)
def test_however_long_a_text_only_its_head_is_read(piece):
    text = piece * (64 * 1024 // len(piece))
    assert len(" ".join(comparable(text))) <= 10 * MAX_CHARACTERS


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("sender … not been verified", "The sender's identity has not yet been verified"),
        ("{not|cannot} used", "it cannot be used"),
        ("{is|cannot be|may not be} used", "it cannot currently be used"),
        ("customer … locked", "The customer\u2019s box is locked"),
    ],
)
def test_what_stands_between_a_negation_and_its_verb_and_a_possessive_change_nothing(pattern, text):
    words = without_fillers(comparable(text))
    assert any(phrase(pattern).ends(words, {at}) for at in range(len(words)))
