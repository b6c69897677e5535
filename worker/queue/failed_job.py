"""A job that the queue itself has to end, and what is said of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from producer.contract.codes import Code


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that the queue has to end. `attempts`: how often it was started."""

    queue: str
    job_id: str
    code: Code
    sentence: str
    attempts: int = 0


ErrorResult = Callable[[FailedJob], tuple[bytes, bytes]]
"""Makes (result, report): the documented shape is not known here."""

_AGAIN: Final = "submit it again under another id"
_SUPPORT: Final = f"{_AGAIN}, and give support the error's id if it happens again"

SENTENCES: Final = {
    Code.REQUEST_EXPIRED: (
        f"The request expired, or was never written, before a worker could run it; {_AGAIN}."
    ),
    Code.REQUEST_UNREADABLE: (
        f"The request of this job or its queue message could not be read; {_AGAIN}."
    ),
    Code.WORKER_FAILED: f"Workers died while running this job; {_SUPPORT}.",
    Code.INTERNAL_SERVER_ERROR: f"An internal error ended this job; {_SUPPORT}.",
}
"""Cause; remedy: commands and pages split them at the semicolon. The same id never runs again."""
