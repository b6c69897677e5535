"""Waits until what a test needs is so, and no longer: however slow the machine is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

POLL_SECONDS = 0.01
MOST_LOOKS = 3000


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(MOST_LOOKS):
        if condition():
            return
        await asyncio.sleep(POLL_SECONDS)
    raise AssertionError("what the test waits for did not come")


async def settled(read: Callable[[], int], looks: int = 20) -> int:
    """Wait until a reading has left 0 and stays the same; return it."""
    same, last = 0, 0

    def stays() -> bool:
        nonlocal same, last
        value = read()
        same, last = (same + 1, value) if value and value == last else (0, value)
        return same >= looks

    await until(stays)
    return last


async def ends_whenever_cancelled(ask: Callable[[], Awaitable[object]], steps: int = 40) -> None:
    """Cancel a task that asks without end, after one more step of the loop each time."""

    async def ask_on() -> None:
        while True:
            await ask()

    for step in range(steps):
        asking = asyncio.create_task(ask_on())
        for _ in range(step):
            await asyncio.sleep(0)
        asking.cancel()
        _, pending = await asyncio.wait({asking}, timeout=3)
        asking.cancel()
        assert not pending, f"after {step} steps of the loop"


def await_sleep(pid: int, looks: int = 5) -> None:
    """Return once a process sleeps in one and the same call, the one that waits for its input.

    CPython's `input()` looks for signals before it blocks: one that comes between its prompt and
    the read itself is heard only after the next key.
    """
    same, last = 0, ""
    for _ in range(MOST_LOOKS):
        now = _sleep(pid)
        same, last = (same + 1, now) if now and now == last else (0, now)
        if same == looks:
            return
        time.sleep(POLL_SECONDS)
    raise AssertionError("the process never slept")


def _sleep(pid: int) -> str:
    """What tells one sleep of the main thread from the next; empty while it runs."""
    status = Path(f"/proc/{pid}/task/{pid}/status").read_text("ascii")
    fields = dict(line.split(":", 1) for line in status.splitlines())
    if not fields["State"].strip().startswith("S"):
        return ""
    return fields["voluntary_ctxt_switches"] + fields["nonvoluntary_ctxt_switches"]
