import asyncio
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.queue.slots import LEAST_ROOM_TO_WAIT, Place, Places, current_place, part, waiting


def fill(places, queue, count):
    for _ in range(count):
        places.take(queue)


def test_one_queue_may_use_every_place():
    places = Places(100, ["tests", "updates"])
    fill(places, "tests", 100)
    assert (places.in_use, places.free("tests")) == (100, 0)


def test_a_queue_that_was_shut_out_gets_its_share_and_no_more():
    places = Places(100, ["tests", "updates"])
    fill(places, "tests", 100)
    assert places.free("updates") == 10
    fill(places, "updates", 10)
    assert places.free("updates") == 0


def test_while_both_want_more_the_total_falls_back_to_its_number():
    places = Places(100, ["tests", "updates"])
    fill(places, "tests", 100)
    fill(places, "updates", 10)
    for _ in range(10):
        places.leave("tests")
        assert places.free("tests") == 0
    places.leave("tests")
    assert (places.in_use, places.free("tests")) == (99, 1)


def test_a_single_place_still_lets_both_queues_move():
    places = Places(1, ["tests", "updates"])
    fill(places, "tests", 1)
    assert places.free("updates") == 1


async def test_who_waits_is_woken_when_a_job_ends():
    places = Places(10, ["tests"])
    fill(places, "tests", 10)
    waiting = asyncio.ensure_future(places.wait("tests"))
    await asyncio.sleep(0)
    assert not waiting.done()
    places.leave("tests")
    assert await waiting == 1


async def test_an_end_for_one_queue_wakes_all_that_wait():
    places = Places(2, ["tests", "updates"])
    fill(places, "tests", 1)
    fill(places, "updates", 2)
    both = [asyncio.ensure_future(places.wait(queue)) for queue in ("tests", "updates")]
    await asyncio.sleep(0)
    places.leave("updates")
    places.leave("updates")
    async with asyncio.timeout(5):
        assert all(await asyncio.gather(*both))


