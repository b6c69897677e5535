"""What every command that runs a job shares: its options, submitting, waiting, the exit code."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, NoReturn

import click

from producer.client import Client
from producer.commands.console import (
    Exit,
    errors_as_exits,
    fail,
    print_json,
    say,
    wants_json,
)
from producer.commands.render import integration_result, show
from producer.contract.codes import Code
from producer.contract.credentials import SUCCESS
from producer.contract.envelope import Envelope
from producer.contract.ownership import owner_of
from producer.printable import echo
from producer.submission import InvalidJobIdError, JobIdTakenError, RequestTooLargeError
from producer.terminal import Terminal

TIMEOUT_SECONDS: Final = 120.0

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON; the default where stdout is no terminal."
)


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How a command runs its job. `timeout_seconds` None: print the job id and do not wait."""

    job_id: str | None = None
    timeout_seconds: float | None = TIMEOUT_SECONDS
    as_json: bool = False


def job_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of every job, collected as `options`."""

    @click.option("--job-id", metavar="ID", help="The job's id; the same id never runs twice.")
    @click.option("--no-wait", is_flag=True, help="Print the job id and leave.")
    @click.option(
        *("--timeout", "timeout_seconds"),
        type=click.FloatRange(min=0),
        default=TIMEOUT_SECONDS,
        show_default=True,
        metavar="S",
        help="Seconds to wait for the result.",
    )
    @json_option
    @wraps(command)
    def with_options(
        *,
        job_id: str | None,
        no_wait: bool,
        timeout_seconds: float,
        as_json: bool,
        **others: Any,
    ) -> None:
        patience = None if no_wait else timeout_seconds
        command(options=JobOptions(job_id, patience, as_json), **others)

    return with_options


def run_integration_job(
    client: Client,
    envelope: Envelope,
    options: JobOptions,
    before: Mapping[str, Any] | None = None,
) -> None:
    """Submit, wait, print, exit. With `before` the answer shows as what changed."""
    submitted = submit(client, envelope, options.job_id)
    if options.timeout_seconds is None:
        print_job_ids([submitted], as_json=options.as_json)
        return
    (answer,) = wait_for(client, [(submitted, owner_of(envelope))], options.timeout_seconds)
    if wants_json(asked=options.as_json):
        print_json(answer)
    else:
        say(f"job {submitted}")
        show(integration_result(answer, report_of(client, submitted), before))
    exit_for([answer])


def submit(client: Client, envelope: Envelope, job_id: str | None) -> str:
    """Submit a job and return its id."""
    with errors_as_exits():
        try:
            return client.submit(envelope, job_id=job_id)
        except (InvalidJobIdError, JobIdTakenError) as error:
            fail(Exit.BAD_INPUT, f"--job-id: {error}")
        except RequestTooLargeError as error:
            fail(Exit.BAD_INPUT, str(error))


def report_of(client: Client, job_id: str) -> Mapping[str, Any] | None:
    """Return the report beside a result; None also where what is stored is none."""
    try:
        return client.report(job_id)
    except (ValueError, RecursionError):
        return None


def print_job_ids(job_ids: list[str], *, as_json: bool) -> None:
    """Print the ids of jobs that are not waited for."""
    if as_json:
        print_json([{"jobId": job_id} for job_id in job_ids])
    else:
        echo("\n".join(job_ids))


def wait_for(
    client: Client, jobs: Sequence[tuple[str, str | None]], timeout_seconds: float
) -> Iterator[dict[str, Any]]:
    """Yield the result of each job (its id and owner), in order; shows progress on a terminal.

    An owner of None takes whoever's result it is: operators look by the id alone.
    """
    deadline = time.monotonic() + timeout_seconds
    with _progress(len(jobs)) as advance:
        for job_id, owner in jobs:
            try:
                found = client.wait(job_id, max(0.0, deadline - time.monotonic()), owner=owner)
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
            advance()
            yield found


@contextmanager
def _progress(jobs: int) -> Iterator[Any]:
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - a pipe needs it not

    columns = (
        SpinnerColumn(),
        TextColumn("waiting for the result"),
        TextColumn("{task.completed:.0f}/{task.total:.0f}", style="progress.percentage"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Terminal(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=jobs)
        yield lambda: progress.advance(task)


def exit_for(results: Sequence[Mapping[str, Any]]) -> NoReturn:
    """End the command with the exit code of the worst result."""
    codes = [_exit_of(result) for result in results]
    sys.exit(max(codes, default=Exit.OK))


def _exit_of(result: Mapping[str, Any]) -> Exit:
    if "success" in result:
        return Exit.OK if result["success"] else Exit.SOME_FAILED
    errors, items = (_entries(result, name) for name in ("errors", "emailCredentialsResponses"))
    if any(_has(error, "errorCode", Code.INVALID_REQUEST_DATA) for error in errors):
        return Exit.BAD_INPUT
    good = not errors and all(_has(item, "outcome", SUCCESS) for item in items)
    return Exit.OK if good else Exit.SOME_FAILED


def _entries(result: Mapping[str, Any], name: str) -> list[object]:
    found = result.get(name)
    return found if isinstance(found, list) else []


def _has(entry: object, name: str, value: str) -> bool:
    return isinstance(entry, Mapping) and entry.get(name) == value
