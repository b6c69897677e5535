"""An echo in pieces, in no order that anybody named beforehand."""

import time

import pytest

from producer.contract.codes import Code
from tests.support.hostile import CREDENTIAL, IMAP_CREDENTIAL, C, imap, observe, smtp
from tests.support.pace import assert_within
from worker.probing.secrecy.scattered import MAX_CHARACTERS, holds_scattered

SECRET = "Zephyr4quartz"

SCATTERED = [
    "535 no Zephyr here, and in the end no 4quartz either",
    "535 4quartz came behind what began as Zephyr",
    "535 trahp is no way to say 4qua and ephy",
    "535 a yhpeZ, then some words, then ztrauq, then more",
]
HONEST = [
    "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
    "535-5.7.8 Username and Password not accepted. For more information, go to",
    "535 Zephyr is the name of this server",
    "535 the quartz works have closed",
]


@pytest.mark.parametrize("text", SCATTERED)
def test_half_of_a_secret_in_pieces_is_found_wherever_they_stand(text):
    assert holds_scattered([text.encode()], [SECRET], "")


@pytest.mark.parametrize("text", HONEST)
def test_words_and_single_pieces_are_no_echo(text):
    assert not holds_scattered([text.encode()], [SECRET], "")


def test_what_is_public_counts_for_nothing():
    text = b"the mailserver at example says no"
    assert holds_scattered([text], ["mailXexample9"], "")
    assert not holds_scattered([text], ["mailXexample9"], "mailserver example")


def test_a_secret_of_which_two_pieces_are_nearly_all_is_left_to_others():
    assert not holds_scattered([b"abcd 1234"], ["abc1234"], "")


def test_no_more_is_looked_for_than_the_budget_allows():
    long = "x" * MAX_CHARACTERS
    assert not holds_scattered([SECRET.encode()], [long, SECRET], "")
    assert holds_scattered([SECRET.encode()], [SECRET, long], "")


LONGEST_STRETCH_SECONDS = 0.02


def cpu_seconds(texts, secrets):
    started = time.thread_time()
    holds_scattered(texts, secrets, "")
    return time.thread_time() - started


@pytest.mark.parametrize("length", [8, 64, MAX_CHARACTERS])
def test_ligatures_that_stand_for_many_letters_hold_nobody_up(length):
    letters = "".join(chr(97 + number % 26) + str(number) for number in range(MAX_CHARACTERS))
    secrets = [letters[at : at + length] for at in range(0, MAX_CHARACTERS, length)]
    texts = [("\ufdfa" * 3000).encode()] * 2
    assert_within(LONGEST_STRETCH_SECONDS, lambda: cpu_seconds(texts, secrets))


@pytest.mark.parametrize("text", SCATTERED)
async def test_no_session_shows_the_pieces(text):
    outcomes = [
        await observe(smtp("leak", *CREDENTIAL, f"S: {text}", code=Code.OK, mode=C, secret=SECRET)),
        await observe(
            imap(
                "leak",
                *IMAP_CREDENTIAL,
                f"S: * NO [ALERT] {text[: len(text) // 2]}",
                f"S: {{tag}} NO {text[len(text) // 2 :]}",
                code=Code.OK,
                mode=C,
                secret=SECRET,
            )
        ),
    ]
    for outcome in outcomes:
        shown = outcome.everything.lower()
        assert not [one for one in ("ephy", "yhpe", "4qua", "quar", "rauq") if one in shown]
