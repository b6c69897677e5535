"""What a verdict costs in processor time, whatever a server wrote."""

from collections.abc import Sequence
from time import thread_time

import pytest

from producer.contract.report import PhaseName
from tests.support.pace import assert_within
from worker.probing.classify.refusals import classify_refusal
from worker.probing.target import Protocol, Refusal

LIGATURE = "\ufdfa"
"""Eighteen letters."""

OCTETS = 64 * 1024
MOST_SECONDS = 0.015
"""Of the 20 ms that one stretch of the loop may take: a verdict is not all of it."""
SHAPES = {
    "letters": "x",
    "openings": "too many ",
    "stems": "expired password ",
    "gaps": "account user mailbox domain ",
    "stems behind a gap": "desativad ",
    "choices": "authentication login failed invalid password or ",
    "dots": "a.",
    "at signs": "a@b ",
    "links": "https://a.example/b?c ",
    "escapes": "\\xd3\\xc3",
    "single escapes": "\\xe9 ",
    "ideographs": "\u7528\u6237",
    "marks": "e\u0301",
    "tags": "<b>",
    "addresses": "from 1.2.3.4 ",
    "subjects": "1.2.3.4 is ",
    "suppositions": "if x. ",
    "lines": "535 no\n",
    "elisions": "l'a ",
    "possessives": "a's ",
    "learnt words": "wallet empty activity link plan stronger broke side pelican banco ",
}


@pytest.mark.parametrize("piece", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(
    ("protocol", "phase", "condition", "detail"),
    [
        (Protocol.SMTP, PhaseName.AUTH, "535", "5.7.8"),
        (Protocol.SMTP, PhaseName.SENDER, "535", "5.7.8"),
        (Protocol.IMAP, PhaseName.AUTH, "BAD", None),
    ],
)
def test_a_reply_of_64_kib_is_judged_within_one_stretch_of_the_loop(
    piece, protocol, phase, condition, detail
):
    text = (piece * OCTETS)[:OCTETS]
    refusal = Refusal(protocol, phase, condition, detail, text)
    assert_within(MOST_SECONDS, lambda: _cost(refusal))


BESIDE = {
    "passwords that fall into many letters": (LIGATURE * 400, [LIGATURE * 227] * 17, "dealer"),
    "many passwords": (
        "wallet empty " + "a " * 900,
        [f"{'a ' * 10}b{number}" for number in range(150)],
        "dealer",
    ),
    "elisions": (
        "l'a " * 512,
        [f"{'a ' * 10}b{number}" for number in range(150)],
        "用" * 511 + "@x",
    ),
    "a name of many words": ("用户" * 1024, ["a" * 9], "用" * 511),
}


@pytest.mark.parametrize(("text", "secrets", "user"), BESIDE.values(), ids=BESIDE)
def test_so_is_one_beside(text, secrets, user):
    refusal = Refusal(Protocol.SMTP, PhaseName.AUTH, "535", "5.7.8", text)
    assert_within(MOST_SECONDS, lambda: _cost(refusal, secrets, user))


def _cost(refusal: Refusal, secrets: Sequence[str] = (), user: str = "dealer@example.org") -> float:
    began = thread_time()
    classify_refusal(refusal, None, ("mail.example.org", user), secrets=secrets)
    return thread_time() - began
