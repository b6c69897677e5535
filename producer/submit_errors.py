"""Why jobs could not be submitted, and what went in all the same."""

from collections.abc import Sequence

from producer.contract.names import MAX_REQUEST_BYTES
from producer.redis_failures import RedisUnavailableError


class RefusedJobError(ValueError):
    """A job that cannot be submitted.

    `submitted`, `uncertain`: as of SubmitInterruptedError, where it was one of many.
    """

    submitted: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()


class InvalidJobIdError(RefusedJobError):
    """A job id is 1 to 128 of `A-Z a-z 0-9 . _ : -`."""

    def __init__(self) -> None:
        super().__init__("a job id is 1 to 128 of A-Z a-z 0-9 . _ : -")


class JobIdTakenError(RefusedJobError):
    """A job id that another dealer or brand has chosen as well, and whose job is this one's."""

    def __init__(self) -> None:
        super().__init__("the job id belongs to another dealer's or brand's job: choose another id")


class RequestTooLargeError(RefusedJobError):
    """A request that no worker would read."""

    def __init__(self) -> None:
        super().__init__(f"the request is larger than {MAX_REQUEST_BYTES // 1024 // 1024} MiB")


class SubmitInterruptedError(RedisUnavailableError):
    """Redis went away in the middle of `submit_many`.

    `submitted`: the ids of the jobs that are in, the first of those given. `uncertain`: those that
    follow, of which it is not known. All after these were not tried. Submitting a job again with
    the id that is named here never runs it twice.
    """

    def __init__(self, text: str, submitted: Sequence[str], uncertain: Sequence[str]) -> None:
        super().__init__(f"{text} ({len(submitted)} jobs are in, {len(uncertain)} may be)")
        self.submitted = tuple(submitted)
        self.uncertain = tuple(uncertain)
