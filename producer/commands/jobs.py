"""`mailvouch test`, `update` and `result`: submit, wait, print."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final

import click

from producer.client import Client, JobState, credential_test, integration
from producer.commands.console import (
    CommandError,
    Exit,
    errors_as_exits,
    fail,
    name_of,
    open_client,
    print_json,
    read_document,
    read_object,
    say,
    wants_json,
)
from producer.commands.render import credential_result, integration_result, show
from producer.commands.store import open_store
from producer.contract.codes import Code
from producer.contract.credentials import SUCCESS
from producer.contract.envelope import Envelope
from producer.contract.names import Kind
from producer.records.integrations import show_integration
from producer.submission import InvalidJobIdError, RequestTooLargeError

REQUEST_LIST: Final = "emailCredentialsRequests"
TIMEOUT_SECONDS: Final = 120.0
A_DAY_SECONDS: Final = 86_400.0

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


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--dealer", default="", metavar="UUID", help="The dealer, for the log.")
@job_options
def test(files: tuple[str, ...], dealer: str, options: JobOptions) -> None:
    """Test mail credentials and say what is wrong.

    FILE holds the documented request body, {"emailCredentialsRequests": [...]}; '-' is standard
    input. Every FILE is a job of its own. JSON output is the documented response; for several
    FILEs an array of them, in their order.

    \b
      mailvouch test request.json
      mailvouch test monday.json tuesday.json --timeout 300
      mailvouch test - --json < request.json | jq .emailCredentialsResponses[].outcome
      mailvouch test request.json --job-id import-42 --no-wait
      mailvouch result import-42 --follow

    Exit code: 0 all work, 1 some do not, 2 bad input, 3 no result in time, 4 no Redis.
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    if options.job_id is not None and len(files) > 1:
        fail(Exit.BAD_INPUT, "--job-id names one job: give one FILE with it")
    envelopes = [credential_test(_test_body(file), dealer) for file in files]
    with open_client() as client:
        job_ids = [_submit(client, envelope, options.job_id) for envelope in envelopes]
        if options.timeout_seconds is None:
            _print_job_ids(job_ids, as_json=options.as_json)
            return
        results = [found for _, found in _wait_for(client, job_ids, options.timeout_seconds)]
        if wants_json(asked=options.as_json):
            print_json(results[0] if len(results) == 1 else results)
        else:
            for done, result in zip(job_ids, results, strict=True):
                say(f"job {done}")
                show(credential_result(result, client.report(done)))
    _exit_for(results)


@click.command()
@click.argument("integration_id", metavar="ID")
@click.argument("file", metavar="FILE")
@click.option("--brand-url", required=True, help="The brand that the integration belongs to.")
@click.option(
    *("--auth-key",),
    required=True,
    envvar="MAILVOUCH_AUTH_KEY",
    help="The brand's key; better in MAILVOUCH_AUTH_KEY, where no process list shows it.",
)
@job_options
def update(
    integration_id: str, file: str, brand_url: str, auth_key: str, options: JobOptions
) -> None:
    """Update the SMTP integration ID with the documented request body in FILE.

    An active integration's settings are tried on the mail server first: what does not work is not
    saved. On a terminal it shows what changed.

    \b
      export MAILVOUCH_AUTH_KEY=…
      mailvouch update 7f1c… body.json --brand-url https://shop.example
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    envelope = integration(
        Kind.INTEGRATION_UPDATE,
        brand_url=brand_url,
        auth_key=auth_key,
        integration_id=integration_id,
        body=read_object(file),
    )
    people_look = not wants_json(asked=options.as_json)
    before = stored_integration(brand_url, integration_id) if people_look else None
    with open_client() as client:
        run_integration_job(client, envelope, options, before)


@click.command()
@click.argument("job_id", metavar="JOB")
@click.option("--report", "detailed", is_flag=True, help="The diagnosis: TLS, address, reply.")
@click.option("--follow", is_flag=True, help="Wait for the result, however long it takes.")
@json_option
def result(*, job_id: str, detailed: bool, follow: bool, as_json: bool) -> None:
    """Print the result of a job.

    As JSON it is the documented response, with --report the diagnosis beside it.

    \b
      mailvouch result import-42
      mailvouch result import-42 --report
      mailvouch result import-42 --follow --json

    Exit code: 0 all work, 1 some do not, 3 still waiting, 4 no Redis, 5 unknown or expired.
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    with open_client() as client:
        state = client.state(job_id)
        if state is JobState.UNKNOWN:
            fail(Exit.UNKNOWN_JOB, f"job {job_id} is unknown, or its result has expired")
        if state is JobState.WAITING and not follow:
            fail(
                Exit.NO_RESULT_IN_TIME,
                f"job {job_id} is waiting or running; to wait: mailvouch result {job_id} --follow",
            )
        ((_, found),) = _wait_for(client, [job_id], A_DAY_SECONDS)
        report = client.report(job_id)
    if wants_json(asked=as_json):
        print_json(report if detailed else found)
    elif REQUEST_LIST.replace("Requests", "Responses") in found:
        show(credential_result(found, report, detailed=detailed))
    else:
        show(integration_result(found, report, detailed=detailed))
    _exit_for([found])


