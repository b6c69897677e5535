import asyncio

import pytest

from worker.queue.places import Places


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
