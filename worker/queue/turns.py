"""Who takes turns in a process, over all of its shards."""

from dataclasses import dataclass, field
from typing import Final

from worker.queue.large_requests import LargeRequests
from worker.queue.retries import AT_A_TIME, Retries

ANY_NUMBER: Final = 1_000_000
"""Of jobs that ran in a process when it died for the first time."""


@dataclass(frozen=True, slots=True)
class Turns:
    """One per process."""

    retries: Retries = field(default_factory=Retries)
    large: LargeRequests = field(default_factory=LargeRequests)
    shards: int = 1

    @property
    def least_suspects(self) -> tuple[int, ...]:
        """Among how many jobs the first, second, ... death of a job is divided at least.

        With several shards the one of a job does not know what else ran when the process died:
        then as many did as may. So five deaths condemn a job, however few there are beside it.
        """
        return () if self.shards == 1 else (ANY_NUMBER, *AT_A_TIME.values())
