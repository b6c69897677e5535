"""What a server said is judged in portions, and in between the loop is others'."""

import asyncio
import gc
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from producer.contract.codes import Code
from tests.support.hostile import SECRET, observe, smtp
from worker.probing.interruptible import (
    MOST_WOKEN,
    PORTION_SECONDS,
    REST_SECONDS,
    TURN_SECONDS,
    Turn,
    at_once,
    with_rests,
)
from worker.probing.secrecy.withholding import SERVER, Entry, Withholding
from worker.probing.target import Protocol
from worker.probing.transcript import Transcript

TEXTS = ("%25" * 300, "&amp;#" + "9" * 300, "\\x5cx41" * 100, "QUFB" * 200)
"""Escapes of escapes: some twenty readings."""

SAID = [f"220-{text}" for text in TEXTS]
GREETING = [*(f"S: {line}" for line in SAID), "S: 220 hi", "CLOSE"]


@contextmanager
def no_pass_of_the_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def portions_of(work):
    """CPU seconds of each portion."""
    spent = []
    while True:
        before = time.thread_time()
        ended = next(work, True)
        spent.append(time.thread_time() - before)
        if ended:
            return spent


def judging():
    entry = Entry(SERVER, [line.encode() for line in SAID])
    return Withholding(Protocol.SMTP, [SECRET], ()).of_entries([entry])


def test_no_portion_of_judging_a_costly_text_is_much_of_it():
    with no_pass_of_the_collector():
        runs = [portions_of(judging()) for _ in range(3)]
    best = [min(times) for times in zip(*runs, strict=True)]
    assert max(best) < sum(best) / 4


async def test_a_probe_holds_up_the_loop_for_much_less_than_its_server_s_words_take():
    case = smtp("costly words", *GREETING, code=Code.CONNECTION_CLOSED)
    await observe(case)  # what is made once is made

    async def longest_turn():
        turns = []

        async def watch():
            while True:
                before = time.thread_time()
                await asyncio.sleep(0)
                turns.append(time.thread_time() - before)

        watching = asyncio.create_task(watch())
        outcome = await observe(case)
        watching.cancel()
        assert outcome.result.probe.code is case.code
        return max(turns)

    with no_pass_of_the_collector():
        longest = min([await longest_turn() for _ in range(3)])
        whole = min(sum(portions_of(judging())) for _ in range(3))
    assert longest < whole * 2 / 3


async def test_the_loop_is_others_for_a_while_once_a_portion_has_taken_its_time():
    turned = []

    def work():
        asyncio.get_running_loop().call_soon(turned.append, "turned")
        time.sleep(2 * PORTION_SECONDS)
        assert not turned
        before = time.monotonic()
        yield
        assert turned
        return time.monotonic() - before

    assert await with_rests(work(), Turn()) >= REST_SECONDS / 2


def compute_for(seconds):
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        pass


def more_than_a_turn():
    compute_for(1.25 * TURN_SECONDS)
    yield
    return "done"


async def test_two_portions_of_three_milliseconds_end_a_turn_however_many_probes_are_answered():
    loop, turns, worked_in = asyncio.get_running_loop(), 0, []

    def turned():
        nonlocal turns
        turns += 1
        loop.call_soon(turned)

    def work():
        compute_for(0.003)
        worked_in.append(turns)
        yield

    turned()
    turn = Turn()
    await asyncio.gather(*(with_rests(work(), turn) for _ in range(10)))
    assert len(worked_in) == 10
    assert max(map(worked_in.count, worked_in)) <= 2


@types.coroutine
def counting_turns(awaitable, turns):
    waits = awaitable.__await__()
    while True:
        try:
            waited_for = waits.send(None)
        except StopIteration as end:
            return end.value
        turns.append(1)
        yield waited_for


async def test_who_waits_for_time_is_not_asked_in_each_turn_however_many_they_are():
    turn, turns = Turn(), []
    probes = (counting_turns(with_rests(more_than_a_turn(), turn), turns) for _ in range(100))
    await asyncio.gather(*probes)
    assert len(turns) <= 100 * (MOST_WOKEN + 3), "all in each turn would be 5000"


async def test_those_who_wait_have_their_turn_though_those_before_them_are_broken_off():
    turn = Turn()
    probes = [
        asyncio.create_task(with_rests(more_than_a_turn(), turn)) for _ in range(2 * MOST_WOKEN)
    ]
    await asyncio.sleep(0)
    for task in probes[:-1]:
        task.cancel()
    async with asyncio.timeout(5):
        assert await probes[-1] == "done"


async def test_work_that_fails_counts_and_holds_nobody_up():
    def failing():
        raise ValueError
        yield

    def work():
        yield
        return "done"

    turn = Turn()
    with pytest.raises(ValueError):  # noqa: PT011 - as raised above
        await with_rests(failing(), turn)
    assert await with_rests(work(), turn) == "done"


def test_at_once_nobody_has_a_turn():
    def work():
        yield
        yield
        return "done"

    assert at_once(work()) == "done"


@pytest.mark.parametrize("judged", [True, False])
async def test_what_is_judged_beforehand_is_what_is_judged_when_somebody_asks(judged):
    transcript = Transcript(Protocol.SMTP, [SECRET], ())
    transcript.server([line.encode() for line in SAID])
    transcript.server([b"535 no " + SECRET[::-1].encode()])
    if judged:
        await with_rests(transcript.judge(), Turn())
    assert transcript.lines()[-2:] == [
        "SMTP S: 535 [text withheld]",
        "SMTP * words that hold, or may hold, a part of a password are withheld",
    ]
