import asyncio
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.queue.slots import (
    LEAST_ROOM_TO_WAIT,
    USUAL_PARTS,
    JobSlot,
    Slots,
    current_slot,
    part,
    seat,
    waiting,
)


def fill(slots, queue, count):
    for _ in range(count):
        slots.take(queue)


def test_one_queue_may_use_every_slot():
    slots = Slots(100, ["tests", "updates"])
    fill(slots, "tests", 100)
    assert (slots.in_use, slots.free("tests")) == (100, 0)


def test_a_queue_that_was_shut_out_gets_its_share_and_no_more():
    slots = Slots(100, ["tests", "updates"])
    fill(slots, "tests", 100)
    assert slots.free("updates") == 10
    fill(slots, "updates", 10)
    assert slots.free("updates") == 0


def test_while_both_want_more_the_total_falls_back_to_its_number():
    slots = Slots(100, ["tests", "updates"])
    fill(slots, "tests", 100)
    fill(slots, "updates", 10)
    for _ in range(10):
        slots.leave("tests")
        assert slots.free("tests") == 0
    slots.leave("tests")
    assert (slots.in_use, slots.free("tests")) == (99, 1)


def test_a_single_place_still_lets_both_queues_move():
    slots = Slots(1, ["tests", "updates"])
    fill(slots, "tests", 1)
    assert slots.free("updates") == 1


async def test_who_waits_is_woken_when_a_job_ends():
    slots = Slots(10, ["tests"])
    fill(slots, "tests", 10)
    waiting = asyncio.ensure_future(slots.wait("tests"))
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.leave("tests")
    assert await waiting == 1


async def test_an_end_for_one_queue_wakes_all_that_wait():
    slots = Slots(2, ["tests", "updates"])
    fill(slots, "tests", 1)
    fill(slots, "updates", 2)
    both = [asyncio.ensure_future(slots.wait(queue)) for queue in ("tests", "updates")]
    await asyncio.sleep(0)
    slots.leave("updates")
    slots.leave("updates")
    async with asyncio.timeout(5):
        assert all(await asyncio.gather(*both))


