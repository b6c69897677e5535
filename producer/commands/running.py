"""What every command that runs a job shares: its options, submitting, waiting, the exit code."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, NoReturn

import click

from producer.client import Client, JobState
from producer.command_line import Seconds, json_option
from producer.commands.console import (
    Exit,
    errors_as_exits,
    fail,
    print_json,
    say,
)
from producer.commands.render import integration_result, show
from producer.commands.waiting import AwaitedJob, wait_for
from producer.contract.codes import Code
from producer.contract.credentials import RESPONSE_LIST, SUCCESS
from producer.contract.envelope import Envelope
from producer.contract.ownership import owner_of
from producer.printable import echo, wants_json
from producer.redis_failures import RedisUnavailableError
from producer.submit_errors import InvalidJobIdError, JobIdTakenError, RequestTooLargeError

TIMEOUT_SECONDS: Final = 120.0

json_if_asked = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""For commands that print a bare key, password or id: `KEY=$(mailvouch brands add …)`."""


@dataclass(frozen=True, slots=True)
class JobOptions:
    """How a command runs its job. `timeout_seconds` None: print the job id and do not wait."""

    job_id: str | None = None
    timeout_seconds: float | None = TIMEOUT_SECONDS
    as_json: bool = False


def job_options(
    command: Callable[..., None],
    *,
    json: Callable[[Callable[..., None]], Callable[..., None]] = json_option,
) -> Callable[..., None]:
    """Give a command the options of every job, collected as `options`."""

    @click.option("--job-id", metavar="ID", help="The job's id; the same id never runs twice.")
    @click.option("--no-wait", is_flag=True, help="Print the job id and leave.")
    @click.option(
        *("--timeout", "timeout_seconds"),
        type=Seconds(min=0),
        default=TIMEOUT_SECONDS,
        show_default=True,
        metavar="S",
        help="Seconds to wait for the result.",
    )
    @json
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
    submitted = submit(client, envelope, options)
    if options.timeout_seconds is None:
        print_job_ids([submitted], as_json=options.as_json)
        return
    awaited = AwaitedJob(submitted, owner_of(envelope))
    (answer,) = wait_for(client, [awaited], options.timeout_seconds)
    if wants_json(asked=options.as_json):
        print_json(answer)
    else:
        show(integration_result(answer, report_of(client, submitted), before))
    exit_for([answer])


def submit(client: Client, envelope: Envelope, options: JobOptions) -> str:
    """Submit a job and return its id, which is also told on stderr where it is waited for."""
    with errors_as_exits():
        earlier = _state_before(client, options.job_id)
        try:
            job_id = client.submit(envelope, job_id=options.job_id)
        except (InvalidJobIdError, JobIdTakenError) as error:
            fail(Exit.BAD_INPUT, f"--job-id: {error}")
        except RequestTooLargeError as error:
            fail(Exit.BAD_INPUT, str(error))
    if options.timeout_seconds is not None:
        say(f"job {job_id}")
    if earlier in _EARLIER:
        say(f"job {job_id} {_EARLIER[earlier]}")
    return job_id


_EARLIER: Final = {
    JobState.DONE: "was submitted before: nothing is run, this is its result of then",
    JobState.WAITING: "was submitted before and has not ended: nothing is run a second time",
}


def _state_before(client: Client, job_id: str | None) -> JobState | None:
    """Look whether a chosen id is in use; a user of Redis who only submits may not look."""
    if job_id is not None:
        with suppress(RedisUnavailableError):
            return client.state(job_id)
    return None


def report_of(client: Client, job_id: str) -> Mapping[str, Any] | None:
    """Return the report beside a result; None also where what is stored is none."""
    try:
        return client.report(job_id)
    except (ValueError, RecursionError):
        return None


def print_job_ids(job_ids: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json([{"jobId": job_id} for job_id in job_ids])
    else:
        echo("\n".join(job_ids))


def exit_for(results: Sequence[Mapping[str, Any]]) -> NoReturn:
    """End the command with the exit code of the worst result."""
    codes = [_exit_of(result) for result in results]
    sys.exit(max(codes, default=Exit.OK))


def _exit_of(result: Mapping[str, Any]) -> Exit:
    if "success" in result:
        return Exit.OK if result["success"] else Exit.SOME_FAILED
    errors, items = (_entries(result, name) for name in ("errors", RESPONSE_LIST))
    if any(_has(error, "errorCode", Code.INVALID_REQUEST_DATA) for error in errors):
        return Exit.BAD_INPUT
    good = not errors and all(_has(item, "outcome", SUCCESS) for item in items)
    return Exit.OK if good else Exit.SOME_FAILED


def _entries(result: Mapping[str, Any], name: str) -> list[object]:
    found = result.get(name)
    return found if isinstance(found, list) else []


def _has(entry: object, name: str, value: str) -> bool:
    return isinstance(entry, Mapping) and entry.get(name) == value