@pytest.mark.parametrize("total", [1, 3, 1000])
def test_a_share_is_at_least_one_place(total):
    places = Places(total, ["tests", "updates"])
    fill(places, "tests", total)
    assert places.free("updates") == max(1, total // 10)


class Job:
    """A job whose parts are told one by one what to do, for as long as it is referred to."""

    def __init__(self, places, queue="tests"):
        places.take(queue)
        self.place = Place(places, queue)
        self._parts = []

    def begin_part(self):
        self._parts.append((begun := ExitStack(), ExitStack()))
        begun.enter_context(self.place.part())

    def wait(self, number=0):
        self._parts[number][1].enter_context(self.place.waiting())

    def go_on(self, number=0):
        self._parts[number][1].close()

    def end_part(self, number=0):
        begun, in_line = self._parts.pop(number)
        in_line.close()
        begun.close()

    @property
    def parts(self):
        return len(self._parts)


def waiting_job(places, queue="tests", parts=1):
    job = Job(places, queue)
    for number in range(parts):
        job.begin_part()
        job.wait(number)
    return job


def test_a_job_all_of_whose_parts_wait_gives_its_place_to_another():
    places = Places(1, ["tests"])
    job = waiting_job(places, parts=2)
    assert (places.free("tests"), places.jobs) == (1, 1)
    job.go_on()
    assert (places.free("tests"), places.jobs) == (0, 1)


def test_a_job_of_which_one_part_runs_keeps_its_place():
    places = Places(1, ["tests"])
    job = waiting_job(places, parts=2)
    job.go_on(1)
    assert places.free("tests") == 0
    job.end_part(1)
    assert places.free("tests") == 1, "the part that is left waits"


def test_a_job_without_parts_before_them_and_after_them_keeps_its_place():
    places = Places(1, ["tests"])
    job = Job(places)
    assert places.free("tests") == 0
    job.begin_part()
    job.wait()
    job.end_part()
    assert places.free("tests") == 0


def test_a_job_that_is_let_in_goes_on_over_the_number_and_nothing_starts_until_it_is_below():
    places = Places(1, ["tests"])
    first = waiting_job(places)
    second = Job(places)
    first.go_on()
    assert (places.in_use, places.free("tests")) == (2, 0)
    second.place.leave()
    assert places.free("tests") == 0
    first.place.leave()
    assert (places.free("tests"), places.jobs) == (1, 0)


def test_those_who_wait_beyond_the_room_count_as_if_they_had_kept_their_places():
    places = Places(4, ["tests", "updates"])
    jobs = [waiting_job(places, parts=2) for _ in range(LEAST_ROOM_TO_WAIT // 2)]
    assert places.free("tests") == 4
    jobs.append(waiting_job(places, parts=2))
    assert places.free("tests") == 2
    jobs += [waiting_job(places), waiting_job(places)]
    assert places.free("tests") == 0
    assert places.free("updates") == 1, "its share"
    jobs[0].go_on()
    assert places.free("tests") == 1, "four beyond, then two, and the one that goes on"


def test_a_large_job_beyond_the_room_counts_as_one():
    places = Places(4, ["tests"])
    job = waiting_job(places, parts=LEAST_ROOM_TO_WAIT + 50)
    assert places.free("tests") == 3
    job.place.leave()
    assert places.free("tests") == 4


def test_the_room_grows_with_the_places():
    places = Places(1000, ["tests"])
    jobs = [waiting_job(places, parts=100) for _ in range(100)]
    assert places.free("tests") == 1000
    jobs.append(waiting_job(places, parts=100))
    assert places.free("tests") == 1000 - 100


def test_who_waits_of_one_queue_takes_no_room_of_the_other():
    places = Places(4, ["tests", "updates"])
    tests = waiting_job(places, parts=LEAST_ROOM_TO_WAIT)
    updates = waiting_job(places, "updates", parts=LEAST_ROOM_TO_WAIT)
    assert (places.free("tests"), places.free("updates")) == (4, 4)
    tests.place.leave()
    updates.place.leave()


def test_a_job_that_ends_while_it_waits_leaves_nothing_behind_and_its_parts_change_nothing():
    places = Places(1, ["tests"])
    job = waiting_job(places, parts=2)
    job.place.leave()
    assert (places.free("tests"), places.jobs) == (1, 0)
    job.go_on()
    job.end_part()
    job.end_part()
    assert (places.free("tests"), places.jobs) == (1, 0)


def test_a_job_only_waits_until_one_of_its_parts_has_found_something():
    job = waiting_job(Places(1, ["tests"]), parts=2)
    assert job.place.only_waits
    job.go_on(1)
    assert not job.place.only_waits
    job.end_part(1)
    assert not job.place.only_waits, "it waits, but what the other part found would be lost"


async def test_a_place_that_is_given_away_wakes_who_wants_one():
    places = Places(1, ["tests"])
    job = Job(places)
    wanted = asyncio.ensure_future(places.wait("tests"))
    await asyncio.sleep(0)
    job.begin_part()
    job.wait()
    async with asyncio.timeout(5):
        assert await wanted == 1


async def test_the_parts_of_a_job_find_its_place_and_others_do_not():
    places = Places(1, ["tests"])
    places.take("tests")

    async def wait():
        with part(), waiting():
            await asyncio.sleep(0)
            return places.free("tests")

    current_place.set(Place(places, "tests"))
    assert await asyncio.gather(wait(), wait()) == [1, 1]
    current_place.set(None)
    assert await wait() == 0


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)), max_size=60))
def test_whatever_parts_do_every_place_is_free_in_the_end(steps):
    places = Places(2, ["tests"])
    jobs = [Job(places) for _ in range(3)]
    for number, which, step in steps:
        job = jobs[number]
        if step == 0:
            job.begin_part()
        elif which < job.parts:
            (job.wait, job.go_on, job.end_part)[step - 1](which)
        assert places.jobs == 3
        assert 0 <= places.in_use <= 3
    for job in jobs:
        while job.parts:
            job.end_part()
        job.place.leave()
    assert (places.in_use, places.jobs, places.free("tests")) == (0, 0, 2)


def test_a_job_that_waits_to_start_gives_its_place_away_and_has_lost_nothing_by_it():
    places = Places(2, ["tests"])
    places.take("tests")
    place = Place(places, "tests")
    with place.waiting_to_start():
        assert (places.in_use, place.only_waits) == (0, True)
    assert (places.in_use, place.only_waits) == (1, False)
    with place.part(), place.waiting():
        assert place.only_waits, "nothing was found before"
    place.leave()
    assert places.jobs == 0
