"""What can go wrong in a probe, as exceptions.

Exception
 +-- ProbeFault               carries the code; its text is ours and holds nothing of the tenant's
      +-- TargetFault         refused before any network: syntax, policy, cool-down
      +-- NetworkFault        DNS, connect, closed
      +-- TlsFault            handshake, certificate, STARTTLS
      +-- ProtocolFault       the server broke the protocol, or a cap
      +-- AuthFault           no login could be tried, or a yes that no credential earned
      +-- DeadlineFault       the budget of a phase, or of the whole probe, ran out

A server's *refusal* (535, NO) is no exception but a value, `target.Refusal`: the dialogue
went as the RFC says, and the classifier turns what was said into a code. A fault knows its code
when it is raised. Foreign exceptions (OSError, ssl.SSLError, dns.exception) stop in `wire/`.
"""

from producer.contract.codes import Code
from worker.probing.target import Refusal


class ProbeFault(Exception):
    """A probe that ended without an answer. `hint` refines the sentence (see classify).

    `refusal` is the server's refusal behind it, where there is one: its text is not scrubbed yet.
    `note` is for the operator's log alone: it may tell what a tenant must not learn.
    """

    def __init__(
        self,
        code: Code,
        detail: str,
        *,
        hint: str | None = None,
        refusal: Refusal | None = None,
        note: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.hint = hint
        self.refusal = refusal
        self.note = note


class TargetFault(ProbeFault):
    """The target or the request was refused before any byte was sent."""


class NetworkFault(ProbeFault):
    """The server could not be reached, or went away."""


class TlsFault(ProbeFault):
    """No trustworthy TLS could be had."""


class ProtocolFault(ProbeFault):
    """What the server sent is no SMTP or IMAP, or too much of it."""


class AuthFault(ProbeFault):
    """No login could be tried, or the server said yes to one that had not taken place."""


class DeadlineFault(ProbeFault):
    """Time ran out."""


def forget_frames(error: BaseException | None) -> None:
    """Let go of the frames that an exception went through, and of what it was raised from.

    To be called where a fault is understood and nobody raises it again. One of those frames often
    holds the fault itself, or the stream that keeps it: a cycle. The collector looks at what has
    lived as long as a slow probe once in hours, and till then all of the probe stays in memory.
    """
    if error is None:
        return
    earlier = error.__cause__, error.__context__
    error.__traceback__ = error.__cause__ = error.__context__ = None
    for one in earlier:
        forget_frames(one)
