import asyncio

import pytest

from worker.queue.retries import AT_A_TIME, Retries


async def settle():
    for _ in range(3):
        await asyncio.sleep(0)


def admitted(tasks):
    return [number for number, task in enumerate(tasks) if task.done()]


@pytest.mark.parametrize(("deaths", "at_a_time"), [(1, 64), (2, 8), (3, 1), (4, 1), (9, 1)])
async def test_so_many_run_at_a_time_by_the_deaths_behind_them(deaths, at_a_time):
    retries = Retries()
    tasks = [asyncio.create_task(retries.enter(deaths)) for _ in range(200)]
    for turn in range(3):
        await settle()
        assert admitted(tasks) == list(range(at_a_time + turn))
        tasks[turn].result()()
    for task in tasks:
        task.cancel()


async def test_the_least_suspect_go_first_and_who_goes_alone_goes_quite_alone():
    retries = Retries()
    first = await retries.enter(1)
    alone = asyncio.create_task(retries.enter(3))
    await settle()
    assert not alone.done()
    another = await asyncio.wait_for(retries.enter(1), 1)
    first()
    await settle()
    assert not alone.done()
    another()
    await settle()
    late = asyncio.create_task(retries.enter(1))
    await settle()
    assert (alone.done(), late.done()) == (True, False)
    alone.result()()
    await settle()
    assert late.done()


async def test_who_stops_waiting_takes_no_turn_whenever_that_happens():
    retries = Retries()
    leave = await retries.enter(3)
    early, late = (asyncio.create_task(retries.enter(3)) for _ in range(2))
    await settle()
    early.cancel()
    leave()
    late.cancel()  # its turn has come, and it has not heard of it
    await settle()
    assert await asyncio.wait_for(retries.enter(3), 1)


def test_each_group_is_smaller_than_the_one_before():
    assert AT_A_TIME == {1: 64, 2: 8}
