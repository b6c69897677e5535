"""A task that waits for Redis ends when it is cancelled."""

import asyncio

import pytest

from producer.cancellation import heed_cancellation


async def swallowing(*, fails):
    """As redis-py's sending does in Python 3.11, where a cancellation comes just as it ends."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if fails:
            raise ConnectionError("no answer") from None
    return b"PONG"


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancellation_that_was_swallowed_ends_the_task_whatever_the_call_did(fails):
    task = asyncio.create_task(heed_cancellation(swallowing(fails=fails)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_a_call_that_was_not_cancelled_fails_as_it_does():
    async def failing():
        raise ConnectionError("no answer")

    with pytest.raises(ConnectionError):
        await heed_cancellation(failing())
