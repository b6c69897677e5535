import asyncio

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, PhaseState
from worker.probing.errors import DeadlineFault, NetworkFault
from worker.probing.timeline import PHASE_SECONDS, Timeline


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


async def test_a_phase_that_outlasts_its_budget_is_a_deadline_fault_that_names_it():
    timeline = Timeline(30)
    with pytest.raises(DeadlineFault) as raised:
        async with timeline.phase(PhaseName.AUTH, seconds=0.02):
            await asyncio.sleep(5)
    assert raised.value.code is Code.DEADLINE_EXCEEDED
    assert "auth" in raised.value.detail
    assert timeline.last is PhaseName.AUTH
    assert [phase.state for phase in timeline.phases()] == [PhaseState.FAILED]


async def test_a_phase_never_gets_more_than_what_is_left_of_the_whole():
    timeline = Timeline(0.05)
    with pytest.raises(DeadlineFault) as raised:
        async with timeline.phase(PhaseName.AUTH):
            await asyncio.sleep(5)
    assert "whole probe, 0.05 s" in raised.value.detail


async def test_small_steps_inside_a_phase_do_not_win_time():
    timeline = Timeline(30)
    with pytest.raises(DeadlineFault):
        async with timeline.phase(PhaseName.GREETING, seconds=0.1):
            for _ in range(200):
                await asyncio.sleep(0.01)


async def test_a_wait_of_our_own_making_uses_up_no_time():
    clock = Clock()
    timeline = Timeline(10, clock)
    clock.now += 8
    timeline.put_off(8)
    assert timeline.seconds_left == 10


async def test_no_phase_begins_after_the_deadline():
    clock = Clock()
    timeline = Timeline(10, clock)
    clock.now += 10
    entered = False
    with pytest.raises(DeadlineFault):
        async with timeline.phase(PhaseName.AUTH):
            entered = True
    assert not entered
    assert timeline.last is PhaseName.AUTH


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (PhaseName.DNS, Code.DNS_TEMPORARY),
        (PhaseName.CONNECT, Code.CONNECTION_TIMED_OUT),
    ],
)
async def test_before_there_is_a_connection_running_out_of_time_has_codes_of_its_own(name, code):
    timeline = Timeline(30)
    with pytest.raises(NetworkFault) as raised:
        async with timeline.phase(name, seconds=0.01):
            await asyncio.sleep(5)
    assert raised.value.code is code


async def test_phases_are_told_in_the_order_in_which_they_began_and_the_same_name_adds_up():
    clock = Clock()
    timeline = Timeline(60, clock)
    timeline.skip(PhaseName.SENDER)
    for seconds in (1.0, 0.25):
        async with timeline.phase(PhaseName.CAPABILITY):
            clock.now += seconds
    async with timeline.phase(PhaseName.GREETING):
        clock.now += 0.5
    assert [(one.name, one.state, one.milliseconds) for one in timeline.phases()] == [
        (PhaseName.SENDER, PhaseState.SKIPPED, 0.0),
        (PhaseName.CAPABILITY, PhaseState.OK, 1250.0),
        (PhaseName.GREETING, PhaseState.OK, 500.0),
    ]


async def test_time_in_a_phase_inside_another_counts_once():
    clock = Clock()
    timeline = Timeline(60, clock)
    async with timeline.phase(PhaseName.STARTTLS):
        clock.now += 1
        async with timeline.phase(PhaseName.TLS):
            clock.now += 2
        assert timeline.last is PhaseName.STARTTLS
    assert {one.name: one.milliseconds for one in timeline.phases()} == {
        PhaseName.TLS: 2000.0,
        PhaseName.STARTTLS: 1000.0,
    }


async def test_a_phase_that_was_entered_is_not_skipped_afterwards():
    timeline = Timeline(60)
    async with timeline.phase(PhaseName.AUTH):
        pass
    timeline.skip(PhaseName.AUTH)
    assert timeline.phases()[0].state is PhaseState.OK


async def test_a_rejection_makes_a_phase_failed():
    timeline = Timeline(60)
    async with timeline.phase(PhaseName.AUTH):
        timeline.fail(PhaseName.AUTH)
    assert timeline.phases()[0].state is PhaseState.FAILED


async def test_being_cancelled_from_outside_is_no_deadline():
    timeline = Timeline(60)

    begun = asyncio.Event()

    async def body():
        async with timeline.phase(PhaseName.AUTH):
            begun.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(body())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert timeline.phases()[0].state is PhaseState.FAILED


async def test_a_time_out_of_the_body_itself_is_passed_on():
    timeline = Timeline(60)
    with pytest.raises(TimeoutError):
        async with timeline.phase(PhaseName.AUTH):
            raise TimeoutError


def test_every_phase_has_a_budget():
    assert set(PHASE_SECONDS) == set(PhaseName)
    # Dovecot delays a wrong password by up to 15 s.
    assert PHASE_SECONDS[PhaseName.AUTH] > 20
