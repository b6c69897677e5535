"""What a server writes around its reason changes no verdict: hosts, ids, links, times, case, lines.

From octets to verdict: each reply is changed, written as a server would send it, read by the parser
that a dialogue reads with, and judged.
"""

from collections.abc import Callable
from functools import cache
from itertools import chain, islice

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from tests.support.confusion import USER
from tests.support.replies import Case, cases
from worker.probing.classify import providers
from worker.probing.classify.refusals import classify_refusal
from worker.probing.imap.response import ResponseReader
from worker.probing.smtp.reply import ReplyReader
from worker.probing.target import Protocol, Refusal

Change = Callable[[str], str]

FILES = ("sample.jsonl", "corpus.jsonl", "gathered.jsonl", "studied.jsonl")

SUFFIXES = (
    " [mx12.example.net]",
    " - mx12.example.net ESMTP",
    " (in reply to AUTH LOGIN command)",
    " (in reply to MAIL FROM command)",
    " https://support.example.net/k/8842?id=3",
    " (see http://www.example.net/help.html)",
    " id=4f7a1-20020a05e5",
    " <4B2C.9A.20261121@mx12.example.net>",
    " q12-20020a05600c sor1234",
    " [3f2504e0-4f89-11d3-9a0c-0305e82c3301]",
    " ref 0xDEADBEEF",
    " (session 12345)",
    " 2026-11-21T19:00:00Z",
    " Sat, 21 Nov 2026 19:00:00 +0000 (UTC)",
    " - gsmtp",
    "...",
    " !",
    "   ",
)
PREFIXES = (
    "mx12.example.net: ",
    "mx12.example.net ESMTP: ",
    "[203.0.113.9] ",
    "<dealer@example.org>: ",
    "Error: ",
    "2026-11-21 19:00:00 ",
    "(4f7a1c) ",
)


def in_two_lines(text: str) -> str:
    words = text.split(" ")
    middle = len(words) // 2
    return f"{' '.join(words[:middle])}\n{' '.join(words[middle:])}" if middle else text


def in_other_case(change: Change) -> Change:
    """Leave octets alone that are written as escapes."""
    return lambda text: text if "\\x" in text else change(text)


CHANGES: dict[str, Change] = {
    **{f"... {suffix}": lambda text, more=suffix: text + more for suffix in SUFFIXES},
    **{f"{prefix} ...": lambda text, more=prefix: more + text for prefix in PREFIXES},
    "upper case": in_other_case(str.upper),
    "lower case": in_other_case(str.lower),
    "title case": in_other_case(str.title),
    "two blanks": lambda text: text.replace(" ", "  "),
    "tabs": lambda text: text.replace(" ", "\t"),
    "two lines": in_two_lines,
    "a line for each word": lambda text: text.replace(" ", "\n"),
    "in quotes": '"{}"'.format,
}


def read(refusal: Refusal, text: str) -> Refusal:
    """Write the refusal with this text as octets, and read it again."""
    detail = refusal.detail
    if refusal.protocol is Protocol.IMAP:
        code = f"[{detail}] " if detail else ""
        line = f"x {refusal.condition} {code}{' '.join(text.split(chr(10)))}"
        response = ResponseReader().feed_line(line.encode())
        assert response is not None
        return Refusal(
            Protocol.IMAP, refusal.phase, response.condition, response.code or None, response.words
        )
    *first, last = text.split("\n")
    enhanced = f"{detail} " if detail else ""
    reader = ReplyReader()
    for line in first:
        assert reader.feed(f"{refusal.condition}-{enhanced}{line}".encode()) is None
    reply = reader.feed(f"{refusal.condition} {enhanced}{last}".encode())
    assert reply is not None
    return reply.as_refusal(refusal.phase)


def judged(case: Case, change: Change) -> tuple[Code, bool]:
    refusal = read(case.refusal, change(case.refusal.text))
    verdict = classify_refusal(refusal, providers.load().find(case.host), [case.host, *USER])
    return verdict.code, verdict.retryable


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_stands_around_a_reason_changes_no_verdict(change):
    changed = [
        (case.reply, before, after)
        for case, before in _unchanged()
        if (after := judged(case, change)) != before
    ]
    assert changed == []


@cache
def _unchanged() -> list[tuple[Case, tuple[Code, bool]]]:
    some = islice(cases("corpus.jsonl"), None, None, 5)  # all of it would take half a minute
    labelled = chain(some, *(cases(name) for name in FILES if name != "corpus.jsonl"))
    return [(case, judged(case, str)) for case in labelled if _is_readable(case)]


def _is_readable(case: Case) -> bool:
    """A greeting's enhanced code of another class than its reply code is read as text."""
    detail = case.refusal.detail
    smtp = case.refusal.protocol is Protocol.SMTP
    return not (smtp and detail and detail[0] != case.refusal.condition[0])


def test_the_replies_are_of_every_phase_that_a_server_refuses_in():
    phases = {case.refusal.phase for name in FILES for case in cases(name)}
    assert {PhaseName.GREETING, PhaseName.AUTH, PhaseName.MAILBOX, PhaseName.SENDER} <= phases
