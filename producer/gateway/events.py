"""A job's progress and end as server-sent events (the HTML standard, section 9.2)."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from producer.contract.progress import Progress
from producer.gateway.callers import Caller
from producer.gateway.claims import JobFacts
from producer.gateway.jobs import Jobs, disconnected


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens, with which request."""

    caller: Caller
    request: Request


async def events_of(
    job_id: str, job: JobFacts, jobs: Jobs, listener: Listener, comment_seconds: float
) -> AsyncGenerator[str]:
    """Tell of progress at once and whenever it changes, finally of the end.

    Ends without it where the client leaves, is not admitted any more, the job is lost or the
    gateway closes: an EventSource comes back, and is refused or served.
    """
    shown: Progress | None = None
    if job.result is None:
        arrivals = jobs.arrivals
        with (
            jobs.admissions.watch(listener.caller) as revoked,
            arrivals.expect(job_id) as waiter,
            arrivals.listen(job_id) as changed,
        ):
            arrivals.look([job_id])
            gone = asyncio.ensure_future(disconnected(listener.request))
            ends = (waiter, gone, revoked)
            try:
                while not (any(end.done() for end in ends) or arrivals.streams_ended.is_set()):
                    progress = arrivals.progress(job_id) or shown or Progress(0, job.total)
                    if progress != shown:
                        yield _progress(progress)
                        shown = progress
                    elif not changed.is_set():
                        if await jobs.is_lost(job_id):
                            return
                        yield ": still running\n\n"
                    changed.clear()
                    await _any(ends, changed, comment_seconds)
            finally:
                gone.cancel()
            if revoked.done() or not waiter.done() or waiter.result() is None:
                return
    for event in _last(job_id, job.total, shown):
        yield event


async def _any(ends: Iterable[asyncio.Future[Any]], changed: asyncio.Event, seconds: float) -> None:
    change = asyncio.ensure_future(changed.wait())
    try:
        await asyncio.wait({*ends, change}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        change.cancel()


def _last(job_id: str, total: int, shown: Progress | None) -> Iterator[str]:
    if shown is None or shown.done < shown.total:
        yield _progress(Progress(total, total))
    yield _event("done", {"id": job_id})


def _progress(progress: Progress) -> str:
    return _event("progress", {"done": progress.done, "total": progress.total})


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
