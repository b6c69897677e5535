"""Waiting for results: progress by item on a terminal, and a word where no worker is there."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from producer.client import Client
from producer.commands.console import Exit, fail, say
from producer.contract.progress import Progress
from producer.job_reads import OnProgress
from producer.redis_failures import RedisUnavailableError
from producer.submit_errors import JobIdTakenError
from producer.terminal import Terminal

PATIENCE_SECONDS: Final = 0.5
"""A job that takes longer is worth a look whether a worker lives: nobody should wait in vain."""

NO_WORKER: Final = (
    "no worker is running yet, so the job waits; if none is just starting, start one in another "
    "terminal: mailvouch-worker run"
)


@dataclass(frozen=True, slots=True)
class AwaitedJob:
    """A job that is waited for; `items` is how many results it will have.

    An owner of None takes whoever's result it is: operators look by the id alone.
    """

    job_id: str
    owner: str | None = None
    items: int = 1


def wait_for(
    client: Client, jobs: Sequence[AwaitedJob], timeout_seconds: float
) -> Iterator[dict[str, Any]]:
    """Yield the result of each job, in order; shows progress on a terminal."""
    deadline = time.monotonic() + timeout_seconds
    ended = 0
    with _progress(sum(job.items for job in jobs)) as show_ended:
        for job in jobs:

            def on_progress(heard: Progress, before: int = ended) -> None:
                show_ended(before + heard.done)

            with _errors_as_exits(job.job_id, timeout_seconds):
                if job is jobs[0]:
                    _tell_of_no_worker(client, job, deadline, on_progress)
                left = max(0.0, deadline - time.monotonic())
                found = client.wait(job.job_id, left, owner=job.owner, on_progress=on_progress)
            ended += job.items
            show_ended(ended)
            yield found


def _tell_of_no_worker(
    client: Client, job: AwaitedJob, deadline: float, on_progress: OnProgress
) -> None:
    """Wait for a moment; where nothing comes and nobody is there to answer, say so.

    Raises nothing: the wait that follows meets the same, and knows what to say.
    """
    patience = min(PATIENCE_SECONDS, deadline - time.monotonic())
    with suppress(TimeoutError, RedisUnavailableError, ValueError, RecursionError):
        client.wait(job.job_id, patience, on_progress=on_progress)
        return
    with suppress(RedisUnavailableError):
        if client.workers() == 0:
            say(NO_WORKER)


@contextmanager
def _errors_as_exits(job_id: str, timeout_seconds: float) -> Iterator[None]:
    try:
        yield
    except JobIdTakenError as error:
        fail(Exit.BAD_INPUT, f"--job-id: {error}")
    except (ValueError, RecursionError):
        fail(Exit.SOME_FAILED, f"what is stored as the result of job {job_id} is none")
    except TimeoutError:
        fail(
            Exit.NO_RESULT_IN_TIME,
            f"no result of job {job_id} in {timeout_seconds:g} s; it goes on: "
            f"mailvouch result {job_id} --follow (does a worker run? mailvouch-worker run)",
        )
    except KeyboardInterrupt:
        fail(Exit.INTERRUPTED, f"the job goes on: to see it, mailvouch result {job_id}")


@contextmanager
def _progress(items: int) -> Iterator[Callable[[int], object]]:
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import Progress as Bar  # noqa: PLC0415 - a pipe needs it not
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    terminal = Terminal(stderr=True)
    columns = (
        SpinnerColumn("dots" if terminal.encoding.startswith("utf") else "line"),
        TextColumn("waiting for the result"),
        TextColumn("{task.completed:.0f} of {task.total:.0f}", style="progress.percentage"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=terminal, transient=True) as bar:
        task = bar.add_task("", total=items)
        yield lambda ended: bar.update(task, completed=ended, refresh=True)
