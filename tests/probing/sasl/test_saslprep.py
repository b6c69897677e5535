import time

import pytest

from tests.support.pace import assert_within
from worker.probing.sasl.saslprep import saslprep


@pytest.mark.parametrize(
    ("given", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u1680b", "a b"),
        ("cafe\u0301", "caf\u00e9"),
        (" blanks stay ", " blanks stay "),
    ],
)
def test_text_is_prepared_as_rfc_4013_shows(given, prepared):
    assert saslprep(given) == prepared


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("\u0007", "\u0007"),
        ("\u0627\u0031", "\u0627\u0031"),
        ("e\u0301\ue000", "\u00e9\ue000"),
        ("\u0221", "\u0221"),
        ("", ""),
    ],
)
def test_what_cannot_be_prepared_stays_itself_but_for_its_composition(given, kept):
    assert saslprep(given) == kept


@pytest.mark.parametrize("character", ["a", "\u0436", "\u0301", "\ufdfa", "\uac00"])
def test_the_longest_of_passwords_takes_half_of_a_stretch_of_the_loop_at_most(character):
    password = character * (4096 // len(character.encode()))
    assert_within(0.01, lambda: seconds_for(password))


def seconds_for(password):
    started = time.thread_time()
    saslprep(password)
    return time.thread_time() - started
