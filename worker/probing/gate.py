"""The gate before every server: who may connect now, and what is known without asking.

The probe asks before any byte goes out and tells how it ended. The gate waits as long as need be:
a probe's deadline starts once it is admitted. What stands behind it (`worker.limits`: Redis, all
workers together) is none of the core's business.

    admission = await gate.enter(probe)
    if isinstance(admission, Admitted):
        finding = None
        try:
            finding = ...            # dial, converse, classify
        finally:
            gate.leave(admission, finding)
"""

from dataclasses import dataclass
from typing import Final
from typing import Protocol as Interface

from producer.contract.codes import SENDER_FINDINGS, Code
from producer.contract.rules import UNKNOWN_WORDS
from worker.probing.target import ProbePlan

REFUSED_LOGINS: Final = frozenset(
    {
        Code.AUTHENTICATION_FAILED,
        Code.AUTHENTICATION_AMBIGUOUS,
        Code.APP_PASSWORD_REQUIRED,
        Code.PASSWORD_LOGIN_DISABLED,
        Code.WEB_LOGIN_REQUIRED,
        Code.ACCOUNT_LOCKED,
        Code.PASSWORD_EXPIRED,
    }
)
"""Codes that count against an account: a credential was sent and is no good, or may be no good.

Each other code that a refused login can end in is decided upon in tests/probing/test_gate.py.
"""

PROVEN_LOGINS: Final = SENDER_FINDINGS | {Code.OK, Code.MAILBOX_UNAVAILABLE}
"""Codes that a login earned."""


@dataclass(frozen=True, slots=True)
class ProbeOfJob:
    """What is asked: one probe of one job.

    The host may stand as it was given: the gate folds case and a trailing dot itself. `address`,
    one of those that the host's name stands for, is counted in its place where it is given.
    """

    job_id: str
    plan: ProbePlan
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe found, all of it ours: nothing the server said is remembered.

    `unanswered`: the credential was sent, and what came back is neither a yes nor a rejection.
    """

    code: Code
    retryable: bool = False
    field: str | None = None
    hint: str | None = None
    unanswered: bool = False

    @property
    def counts(self) -> bool:
        """Tell whether it counts against the account: the credential is no good, or may be.

        So it may where the code was read out of words that no rule knows, and after a login without
        an answer: some servers just close the connection.
        """
        return self.code in REFUSED_LOGINS or self.hint == UNKNOWN_WORDS or self.unanswered


@dataclass(frozen=True, slots=True)
class Admitted:
    """Go. The ticket is handed back on leaving, once, whatever happened."""

    ticket: str
    probe: ProbeOfJob


@dataclass(frozen=True, slots=True)
class Cooldown:
    """Too many refused logins: LOGIN_COOLDOWN, send nothing. `seconds` until one more may go."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """This very credential was refused a moment ago: answer `finding`, send nothing."""

    finding: Finding


Admission = Admitted | Cooldown | Repeated


class Gate(Interface):
    """Both calls are safe to cancel: a cancelled waiter holds no place afterwards."""

    async def enter(self, probe: ProbeOfJob) -> Admission:
        """Wait for a place at the server, or say why nothing is to be sent."""
        ...

    def leave(self, admitted: Admitted, finding: Finding | None) -> None:
        """Give the place back at once. `finding` None: cut off, nothing was learnt."""
        ...


class OpenGate:
    """No limits: one probe by hand, and tests."""

    async def enter(self, probe: ProbeOfJob) -> Admission:
        return Admitted("", probe)

    def leave(self, admitted: Admitted, finding: Finding | None) -> None:
        """Nothing was held."""
