"""What one probe found, and how its code is written in a result."""

from dataclasses import dataclass
from typing import Final

from producer.contract.codes import SUCCESSFUL, Code
from producer.contract.report import Probe
from worker.probing.target import Protocol

ITEM_CODES: Final = frozenset({Code.INVALID_FIELD, Code.MASKED_PASSWORD, Code.NOTHING_TO_TEST})
"""Speak of an item as a whole and carry no prefix."""


@dataclass(frozen=True, slots=True)
class Unexpected:
    """The bug of ours that ended a probe. `error_id` stands in the result and in the log."""

    error: Exception
    error_id: str


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one probe found, or why it was not made. `sentence` is empty for a login that worked.

    `protocol` None speaks of the item. `warnings` are (code, sentence), the code as it is shown.
    `note`: for the operator's log alone, which rule refused a target.
    `unclassified`: a server's words, scrubbed, that no rule knew, so that the tables can grow.
    """

    protocol: Protocol | None
    probe: Probe
    sentence: str = ""
    warnings: tuple[tuple[str, str], ...] = ()
    transcript: tuple[str, ...] = ()
    note: str | None = None
    unclassified: str | None = None
    unexpected: Unexpected | None = None

    @property
    def failed(self) -> bool:
        """Tell whether this fails the item."""
        return self.probe.code not in SUCCESSFUL


def prefixed(protocol: Protocol | None, code: str) -> str:
    """Write a code as a result shows it: `SMTP_AUTHENTICATION_FAILED`, `INVALID_FIELD`."""
    if protocol is None or code in ITEM_CODES:
        return code
    return f"{protocol.upper()}_{code}"
