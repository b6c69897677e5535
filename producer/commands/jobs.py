"""`mailvouch test`, `update` and `result`."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import click

from producer.client import JobState, credential_test, integration
from producer.command_line import json_option
from producer.commands.console import (
    CommandError,
    Exit,
    arguments_checked,
    fail,
    name_of,
    open_client,
    print_json,
    read_document,
    read_object,
)
from producer.commands.integrations import auth_key_option, brand_option
from producer.commands.render import credential_result, integration_result, show
from producer.commands.running import (
    JobOptions,
    exit_for,
    job_options,
    print_job_ids,
    report_of,
    run_integration_job,
    submit,
)
from producer.commands.store import open_store
from producer.commands.waiting import AwaitedJob, wait_for
from producer.contract.credentials import REQUEST_LIST, RESPONSE_LIST
from producer.contract.names import Kind
from producer.contract.ownership import owner_of
from producer.printable import wants_json
from producer.records.integrations import show_integration

A_DAY_SECONDS: Final = 86_400.0


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--dealer", default="", metavar="UUID", help="The dealer whose job it is.")
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
    with arguments_checked():
        envelopes = [credential_test(_test_body(file), dealer) for file in files]
    with open_client() as client:
        job_ids = [submit(client, envelope, options) for envelope in envelopes]
        if options.timeout_seconds is None:
            print_job_ids(job_ids, as_json=options.as_json)
            return
        awaited = [
            AwaitedJob(job_id, owner_of(envelope), len(envelope.body[REQUEST_LIST]))
            for job_id, envelope in zip(job_ids, envelopes, strict=True)
        ]
        results = [*wait_for(client, awaited, options.timeout_seconds)]
        if wants_json(asked=options.as_json):
            print_json(results[0] if len(results) == 1 else results)
        else:
            for done, result in zip(job_ids, results, strict=True):
                show(credential_result(result, report_of(client, done)))
    exit_for(results)


@click.command()
@click.argument("integration_id", metavar="ID")
@click.argument("file", metavar="FILE")
@brand_option
@auth_key_option
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
    with arguments_checked():
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

    Exit code: 0 all work, 1 some do not, 2 the request was bad input, 3 still waiting, 4 no Redis,
    5 unknown or expired.
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
        (found,) = wait_for(client, [AwaitedJob(job_id)], A_DAY_SECONDS)
        report = report_of(client, job_id)
    if wants_json(asked=as_json):
        print_json(report if detailed else found)
    elif RESPONSE_LIST in found:
        show(credential_result(found, report, detailed=detailed))
    else:
        show(integration_result(found, report, detailed=detailed))
    exit_for([found])


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
