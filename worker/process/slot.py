"""Whether one of the supervisor's processes beats, through all its replacements."""

from dataclasses import dataclass
from typing import Final

from worker.process.spawn import Child
from worker.telemetry.heartbeat import Heartbeat


@dataclass(frozen=True, slots=True)
class HeartbeatLimits:
    """How long a process may be silent, in seconds, before it is replaced.

    `between_beats`: twice as long as it takes until its jobs are redelivered (`janitor.py`).
    `before_the_first`: a cold start on a busy machine; twice as long after each that was given up,
    else no start would ever succeed where one takes longer.
    """

    between_beats: float = 30.0
    before_the_first: float = 60.0


MOST_DOUBLINGS: Final = 4
"""Of `before_the_first`: a quarter of an hour."""


@dataclass(slots=True)
class ChildSlot:
    """The processes that have one number, of which one runs at a time."""

    number: int
    first_start: float
    child: Child | None = None
    start_at: float = 0.0
    failures: int = 0
    stuck: bool = False
    last_beat: float | None = None
    heard_at: float = 0.0
    """The latest of: the running child's start, its last beat, a stop of the supervisor itself."""
    silent_starts: int = 0
    """How many children in a row were given up before they had beaten."""

    def hear(self, now: float) -> None:
        """Note the beats that have come."""
        if self.child is not None and self.child.has_beaten():
            self.last_beat = self.heard_at = now
            self.silent_starts = 0

    def is_stuck(self, now: float, limits: HeartbeatLimits) -> bool:
        """Tell whether the child should have beaten long ago."""
        if self.child is None or self.stuck:
            return False
        if self._has_beaten(self.child):
            return now - self.heard_at > limits.between_beats
        doublings = min(self.silent_starts, MOST_DOUBLINGS)
        return now - self.heard_at > limits.before_the_first * (1 << doublings)

    def give_up(self, child: Child) -> None:
        self.stuck = True
        self.silent_starts += not self._has_beaten(child)

    def _has_beaten(self, child: Child) -> bool:
        return self.last_beat is not None and self.last_beat >= child.started_at

    def heartbeat(self, now: float) -> Heartbeat:
        """What the health page is told."""
        since = self.first_start if self.last_beat is None else self.last_beat
        return Heartbeat(str(self.number), max(0.0, now - since), self.last_beat is not None)
