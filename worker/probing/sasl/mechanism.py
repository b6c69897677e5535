"""What every mechanism looks like: `start`, then `next` for each challenge (RFC 4422)."""

from typing import Final, Protocol

from producer.contract.codes import Code
from worker.probing.errors import ProtocolFault

WEAK_SCRAM: Final = "weak_scram"
"""Hint of the fault for a SCRAM iteration count that an attacker could compute offline."""


class Mechanism(Protocol):
    """One exchange with one credential; used once. Octets in and out, base64 is the exchange's."""

    @property
    def name(self) -> str:
        """As the server offers it."""

    @property
    def complete(self) -> bool:
        """Whether a yes of the server is believable now: it has seen, and shown, what it must."""

    @property
    def used_secret(self) -> bool:
        """Whether a message made so far is made of the password or token, not of the user alone."""

    @property
    def error(self) -> str:
        """What the server gave as its reason inside the exchange; "" for none."""

    def start(self) -> bytes | None:
        """Return the initial response; None where the server speaks first."""

    def iterations(self, challenge: bytes) -> int:
        """How many iterations of a key derivation `next` will take; 0 for none at all."""

    def next(self, challenge: bytes) -> bytes:
        """Answer a challenge. Raises ProtocolFault for one that the mechanism does not know."""


class WithoutDerivation:
    """What most mechanisms share: they derive no key, and are told no reason."""

    error = ""

    def iterations(self, challenge: bytes) -> int:  # noqa: ARG002 - of whatever challenge
        return 0


def exchange_fault(detail: str, *, hint: str | None = None) -> ProtocolFault:
    """Build the fault of an exchange in which the server broke the mechanism's rules."""
    return ProtocolFault(Code.PROTOCOL_ERROR, detail, hint=hint)
