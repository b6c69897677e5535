import asyncio
import threading

from worker.queue.watchdog import Stillness, Watchdog


def looks(stillness, *times):
    return [stillness.is_stalled(now) for now in times]


def test_a_loop_that_stands_still_is_noticed_after_its_time():
    stillness = Stillness(stall_seconds=3, poll_seconds=1, now=0)
    assert looks(stillness, 1, 2, 3, 4) == [False, False, False, True]


def test_a_loop_that_turns_is_left_alone():
    stillness = Stillness(stall_seconds=3, poll_seconds=1, now=0)
    for now in range(1, 100):
        stillness.turned(now - 0.5)
        assert not stillness.is_stalled(now)


def test_a_process_that_was_stopped_as_a_whole_is_not_at_fault():
    """The watchdog slept too: the loop gets its whole time again."""
    stillness = Stillness(stall_seconds=3, poll_seconds=1, now=0)
    assert looks(stillness, 1, 2, 600, 601, 602, 603, 604) == [False] * 6 + [True]


async def test_the_thread_ends_what_the_loop_holds_up():
    stalled = threading.Event()
    watchdog = Watchdog(stall_seconds=0.03, on_stall=stalled.set)
    watchdog.start()
    watching = asyncio.create_task(watchdog.watch())
    await asyncio.sleep(0)
    assert stalled.wait(30), "the loop stood still for as long as this took"
    watching.cancel()
