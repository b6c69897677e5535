"""Keeps N worker processes running: `mailvouch-worker run`.

Processes are started anew (spawn), not forked: each is the same command with an interpreter of its
own, so that one can die in any way without harm to the others. A process that has not beaten for a
while (stopped, or its interpreter is held) is killed and replaced. Only the main thread may use
this: it owns the signals, and the kernel ties a child's life to the thread that started it.
"""

import logging
import signal
import time
from collections.abc import Callable, Iterator
from typing import Final

from worker.process.slot import ChildSlot, HeartbeatLimits
from worker.process.spawn import Child, Command, spawn
from worker.queue.signals import SignalWatch
from worker.telemetry.heartbeat import Heartbeat

KILL_MARGIN_SECONDS: Final = 20.0
"""Beyond the drain: a worker cancels and gives back within 10 s."""

HEALTHY_SECONDS: Final = 10.0
"""A process that has lived that long is replaced at once when it dies."""

FIRST_BACKOFF_SECONDS: Final = 0.5
LONGEST_BACKOFF_SECONDS: Final = 15.0

POLL_SECONDS: Final = 1.0
PAUSED_SECONDS: Final = 5.0
"""So long between two looks, this process was stopped itself, with the machine or its group."""

_log = logging.getLogger("worker.process.supervisor")


class Supervisor:
    """Runs `command(slot)` for each slot from 0 to `processes` - 1."""

    def __init__(
        self,
        command: Callable[[int], Command],
        processes: int,
        *,
        shutdown_seconds: float,
        signals: SignalWatch,
        limits: HeartbeatLimits | None = None,
    ) -> None:
        now = time.monotonic()
        self.restarts = 0
        self.hooks = Hooks()
        self._command = command
        self._slots = [ChildSlot(number, now) for number in range(processes)]
        self._kill_seconds = shutdown_seconds + KILL_MARGIN_SECONDS
        self._signals = signals
        self._limits = limits or HeartbeatLimits()
        self._looked = now
        self._status = 0

    def run(self) -> int:
        """Run until a signal to stop; 0 where every process ended well then."""
        while not self._signals.stopping:
            self._start_due()
            self._wait(self._next_start())
            self._kill_stuck()
        self._drain()
        return self._status

    def heartbeats(self) -> list[Heartbeat]:
        """Of each process that should be running; for other threads too."""
        now = time.monotonic()
        return [
            slot.heartbeat(now)
            for slot in self._slots
            if slot.child is not None or not self._signals.stopping
        ]

    def pids(self) -> dict[str, int]:
        """The processes that run now, by slot; for other threads too."""
        running = ((str(slot.number), slot.child) for slot in self._slots)
        return {number: child.pid for number, child in running if child is not None}

    def _wait(self, until: float) -> None:
        """Sleep until a signal or a beat comes, at most for POLL_SECONDS; see who has ended."""
        now = time.monotonic()
        seconds = max(0.0, min(until, now + POLL_SECONDS) - now)
        beats = [slot.child.beats for slot in self._slots if slot.child is not None]
        if signal.SIGUSR1 in self._signals.wait(seconds, beats):
            self._pass_on(signal.SIGUSR1)
        self._hear()
        self._collect()
        _call(self.hooks.on_look)

    def _hear(self) -> None:
        """Note the beats; if this process was stopped itself, silence says nothing of a child."""
        now = time.monotonic()
        for slot in self._slots:
            slot.hear(now)
            if now - self._looked > PAUSED_SECONDS:
                slot.heard_at = now
        self._looked = now

    def _start_due(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.child is not None or slot.start_at > now:
                continue
            try:
                slot.child = spawn(self._command(slot.number))
            except OSError as error:  # no file, process or memory left: later there may be
                self._postpone(slot, now)
                _log.error(
                    "worker_process_not_started",
                    extra={"slot": str(slot.number), "reason": str(error)},
                )
            else:
                slot.heard_at = slot.child.started_at
                slot.stuck = False

    def _next_start(self) -> float:
        later = time.monotonic() + LONGEST_BACKOFF_SECONDS
        return min((slot.start_at for slot in self._slots if slot.child is None), default=later)

    def _kill_stuck(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.is_stuck(now, self._limits) and slot.child is not None:
                slot.give_up(slot.child)
                _log.error(
                    "worker_process_stuck",
                    extra={
                        "slot": str(slot.number),
                        "pid": slot.child.pid,
                        "silent_seconds": round(now - slot.heard_at),
                    },
                )
                # SIGKILL: nothing else reaches a process that is stopped.
                slot.child.process.kill()

    def _collect(self) -> None:
        for slot in self._slots:
            child = slot.child
            if child is None or (status := child.process.poll()) is None:
                continue
            slot.child = None
            child.close()
            self._judge(slot, child, status)
            _call(self.hooks.on_exit, slot.number)

    def _judge(self, slot: ChildSlot, child: Child, status: int) -> None:
        if self._signals.stopping:
            # A child so young that it has no handler yet may die of the signal: it has no job.
            if status not in (0, -signal.SIGTERM):
                self._status = 1
            return
        now = time.monotonic()
        self.restarts += 1
        if now - child.started_at >= HEALTHY_SECONDS:
            slot.failures, slot.start_at = 0, now
        else:
            self._postpone(slot, now)
        _log.error(
            "worker_process_ended",
            extra={
                "slot": str(slot.number),
                "pid": child.pid,
                "status": status,
                "failures": slot.failures,
            },
        )

    def _postpone(self, slot: ChildSlot, now: float) -> None:
        slot.failures += 1
        slot.start_at = now + _backoff(slot.failures)

    def _drain(self) -> None:
        """Pass the signal on, once; a child that got it already takes no notice."""
        deadline = time.monotonic() + self._kill_seconds
        _call(self.hooks.on_stop)
        self._pass_on(signal.SIGTERM)
        self._pass_on(signal.SIGCONT)  # a stopped process hears nothing else
        while any(self._alive()) and time.monotonic() < deadline:
            self._wait(deadline)
        for child in self._alive():
            _log.error("worker_process_killed", extra={"pid": child.pid})
            child.process.kill()
            child.process.wait()
        self._collect()

    def _pass_on(self, number: int) -> None:
        for child in self._alive():
            child.process.send_signal(number)

    def _alive(self) -> Iterator[Child]:
        return (slot.child for slot in self._slots if slot.child is not None)


class Hooks:
    """What the rest of the program does as processes come and go; this one does nothing.

    One that fails is logged: metrics and logs end no worker.
    """

    def on_look(self) -> None:
        """Hear of each look at the processes, about once a second."""

    def on_exit(self, slot: int) -> None:
        """Hear that the process of a slot has ended."""

    def on_stop(self) -> None:
        """Hear that the drain begins, before the processes do."""


def _call(hook: Callable[..., None], *slots: int) -> None:
    try:
        hook(*slots)
    except Exception:  # noqa: BLE001 - no file left, say: the processes matter more
        _log.error("supervisor_hook_failed", exc_info=True)


def _backoff(failures: int) -> float:
    longest: float = FIRST_BACKOFF_SECONDS * 2 ** min(failures - 1, 10)
    return min(longest, LONGEST_BACKOFF_SECONDS)
