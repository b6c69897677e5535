"""How often a gateway looks at what nobody tells it, and for how long it is patient."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Pace:
    """In seconds; no setting, as there is nothing to choose."""

    revocations: float = 2.0
    """Between two looks: a revocation holds within 5 s (docs/CONTRACT.md section 10)."""

    comments: float = 15.0
    """Between two events: proxies close a stream that is silent for longer."""

    stalls: float = 30.0
    """An answer of which the client takes not a byte for so long is given up, and its memory."""

    subscription: float = 2.0
    """At the start: a Redis that is away holds it up no longer."""


PACE: Final = Pace()
