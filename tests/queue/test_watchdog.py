import asyncio
import threading
import time

from worker.queue.watchdog import Watchdog


async def test_a_loop_that_stands_still_is_noticed():
    stalled = threading.Event()
    watchdog = Watchdog(stall_seconds=0.6, on_stall=stalled.set)
    watchdog.start()
    watching = asyncio.create_task(watchdog.watch())
    await asyncio.sleep(0.1)
    time.sleep(2)  # noqa: ASYNC251 - the very thing
    assert stalled.is_set()
    watching.cancel()


async def test_a_loop_that_turns_is_left_alone():
    stalled = threading.Event()
    watchdog = Watchdog(stall_seconds=0.6, on_stall=stalled.set)
    watchdog.start()
    watching = asyncio.create_task(watchdog.watch())
    await asyncio.sleep(1.5)
    watchdog.stop()
    watching.cancel()
    assert not stalled.is_set()
