"""Text that was made to cost time, memory or a result: each of these once did."""

import asyncio
import json
import time

import pytest

from producer.contract.codes import Code
from tests.support.hostile import (
    CREDENTIAL,
    IMAP_CREDENTIAL,
    IMAP_GREET,
    C,
    imap,
    observe,
    smtp,
)
from tests.support.pace import assert_within

ANY = Code.OK  # is not looked at here

MOST_CPU_SECONDS = 1.0
"""Of the probe, TCP and the scripted server together. The attacks took 7 s and more."""

LINE = 8000


def filled(unit, size=LINE):
    return (unit * (size // len(unit) + 1))[:size]


def literals(wire):
    """One greeting of a single word, joined from literals to nearly 64 KiB."""
    piece = b"{4096}\r\n" + b"a" * 4096
    return wire.send(b"*" + b"a" * 100 + piece * 15 + b"\r\n")


def as_octets(text):
    """What a script has to say so that UTF-8 goes out."""
    return text.encode().decode("latin-1")


EMOJI = [f"S: * NO [ALERT] {as_octets('😀' * 500)}"] * 20
MIXED = filled("%25&#97;\\x61=41<b>Zm9vYmFyYmF6\\u0061")
MARKS = "\u0315\u0300"
LONG_REFERENCE = f"&#{'9' * 4400};"

CASES = [
    imap("greeting of one word", f"S: {'a' * LINE}", code=ANY),
    imap("greeting of literals", literals, code=ANY),
    imap("tag of one word", *IMAP_GREET, f"S: {'a' * LINE}", code=ANY),
    imap("quotes", *IMAP_CREDENTIAL, f"S: {{tag}} NO [X {filled(chr(34))}", code=ANY),
    imap(
        "emoji",
        *IMAP_CREDENTIAL,
        *EMOJI,
        "S: {tag} NO x",
        code=ANY,
    ),
    smtp(
        "escapes in each reply", *CREDENTIAL, *[f"S: 535-{MIXED}"] * 7, f"S: 535 {MIXED}", code=ANY
    ),
    smtp("escapes in the greeting", *[f"S: 220-{MIXED}"] * 7, "S: 220 hi", "CLOSE", code=ANY),
    smtp("long reference", *CREDENTIAL, f"S: 535 no {LONG_REFERENCE}", code=ANY),
    smtp(
        "long reference in the greeting",
        f"S: 220 {LONG_REFERENCE}",
        *CREDENTIAL[1:],
        "S: 535 no",
        code=ANY,
    ),
    smtp("hidden reference", *CREDENTIAL, f"S: 535 no %26#{'9' * 4400};", code=ANY),
    smtp("an app without end", *CREDENTIAL, f"S: 534 {filled('app')}", code=ANY),
    smtp("marks", *CREDENTIAL, f"S: 535 {as_octets(filled(MARKS, 3000))}", code=ANY),
    smtp("sequences", *CREDENTIAL, *[f"S: 535-{filled(chr(27) + '[')}"] * 7, "S: 535 no", code=ANY),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_hostile_text_costs_little_and_ends_in_a_verdict(case):
    outcome = await observe(case)

    assert outcome.cpu_seconds < MOST_CPU_SECONDS
    assert outcome.result.probe.code is not Code.INTERNAL_SERVER_ERROR
    assert outcome.result.failed
    assert outcome.result.sentence
    logs = "\n".join(outcome.result.transcript)
    assert 0 < len(json.dumps(logs)) <= 32 * 1024
    assert len(outcome.result.probe.server_reply or "") <= 1024


async def test_what_is_left_out_of_a_transcript_is_counted_in_its_last_line():
    outcome = await observe(imap("emoji", *IMAP_CREDENTIAL, *EMOJI, "S: {tag} NO x", code=ANY))

    assert any("more lines" in line for line in outcome.result.transcript[-3:])


async def test_the_other_password_of_an_item_is_withheld_and_the_reason_said():
    other = "the-Other-hunter2-password"
    case = smtp(
        "other", *CREDENTIAL, f"S: 535 not {other}", code=ANY, mode=C, other_secrets=(other,)
    )
    outcome = await observe(case)

    assert other not in outcome.everything
    assert "SMTP S: 535 [text withheld]" in outcome.result.transcript
    assert "part of a password" in outcome.result.transcript[-1]


async def test_a_password_too_short_to_look_for_is_explained():
    case = smtp("short", *CREDENTIAL, "S: 535 no", code=ANY, mode=C, secret="abc")
    outcome = await observe(case)

    assert "too short" in outcome.result.transcript[-1]


LONGEST_TURN_SECONDS = 0.02
UNLIKE = "".join(f"%{number:x}\\u{number:04x}&#{number};={number:X}." for number in range(500))
PASSWORDS_OF_A_BATCH = tuple(f"Pw-{number:04}-xYzzy{number * 7919}" for number in range(100))
HEAVY = [
    smtp(
        "every word looked through for the passwords of a batch",
        *CREDENTIAL,
        *(f"S: 535-5.7.8 {UNLIKE[start : start + 2000]}" for start in range(0, 8000, 2000)),
        "S: 535 5.7.8 no",
        code=ANY,
        other_secrets=PASSWORDS_OF_A_BATCH,
    ),
    imap(
        "ligatures that fall into eighteen letters",
        *IMAP_CREDENTIAL,
        *[f"S: * NO [ALERT] {as_octets(chr(0xFDFA) * 2500)}"] * 3,
        "S: {tag} NO [X-Y] x",
        code=ANY,
    ),
]


async def longest_turn():
    """Seconds of computing of the longest turn of the loop, as soon as this is cancelled."""
    longest, before = 0.0, time.thread_time()
    try:
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            longest, before = max(longest, now - before), now
    except asyncio.CancelledError:
        return longest


@pytest.mark.parametrize("case", HEAVY, ids=str)
def test_no_turn_of_the_loop_is_long_whatever_a_server_says(case):
    async def longest():
        turns = asyncio.create_task(longest_turn())
        await observe(case)
        turns.cancel()
        return await turns

    assert_within(LONGEST_TURN_SECONDS, lambda: asyncio.run(longest()))