def run_integration_job(
    client: Client,
    envelope: Envelope,
    options: JobOptions,
    before: Mapping[str, Any] | None = None,
) -> None:
    """Submit, wait, print, exit. With `before` the answer shows as what changed."""
    submitted = _submit(client, envelope, options.job_id)
    if options.timeout_seconds is None:
        _print_job_ids([submitted], as_json=options.as_json)
        return
    ((_, answer),) = _wait_for(client, [submitted], options.timeout_seconds)
    if wants_json(asked=options.as_json):
        print_json(answer)
    else:
        say(f"job {submitted}")
        show(integration_result(answer, client.report(submitted), before))
    _exit_for([answer])


def stored_integration(brand_url: str, integration_id: str) -> Mapping[str, Any] | None:
    """Return an integration as it is before an update; None where it cannot be seen.

    A producer's Redis user need not be allowed to read the store: then no change is shown.
    """
    with suppress(CommandError), open_store() as store:
        found = show_integration(store.redis, store.keys, brand_url, integration_id)
        return found.model_dump(mode="json", by_alias=True)
    return None


def _test_body(file: str) -> Any:
    body = read_document(file)
    if not isinstance(body, dict) or not isinstance(body.get(REQUEST_LIST), list):
        fail(Exit.BAD_INPUT, f'{name_of(file)} must hold {{"{REQUEST_LIST}": [...]}}')
    return body


def _submit(client: Client, envelope: Envelope, job_id: str | None) -> str:
    with errors_as_exits():
        try:
            return client.submit(envelope, job_id=job_id)
        except InvalidJobIdError as error:
            fail(Exit.BAD_INPUT, f"--job-id: {error}")
        except RequestTooLargeError as error:
            fail(Exit.BAD_INPUT, str(error))


def _print_job_ids(job_ids: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json([{"jobId": job_id} for job_id in job_ids])
    else:
        click.echo("\n".join(job_ids))


def _wait_for(
    client: Client, job_ids: list[str], timeout_seconds: float
) -> Iterator[tuple[str, dict[str, Any]]]:
    deadline = time.monotonic() + timeout_seconds
    with _progress(len(job_ids)) as advance:
        for job_id in job_ids:
            try:
                found = client.wait(job_id, max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                fail(
                    Exit.NO_RESULT_IN_TIME,
                    f"no result of job {job_id} in {timeout_seconds:g} s; it goes on: "
                    f"mailvouch result {job_id} --follow (does a worker run? mailvouch-worker run)",
                )
            except KeyboardInterrupt:
                fail(Exit.INTERRUPTED, f"the job goes on: to see it, mailvouch result {job_id}")
            advance()
            yield job_id, found


@contextmanager
def _progress(jobs: int) -> Iterator[Any]:
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415 - a pipe needs no terminal library
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = (
        SpinnerColumn(),
        TextColumn("waiting for the result"),
        TextColumn("[progress.percentage]{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=jobs)
        yield lambda: progress.advance(task)


def _exit_for(results: list[dict[str, Any]]) -> None:
    codes = [_exit_of(result) for result in results]
    sys.exit(max(codes, default=Exit.OK))


def _exit_of(result: Mapping[str, Any]) -> Exit:
    if "success" in result:
        return Exit.OK if result["success"] else Exit.SOME_FAILED
    errors = result.get("errors") or []
    if any(error.get("errorCode") == Code.INVALID_REQUEST_DATA for error in errors):
        return Exit.BAD_INPUT
    items = result.get("emailCredentialsResponses", [])
    good = not errors and all(item.get("outcome") == SUCCESS for item in items)
    return Exit.OK if good else Exit.SOME_FAILED
