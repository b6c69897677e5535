"""How many files a worker process may open: a probe that finds none left blames the network."""

import resource
from typing import Final

import structlog

SPARE_FILES: Final = 200
"""Open files of a worker process beside its probes: libraries, Redis, logs, metrics."""

_log = structlog.get_logger("worker")


def needed_files(concurrency: int) -> int:
    """Each job in flight may hold two sockets: SMTP and IMAP side by side."""
    return 2 * concurrency + SPARE_FILES


def allow_open_files(concurrency: int) -> int:
    """Raise this process' soft limit as far as it goes; return how many jobs may be in flight.

    The soft limit is 1024 nearly everywhere, for programs that use select(2): ours do not. More
    than is needed is of use: a batch has more than two sockets, ten for each job in flight at the
    most, and jobs that waited for a server go on beyond the number (`worker.queue.slots`). Where
    the hard limit is too low for `concurrency`, fewer run: a job without files would fail for no
    fault of its own.
    """
    needed = needed_files(concurrency)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed >= needed:
        return concurrency
    enough_for = max(1, (allowed - min(SPARE_FILES, allowed // 2)) // 2)
    _log.error(
        "too_few_open_files",
        needed=needed,
        allowed=allowed,
        concurrency=concurrency,
        reduced_to=enough_for,
    )
    return enough_for
