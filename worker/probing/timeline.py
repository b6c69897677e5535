"""One absolute deadline over everything a probe does, and a budget for each phase of it.

A timer that starts anew with every read is no deadline: a server that drips a byte now and then
holds such a client for ever. Here each phase sets one timer, for its budget or for what is left of
the whole, whichever is less; reads, writes and handshake steps below it know no time at all.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import Phase, PhaseName, PhaseState
from worker.probing.errors import DeadlineFault, NetworkFault, ProbeFault
from worker.probing.patient_timeout import LoopWatch, PatientTimeout, running_watch

Clock = Callable[[], float]

PHASE_SECONDS: Final[dict[PhaseName, float]] = {
    PhaseName.DNS: 5,
    PhaseName.CONNECT: 8,
    PhaseName.TLS: 8,
    # Below RFC 5321's five minutes, for somebody waits for the answer; above the few seconds for
    # which postscreen and greet_pause hold a greeting back.
    PhaseName.GREETING: 15,
    PhaseName.CAPABILITY: 10,
    PhaseName.STARTTLS: 10,
    # Dovecot holds a wrong password back for up to 15 s, Courier for 8 s.
    PhaseName.AUTH: 25,
    PhaseName.MAILBOX: 10,
    PhaseName.SENDER: 10,
}


@dataclass(slots=True)
class _PhaseRecord:
    """What is known so far of one phase."""

    state: PhaseState = PhaseState.OK
    seconds: float = 0.0
    refused: bool = False


@dataclass(slots=True)
class _Opened:
    """A phase that has begun and not ended."""

    name: PhaseName
    at: float
    nested_seconds: float = 0.0


OnOverrun = Callable[[ProbeFault], None]


class Timeline:
    """The deadline and the record of phases of one probe. The deadline runs from here on."""

    def __init__(self, deadline_seconds: float, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._deadline = clock() + deadline_seconds
        self._records: dict[PhaseName, _PhaseRecord] = {}
        self._open: list[_Opened] = []
        self.last: PhaseName | None = None
        self.shorter_budgets: dict[PhaseName, float] = {}
        """Seconds that a phase may last for now, where that is less than its budget."""
        self._lost_seconds: float | None = None
        self._watch: LoopWatch | None = None

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, never below zero."""
        return max(0.0, self._deadline - self._clock())

    def phase(
        self,
        name: PhaseName,
        *,
        seconds: float | None = None,
        on_overrun: OnOverrun | None = None,
    ) -> "RunningPhase":
        """Run the body of `async with` under the phase's budget (`seconds` overrides the table).

        Entered again under the same name, a phase gets a budget anew and its time adds up. Time
        spent in a phase inside another counts for the inner one only. Raises the fault of
        `overrun` when time runs out; `on_overrun` sees it first.
        """
        budget = PHASE_SECONDS[name] if seconds is None else seconds
        budget = min(budget, self.shorter_budgets.get(name, budget))
        return RunningPhase(self, name, budget, on_overrun)

    def put_off(self, seconds: float) -> None:
        """Put the deadline off by a wait of our own making, between phases."""
        self._deadline += seconds

    def skip(self, name: PhaseName) -> None:
        """Record that the dialogue left this phase out. One that was entered stays as it is."""
        self._records.setdefault(name, _PhaseRecord(state=PhaseState.SKIPPED))

    def fail(self, name: PhaseName) -> None:
        """Record that the server refused in this phase. To be said within or after."""
        record = self._records.setdefault(name, _PhaseRecord())
        record.refused = True
        record.state = PhaseState.FAILED

    def passed(self, name: PhaseName) -> bool:
        """Tell whether a phase was entered and ended well."""
        record = self._records.get(name)
        return record is not None and record.state is PhaseState.OK

    def phases(self) -> tuple[Phase, ...]:
        """Every phase that was entered or skipped, in the order in which that happened first."""
        return tuple(
            Phase(name=name, state=record.state, milliseconds=round(record.seconds * 1000, 1))
            for name, record in self._records.items()
        )

    # What a running phase calls.

    def timeout(self) -> PatientTimeout:
        if self._watch is None:
            self._watch = running_watch()
        return PatientTimeout(self._watch, self.give_back)

    def give_back(self, lost_seconds: float) -> None:
        """Put the deadline off by what the process has stood still since this was last told."""
        if self._lost_seconds is not None:
            self._deadline += lost_seconds - self._lost_seconds
        self._lost_seconds = lost_seconds

    def enter(self, name: PhaseName) -> None:
        """Begin a phase. Failed until its body has ended well: a cancelled phase did not."""
        self._records.setdefault(name, _PhaseRecord()).state = PhaseState.FAILED
        self.last = name
        self._open.append(_Opened(name, self._clock()))

    def leave(self, *, well: bool) -> None:
        """End the innermost phase."""
        opened = self._open.pop()
        spent = self._clock() - opened.at
        record = self._records[opened.name]
        record.seconds += spent - opened.nested_seconds
        if well:
            record.state = PhaseState.FAILED if record.refused else PhaseState.OK
        if self._open:
            self._open[-1].nested_seconds += spent
            if record.state is PhaseState.OK:
                self.last = self._open[-1].name

    def overrun(self, name: PhaseName, budget: float, left: float) -> ProbeFault:
        """Tell what it means that a phase ran out of time, its own or the whole's."""
        whole = left < budget
        seconds = self._deadline_seconds if whole else budget
        if name is PhaseName.DNS:
            return NetworkFault(Code.DNS_TEMPORARY, f"no answer from DNS within {seconds:g} s")
        if name is PhaseName.CONNECT:
            return NetworkFault(Code.CONNECTION_TIMED_OUT, f"no connection within {seconds:g} s")
        limit = "the deadline of the whole probe" if whole else f"the budget of phase {name}"
        return DeadlineFault(Code.DEADLINE_EXCEEDED, f"{limit}, {seconds:g} s, ran out")


class RunningPhase:
    """One phase while it lasts, for `async with`.

    A class, for speed: as generators the 14 phases of a job took 7 % of its time.
    """

    __slots__ = ("_budget", "_left", "_name", "_on_overrun", "_timeline", "_timer")

    def __init__(
        self, timeline: Timeline, name: PhaseName, budget: float, on_overrun: OnOverrun | None
    ) -> None:
        self._timeline = timeline
        self._name = name
        self._budget = budget
        self._on_overrun = on_overrun

    async def __aenter__(self) -> None:
        self._left = self._timeline.seconds_left
        self._timeline.enter(self._name)
        if self._left <= 0:
            self._timeline.leave(well=False)
            raise self._overrun()
        self._timer = self._timeline.timeout()
        self._timer.start(min(self._budget, self._left))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timeline.leave(well=kind is None)
        if self._timer.stop(kind):
            raise self._overrun() from error

    def _overrun(self) -> ProbeFault:
        fault = self._timeline.overrun(self._name, self._budget, self._left)
        if self._on_overrun is not None:
            self._on_overrun(fault)
        return fault
