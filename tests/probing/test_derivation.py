import asyncio
import os
import sys
import threading

import pytest

from producer.contract.codes import Code
from worker.probing.derivation import MAX_WAITING, KeyDerivation
from worker.probing.errors import DeadlineFault
from worker.probing.priority import NICENESS


class Work:
    """Computes until it is let go; notes in which order it was begun."""

    def __init__(self):
        self.begun = []
        self.threads = set()
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def named(self, name):
        def work():
            self.begun.append(name)
            self.threads.add(threading.current_thread().name)
            self.has_begun.set()
            assert self.may_end.wait(10)
            return name.encode()

        return work


@pytest.fixture
def work():
    work = Work()
    yield work
    work.may_end.set()


async def some_turns():
    for _ in range(5):
        await asyncio.sleep(0)


async def begin(derive, work, *named):
    """Tasks in this order, the first computing, the others waiting."""
    tasks = [asyncio.create_task(derive(work.named(name), cost)) for name, cost in named]
    await some_turns()
    # Its thread gives way to whatever else the machine does.
    assert await asyncio.to_thread(work.has_begun.wait, 10)
    return tasks


async def test_the_cheapest_key_is_derived_first_and_never_two_at_once(work):
    derive = KeyDerivation()
    costs = [("first", 600_000), ("dear", 500_000), ("cheap", 20_000), ("dear too", 500_000)]
    tasks = await begin(derive, work, *costs)
    work.may_end.set()
    assert await asyncio.gather(*tasks) == [name.encode() for name, _ in costs]
    assert work.begun == ["first", "cheap", "dear", "dear too"]
    assert len(work.threads) == 1


async def test_whoever_gives_up_waiting_is_forgotten_and_the_next_one_comes(work):
    derive = KeyDerivation()
    tasks = await begin(derive, work, ("first", 1), ("gone", 2), ("last", 3))
    tasks[1].cancel()
    tasks[0].cancel()  # in the very turn: the one who is to come next has just given up
    work.may_end.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert tasks[2].result() == b"last"
    assert "gone" not in work.begun


async def test_whoever_is_cancelled_as_the_turn_comes_passes_it_on(work):
    derive = KeyDerivation()
    tasks = await begin(derive, work, ("first", 1), ("gone", 2), ("last", 3))
    work.may_end.set()
    tasks[0].cancel()
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert tasks[2].result() == b"last"


async def test_no_more_than_a_bounded_number_waits(work):
    derive = KeyDerivation()
    named = [(f"{number}", 600_000) for number in range(MAX_WAITING + 1)]
    tasks = await begin(derive, work, *named)
    with pytest.raises(DeadlineFault) as raised:
        await derive(work.named("one too many"), 600_000)
    assert raised.value.code is Code.DEADLINE_EXCEEDED
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    work.may_end.set()
    assert await derive(work.named("later"), 1) == b"later"


async def test_a_cheap_key_is_never_turned_away_for_many_that_are_dear(work):
    derive = KeyDerivation()
    named = [(f"{number}", 600_000) for number in range(MAX_WAITING + 1)]
    tasks = await begin(derive, work, *named)
    cheap = asyncio.create_task(derive(work.named("cheap"), 20_000))
    await some_turns()
    work.may_end.set()
    assert await cheap == b"cheap"
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one) for one in ends[:-1]] == [bytes] * MAX_WAITING
    assert isinstance(ends[-1], DeadlineFault)
    assert work.begun[1] == "cheap"
    assert len(work.threads) == 1


async def test_who_is_turned_away_and_cancelled_at_once_passes_no_turn_on(work):
    derive = KeyDerivation()
    named = [(f"{number}", 600_000) for number in range(MAX_WAITING + 1)]
    tasks = await begin(derive, work, *named)
    cheap = asyncio.ensure_future(derive(work.named("cheap"), 20_000))
    asyncio.get_running_loop().call_soon(tasks[-1].cancel)
    await some_turns()
    assert work.begun == ["0"]
    for task in (*tasks, cheap):
        task.cancel()
    await asyncio.gather(*tasks, cheap, return_exceptions=True)


async def test_an_error_of_the_work_is_its_own_and_holds_up_nobody(work):
    derive = KeyDerivation()
    work.may_end.set()

    def fail():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await derive(fail, 1)
    assert await derive(work.named("next"), 1) == b"next"


one_niceness_a_thread = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere a process has one for all"
)


def niceness_of_this_thread():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


async def niceness_while_deriving(derive):
    return int(await derive(lambda: b"%d" % niceness_of_this_thread(), 4096))


@one_niceness_a_thread
async def test_the_thread_gives_way_to_the_loop_and_to_it_alone():
    before = niceness_of_this_thread()
    assert await niceness_while_deriving(KeyDerivation()) == min(19, before + NICENESS)
    assert niceness_of_this_thread() == before


@one_niceness_a_thread
async def test_keys_are_derived_where_the_system_lets_no_thread_give_way(monkeypatch):
    def forbidden(*arguments):
        raise PermissionError(*arguments)

    before = niceness_of_this_thread()
    monkeypatch.setattr(os, "setpriority", forbidden)
    assert await niceness_while_deriving(KeyDerivation()) == before
