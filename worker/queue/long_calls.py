"""A call that Redis leaves unanswered counts as a wait: the job gives its slot away meanwhile.

With several shards one may be away for long. Without this the jobs that have something to ask it
would hold one slot after the other, until none is left for the jobs of the other shards.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final

LONG_SECONDS: Final = 1.0
"""Far beyond what a busy Redis takes. Jobs that gave their slot away come back beyond the number of
slots, so a call that is merely slow must not count.
"""


@contextmanager
def long_call(waiting: AbstractContextManager[None]) -> Iterator[None]:
    """Around a call: enter `waiting` once it has lasted `LONG_SECONDS`."""
    with ExitStack() as stack:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(LONG_SECONDS, stack.enter_context, waiting)
        try:
            yield
        finally:
            timer.cancel()
