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

SENTENCES: Final = {
    Code.REQUEST_EXPIRED: "The request expired before a worker could run it.",
    Code.REQUEST_UNREADABLE: "The request of this job or its queue message could not be read.",
    Code.WORKER_FAILED: "Workers died while running this job; it is not tried again.",
    Code.INTERNAL_SERVER_ERROR: "An internal error ended this job.",
}
