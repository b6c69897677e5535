"""One absolute deadline over everything a probe does, and a budget for each phase of it.

A timer that starts anew with every read is no deadline: a server that drips a byte now and then
holds such a client for ever. Here each phase sets one timer, for its budget or for what is left of
the whole, whichever is less; reads, writes and handshake steps below it know no time at all.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import Phase, PhaseName, PhaseState
from worker.errors import DeadlineFault, NetworkFault, ProbeFault

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
class _Lap:
    """What is known so far of one phase."""

    state: PhaseState = PhaseState.OK
    seconds: float = 0.0
    refused: bool = False


class Timeline:
    """The deadline and the record of phases of one probe. The deadline runs from here on."""

    def __init__(self, deadline_seconds: float, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._deadline = clock() + deadline_seconds
        self._laps: dict[PhaseName, _Lap] = {}
        self._open: list[PhaseName] = []
        self._nested_seconds = 0.0
        self.last: PhaseName | None = None

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, never below zero."""
        return max(0.0, self._deadline - self._clock())

    @asynccontextmanager
    async def phase(self, name: PhaseName, *, seconds: float | None = None) -> AsyncIterator[None]:
        """Run the body under the phase's budget (`seconds` overrides the table).

        Entered again under the same name, a phase gets a budget anew and its time adds up. Time
        spent in a phase inside another counts for the inner one only. Raises the fault of
        `_overrun` when time runs out.
        """
        budget = PHASE_SECONDS[name] if seconds is None else seconds
        left = self.seconds_left
        lap = self._laps.setdefault(name, _Lap())
        self.last = name
        self._open.append(name)
        outer_nested, self._nested_seconds = self._nested_seconds, 0.0
        started = self._clock()
        # Failed until the body has ended well: a cancelled phase did not.
        lap.state = PhaseState.FAILED
        try:
            if left <= 0:
                raise self._overrun(name, budget, left)
            async with asyncio.timeout(min(budget, left)) as timer:
                yield
        except TimeoutError as error:
            if not timer.expired():
                raise
            raise self._overrun(name, budget, left) from error
        else:
            lap.state = PhaseState.FAILED if lap.refused else PhaseState.OK
        finally:
            spent = self._clock() - started
            lap.seconds += spent - self._nested_seconds
            self._nested_seconds = outer_nested + spent
            self._open.pop()
            if lap.state is PhaseState.OK and self._open:
                self.last = self._open[-1]

    def skip(self, name: PhaseName) -> None:
        """Record that the dialogue left this phase out. One that was entered stays as it is."""
        self._laps.setdefault(name, _Lap(state=PhaseState.SKIPPED))

    def fail(self, name: PhaseName) -> None:
        """Record that the server's answer in this phase was a no. To be said within or after."""
        lap = self._laps.setdefault(name, _Lap())
        lap.refused = True
        lap.state = PhaseState.FAILED

    def passed(self, name: PhaseName) -> bool:
        """Tell whether a phase was entered and ended well."""
        lap = self._laps.get(name)
        return lap is not None and lap.state is PhaseState.OK

    def phases(self) -> tuple[Phase, ...]:
        """Every phase that was entered or skipped, in the order of `PhaseName`."""
        return tuple(
            Phase(name=name, state=lap.state, milliseconds=round(lap.seconds * 1000, 1))
            for name in PhaseName
            if (lap := self._laps.get(name)) is not None
        )

    def _overrun(self, name: PhaseName, budget: float, left: float) -> ProbeFault:
        whole = left < budget
        seconds = self._deadline_seconds if whole else budget
        if name is PhaseName.DNS:
            return NetworkFault(Code.DNS_TEMPORARY, f"no answer from DNS within {seconds:g} s")
        if name is PhaseName.CONNECT:
            return NetworkFault(Code.CONNECTION_TIMED_OUT, f"no connection within {seconds:g} s")
        limit = "the deadline of the whole probe" if whole else f"the budget of phase {name}"
        return DeadlineFault(Code.DEADLINE_EXCEEDED, f"{limit}, {seconds:g} s, ran out")