@pytest.mark.parametrize("total", [1, 3, 1000])
def test_a_share_is_at_least_one_slot(total):
    slots = Slots(total, ["tests", "updates"])
    fill(slots, "tests", total)
    assert slots.free("updates") == max(1, total // 10)


class Job:
    """A job whose parts are told one by one what to do, for as long as it is referred to."""

    def __init__(self, slots, queue="tests"):
        slots.take(queue)
        self.slot = JobSlot(slots, queue)
        self._parts = []

    def begin_part(self):
        self._parts.append((begun := ExitStack(), ExitStack()))
        begun.enter_context(self.slot.part())

    def wait(self, number=0):
        self._parts[number][1].enter_context(self.slot.waiting())

    def go_on(self, number=0):
        self._parts[number][1].close()

    def end_part(self, number=0):
        begun, in_line = self._parts.pop(number)
        in_line.close()
        begun.close()

    @property
    def parts(self):
        return len(self._parts)


def waiting_job(slots, queue="tests", parts=1):
    job = Job(slots, queue)
    for number in range(parts):
        job.begin_part()
        job.wait(number)
    return job


def test_a_job_all_of_whose_parts_wait_gives_its_place_to_another():
    slots = Slots(1, ["tests"])
    job = waiting_job(slots, parts=2)
    assert (slots.free("tests"), slots.jobs) == (1, 1)
    job.go_on()
    assert (slots.free("tests"), slots.jobs) == (0, 1)


def test_a_job_of_which_one_part_runs_keeps_its_slot():
    slots = Slots(1, ["tests"])
    job = waiting_job(slots, parts=2)
    job.go_on(1)
    assert slots.free("tests") == 0
    job.end_part(1)
    assert slots.free("tests") == 1, "the part that is left waits"


def test_a_job_without_parts_before_them_and_after_them_keeps_its_slot():
    slots = Slots(1, ["tests"])
    job = Job(slots)
    assert slots.free("tests") == 0
    job.begin_part()
    job.wait()
    job.end_part()
    assert slots.free("tests") == 0


def test_a_job_that_is_let_in_goes_on_over_the_number_and_nothing_starts_until_it_is_below():
    slots = Slots(1, ["tests"])
    first = waiting_job(slots)
    second = Job(slots)
    first.go_on()
    assert (slots.in_use, slots.free("tests")) == (2, 0)
    second.slot.leave()
    assert slots.free("tests") == 0
    first.slot.leave()
    assert (slots.free("tests"), slots.jobs) == (1, 0)


def test_those_who_wait_beyond_the_room_count_as_if_they_had_kept_their_slots():
    slots = Slots(4, ["tests", "updates"])
    jobs = [waiting_job(slots, parts=2) for _ in range(LEAST_ROOM_TO_WAIT // 2)]
    assert slots.free("tests") == 4
    jobs.append(waiting_job(slots, parts=2))
    assert slots.free("tests") == 2
    jobs += [waiting_job(slots), waiting_job(slots)]
    assert slots.free("tests") == 0
    assert slots.free("updates") == 1, "its share"
    jobs[0].go_on()
    assert slots.free("tests") == 1, "four beyond, then two, and the one that goes on"


def test_a_large_job_beyond_the_room_counts_as_one():
    slots = Slots(4, ["tests"])
    job = waiting_job(slots, parts=LEAST_ROOM_TO_WAIT + 50)
    assert slots.free("tests") == 3
    job.slot.leave()
    assert slots.free("tests") == 4


def test_the_room_grows_with_the_slots():
    slots = Slots(1000, ["tests"])
    jobs = [waiting_job(slots, parts=100) for _ in range(100)]
    assert slots.free("tests") == 1000
    jobs.append(waiting_job(slots, parts=100))
    assert slots.free("tests") == 1000 - 100


def test_who_waits_of_one_queue_takes_no_room_of_the_other():
    slots = Slots(4, ["tests", "updates"])
    tests = waiting_job(slots, parts=LEAST_ROOM_TO_WAIT)
    updates = waiting_job(slots, "updates", parts=LEAST_ROOM_TO_WAIT)
    assert (slots.free("tests"), slots.free("updates")) == (4, 4)
    tests.slot.leave()
    updates.slot.leave()


def test_a_job_that_ends_while_it_waits_leaves_nothing_behind_and_its_parts_change_nothing():
    slots = Slots(1, ["tests"])
    job = waiting_job(slots, parts=2)
    job.slot.leave()
    assert (slots.free("tests"), slots.jobs) == (1, 0)
    job.go_on()
    job.end_part()
    job.end_part()
    assert (slots.free("tests"), slots.jobs) == (1, 0)


def test_a_job_only_waits_until_one_of_its_parts_has_found_something():
    job = waiting_job(Slots(1, ["tests"]), parts=2)
    assert job.slot.only_waits
    job.go_on(1)
    assert not job.slot.only_waits
    job.end_part(1)
    assert not job.slot.only_waits, "it waits, but what the other part found would be lost"


async def test_a_place_that_is_given_away_wakes_who_wants_one():
    slots = Slots(1, ["tests"])
    job = Job(slots)
    wanted = asyncio.ensure_future(slots.wait("tests"))
    await asyncio.sleep(0)
    job.begin_part()
    job.wait()
    async with asyncio.timeout(5):
        assert await wanted == 1


async def test_the_parts_of_a_job_find_its_place_and_others_do_not():
    slots = Slots(1, ["tests"])
    slots.take("tests")

    async def wait():
        with part(), waiting():
            await asyncio.sleep(0)
            return slots.free("tests")

    current_slot.set(JobSlot(slots, "tests"))
    assert await asyncio.gather(wait(), wait()) == [1, 1]
    current_slot.set(None)
    assert await wait() == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)), max_size=60))
def test_whatever_parts_do_every_place_is_free_in_the_end(steps):
    slots = Slots(2, ["tests"])
    jobs = [Job(slots) for _ in range(3)]
    for number, which, step in steps:
        job = jobs[number]
        if step == 0:
            job.begin_part()
        elif which < job.parts:
            (job.wait, job.go_on, job.end_part)[step - 1](which)
        assert slots.jobs == 3
        assert 0 <= slots.in_use <= 3
    for job in jobs:
        while job.parts:
            job.end_part()
        job.slot.leave()
    assert (slots.in_use, slots.jobs, slots.free("tests")) == (0, 0, 2)


