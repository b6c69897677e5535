"""Tries STARTTLS, then implicit TLS where the port seems to speak that: for who takes either."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from worker.probing.errors import ProbeFault
from worker.probing.target import Answer, Target
from worker.probing.timeline import Timeline
from worker.probing.transcript import Transcript
from worker.probing.wire.session import Session

SILENCE_SECONDS: Final = 4.0
"""After so much silence a port may be one of implicit TLS."""


@dataclass(frozen=True, slots=True)
class EitherMode:
    """`converse_with` dials a target and talks to it; `session` gives the latest connection."""

    converse_with: Callable[[Target], Awaitable[Answer]]
    session: Callable[[], Session | None]
    timeline: Timeline
    transcript: Transcript

    async def converse(self, starttls: Target) -> Answer:
        """STARTTLS, or implicit TLS where the port waits for our ClientHello and greets nobody.

        A silent server gets a new connection: one that merely greets late must not hear a
        ClientHello first. Where TLS is not heard either, its greeting is awaited over a third
        connection, for the full time. Raises ProbeFault.
        """
        silence = min(SILENCE_SECONDS, self.timeline.seconds_left / 4)
        self.timeline.shorter_budgets = {PhaseName.GREETING: silence}
        try:
            return await self.converse_with(starttls)
        except ProbeFault as fault:
            if not self._may_speak_tls(fault):
                raise
        self.transcript.event("no greeting; trying encryption from the start")
        self.timeline.shorter_budgets = {PhaseName.TLS: silence}
        try:
            return await self.converse_with(replace(starttls, security=Security.IMPLICIT_TLS))
        except ProbeFault as fault:
            session = self.session()
            if session is None or session.speaks_tls:
                raise
            self.transcript.event(fault.detail)
        self.transcript.event("no encryption from the start either; waiting for the greeting")
        self.timeline.shorter_budgets = {}
        return await self.converse_with(starttls)

    def _may_speak_tls(self, fault: ProbeFault) -> bool:
        """Tell whether what went wrong before any greeting looks like a port of implicit TLS."""
        session = self.session()
        if session is None or self.timeline.last is not PhaseName.GREETING:
            return False
        return session.silent or fault.code is Code.TLS_MODE_MISMATCH
