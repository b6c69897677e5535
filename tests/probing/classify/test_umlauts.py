"""German in ASCII is read as German; no English word and no own name changes by it."""

import tomllib
from pathlib import Path

import pytest

from producer.contract.codes import Code
from tests.support.replies import refusal
from worker.probing.classify.refusals import classify_refusal
from worker.probing.classify.umlauts import Umlauts

IN_ASCII = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
WORDED = tomllib.loads(Path(__file__).with_name("worded.toml").read_text(encoding="utf-8"))
SPELT_OUT = [
    (phase, code, reply.translate(IN_ASCII))
    for phase, codes in WORDED.items()
    for code, table in codes.items()
    for reply in table["replies"]
    if reply.translate(IN_ASCII) != reply
]


def judged(phase: str, reply: str, *own: str) -> Code:
    protocol = "smtp" if reply[0].isdecimal() else "imap"
    return classify_refusal(refusal(protocol, phase, reply), None, own).code


def test_a_reply_without_umlauts_gets_the_same_code():
    assert len(SPELT_OUT) > 30
    assert [one for one in SPELT_OUT if judged(one[0], one[2]) != one[1]] == []


@pytest.mark.parametrize("user", ["gekuendigt", "ungueltig", "voruebergehend"])
@pytest.mark.parametrize("reply", ["535 Login failed for {}", "NO {} is no valid login"])
def test_a_user_who_is_named_like_a_reason_is_none(user, reply):
    own = ("mail.example.org", f"{user}@example.org")
    named_otherwise = ("mail.example.org", "jean@example.org")
    said, otherwise = reply.format(user), reply.format("jean")
    assert judged("auth", said, *own) == judged("auth", otherwise, *named_otherwise)


@pytest.mark.parametrize(
    ("word", "read"),
    [
        ("ungueltig", "ungultig"),
        ("verschluesselte", "verschlusselte"),
        ("queue", "queue"),
        ("does", "does"),
        ("mueller", "mueller"),
        ("ue" * 40, "ue" * 40),
    ],
)
def test_only_what_is_known_without_the_second_letter_is_read_so(word, read):
    umlauts = Umlauts(["{ungultig|queu} … does", "verschlussel*", "queue dos"])
    assert umlauts.restored((word,)) == (read,)
