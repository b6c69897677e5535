"""What the gateway's store is told of a job, and what it tells."""

from dataclasses import dataclass
from enum import StrEnum

from producer.contract.names import Kind


@dataclass(frozen=True, slots=True)
class JobClaim:
    """Whose job, of which request: who asked for it (`caller`), for which dealer or brand.

    `mark` tells whether two requests are the same: a keyed hash, nothing can be guessed from it.
    `owner` is `producer.contract.ownership`'s, `total` the number of items; `dealer` is "" where
    there is none.
    """

    caller: str
    mark: str
    kind: Kind
    total: int
    owner: str
    dealer: str = ""


@dataclass(frozen=True, slots=True)
class SubmitLimits:
    """How long things live, in seconds, and how many submits a minute a caller has (0: any)."""

    request_seconds: int
    result_seconds: int
    submits_per_minute: int


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What is known of a job that came through a gateway."""

    caller: str
    kind: Kind
    total: int
    result: bytes | None
    waiting: bool
    dealer: str = ""

    @property
    def is_lost(self) -> bool:
        """Tell whether neither request nor result is left."""
        return not self.waiting and self.result is None


class SubmitState(StrEnum):
    """How a submit ended, as lua/submit.lua says it."""

    NEW = "new"
    WAITING = "waiting"
    """The same request was submitted before, and has no result yet."""
    DONE = "done"
    CONFLICT = "conflict"
    """The id is another request's."""
    NO_WORKER = "no worker"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class SubmitOutcome:
    """How a submit ended; with the result of a job that is done, or the wait of who is limited."""

    state: SubmitState
    result: bytes | None = None
    retry_seconds: int = 0
