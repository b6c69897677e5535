"""A process that stood still: what arrived meanwhile is read before the timers count."""

import asyncio
import socket
import time

import pytest
import uvloop

from producer.contract.report import PhaseName, PhaseState
from worker.probing.errors import DeadlineFault
from worker.probing.timeline import Timeline

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
PAUSE = 1.8
"""Of the loop; the real one is of the process, and looks the same to its timers."""


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def run(request):
    def run_it(coroutine):
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(coroutine)

    return run_it


class Peer:
    """Answers while the process stands still."""

    def __init__(self):
        self.ours, self._theirs = socket.socketpair()
        self.ours.settimeout(0)

    async def pause_and_answer(self, answer=b"250 fine"):
        await asyncio.sleep(0)
        time.sleep(PAUSE)  # noqa: ASYNC251 - nothing of this process moves
        if answer:
            self._theirs.send(answer)

    async def reply(self):
        return await asyncio.get_running_loop().sock_recv(self.ours, 100)

    def close(self):
        self.ours.close()
        self._theirs.close()


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


@pytest.mark.parametrize("deadline", [30, 0.2], ids=["phase", "whole"])
def test_an_answer_that_came_in_a_pause_is_no_time_out_and_the_dialogue_goes_on(
    run, peer, deadline
):
    async def probe():
        timeline = Timeline(deadline)
        pause = asyncio.create_task(peer.pause_and_answer())
        async with timeline.phase(PhaseName.AUTH, seconds=0.1):
            answer = await peer.reply()
        async with timeline.phase(PhaseName.MAILBOX):
            await asyncio.sleep(0.01)
        await pause
        return answer, [one.state for one in timeline.phases()]

    assert run(probe()) == (b"250 fine", [PhaseState.OK, PhaseState.OK])


def test_without_an_answer_the_time_still_runs_out_once_the_lost_time_is_over(run, peer):
    async def probe():
        timeline = Timeline(30)
        pause = asyncio.create_task(peer.pause_and_answer(b""))
        began = time.monotonic()
        with pytest.raises(DeadlineFault):
            async with timeline.phase(PhaseName.AUTH, seconds=0.1):
                await peer.reply()
        await pause
        return time.monotonic() - began

    assert 2 * PAUSE - 0.1 < run(probe()) < 2 * PAUSE + 2


def test_a_pause_that_ends_just_as_the_time_runs_out_is_given_back_too(run, peer):
    """Late by next to nothing, the timer has not been waited for all the same."""

    async def probe():
        timeline = Timeline(PAUSE + 0.5)
        pause = asyncio.create_task(peer.pause_and_answer())
        async with timeline.phase(PhaseName.AUTH, seconds=PAUSE - 0.05):
            answer = await peer.reply()
        await pause
        return answer, timeline.seconds_left

    answer, left = run(probe())
    assert answer == b"250 fine"
    assert PAUSE - 0.1 < left < PAUSE + 0.6


def test_phases_inside_each_other_put_the_deadline_off_once(run):
    async def probe():
        timeline = Timeline(10)
        async with (
            timeline.phase(PhaseName.STARTTLS, seconds=0.1),
            timeline.phase(PhaseName.TLS, seconds=0.1),
        ):
            await asyncio.sleep(0)
            time.sleep(PAUSE)  # noqa: ASYNC251 - nothing of this process moves
            await asyncio.sleep(0.01)
        return timeline.seconds_left

    assert 9 < run(probe()) < 10.1


def test_a_loop_that_turns_loses_nothing(run):
    async def probe():
        timeline = Timeline(10)
        async with timeline.phase(PhaseName.AUTH):
            await asyncio.sleep(1.3)
        return timeline.seconds_left

    assert run(probe()) < 8.75