def test_a_job_that_waits_to_start_gives_its_place_away_and_has_lost_nothing_by_it():
    slots = Slots(2, ["tests"])
    slots.take("tests")
    slot = JobSlot(slots, "tests")
    with slot.waiting_as_a_whole():
        assert (slots.in_use, slot.only_waits) == (0, True)
    assert (slots.in_use, slot.only_waits) == (1, False)
    with slot.part(), slot.waiting():
        assert slot.only_waits, "nothing was found before"
    slot.leave()
    assert slots.jobs == 0


class Work:
    """Parts of jobs that work until they are told to end."""

    def __init__(self, slots):
        self._slots = slots
        self.at_work = 0
        self.may_end = asyncio.Event()

    def start(self, parts, let_in=None):
        self._slots.take("tests")
        current_slot.set(JobSlot(self._slots, "tests"))
        tasks = [asyncio.create_task(self._part(let_in)) for _ in range(parts)]
        current_slot.set(None)
        return tasks

    async def _part(self, let_in):
        with part():
            async with seat():
                if let_in is not None:
                    with waiting():
                        await let_in.wait()
                self.at_work += 1
                await self.may_end.wait()
                self.at_work -= 1


async def until_nothing_moves():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_of_large_jobs_so_many_parts_work_at_once_as_there_are_seats():
    work = Work(slots := Slots(20, ["tests"]))
    jobs = [work.start(100) for _ in range(15)]
    await until_nothing_moves()
    assert work.at_work == LEAST_ROOM_TO_WAIT + 15 * USUAL_PARTS
    assert slots.in_use == 15, "each has parts that work"
    work.may_end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*(task for job in jobs for task in job))


async def test_a_usual_job_works_though_no_seat_is_left():
    work = Work(Slots(20, ["tests"]))
    large = [task for _ in range(15) for task in work.start(100)]
    await until_nothing_moves()
    before = work.at_work
    usual = work.start(USUAL_PARTS)
    await until_nothing_moves()
    assert work.at_work == before + USUAL_PARTS
    work.may_end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*large, *usual)


async def test_a_part_that_is_broken_off_at_work_or_before_leaves_its_seat():
    work = Work(Slots(20, ["tests"]))
    broken = work.start(LEAST_ROOM_TO_WAIT + 100)
    await until_nothing_moves()
    for task in broken:
        task.cancel()
    await asyncio.gather(*broken, return_exceptions=True)
    work.at_work = 0
    last = work.start(LEAST_ROOM_TO_WAIT + USUAL_PARTS)
    await until_nothing_moves()
    assert work.at_work == len(last)
    work.may_end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*last)


async def test_parts_that_wait_hold_no_seat_and_go_on_at_once_when_they_are_let_in():
    work, let_in = Work(Slots(20, ["tests"])), asyncio.Event()
    waiting_ones = [task for _ in range(15) for task in work.start(100, let_in)]
    await until_nothing_moves()
    others = [task for _ in range(5) for task in work.start(100)]
    await until_nothing_moves()
    assert work.at_work == len(others), "though more than there are seats wait somewhere"
    let_in.set()
    await until_nothing_moves()
    assert work.at_work == len(others) + len(waiting_ones)
    late = work.start(100)
    await until_nothing_moves()
    assert work.at_work == len(others) + len(waiting_ones) + USUAL_PARTS, "the number was passed"
    work.may_end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting_ones, *others, *late)
    work.may_end.clear()
    again = work.start(LEAST_ROOM_TO_WAIT + USUAL_PARTS + 1)
    await until_nothing_moves()
    assert work.at_work == LEAST_ROOM_TO_WAIT + USUAL_PARTS, "as many seats as before"
    work.may_end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*again)


async def test_a_seat_goes_to_the_job_with_the_fewest_so_nobody_waits_behind_the_many_of_another():
    strangers, honest = Work(slots := Slots(20, ["tests"])), Work(slots)
    large = [strangers.start(100) for _ in range(11)]
    await until_nothing_moves()
    small = honest.start(50)
    await until_nothing_moves()
    assert honest.at_work == USUAL_PARTS, "no seat is free"
    large[0][-1].cancel()  # one falls free, and comes back from each part of the last job
    honest.may_end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*small)
    strangers.may_end.set()
    async with asyncio.timeout(5):
        await asyncio.gather(*large[0][:-1], *(task for job in large[1:] for task in job))
