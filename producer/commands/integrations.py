"""`mailvouch integrations`: the stored SMTP integrations of a brand.

`create` and `delete` are jobs; the others read or write Redis themselves: no worker has to run.
"""

from functools import partial

import click

from producer.client import integration
from producer.command_line import json_option
from producer.commands.console import (
    Exit,
    arguments_checked,
    fail,
    open_client,
    print_json,
    read_document,
    read_object,
    say,
)
from producer.commands.running import (
    JobOptions,
    job_options,
    json_if_asked,
    run_integration_job,
    submit,
)
from producer.commands.store import documents, open_store, print_table
from producer.commands.waiting import AwaitedJob, wait_for
from producer.contract.names import Kind
from producer.contract.ownership import owner_of
from producer.printable import echo, wants_json
from producer.records import integrations as record_work

brand_option = click.option("--brand-url", required=True, metavar="URL", help="The brand.")
auth_key_option = click.option(
    "--auth-key",
    required=True,
    envvar="MAILVOUCH_AUTH_KEY",
    metavar="KEY",
    help="The brand's key; better in MAILVOUCH_AUTH_KEY, where no process list shows it.",
)


@click.group()
def integrations() -> None:
    """Manage the stored SMTP integrations."""


@integrations.command("list")
@brand_option
@json_option
def list_integrations(*, brand_url: str, as_json: bool) -> None:
    """List the integrations of a brand."""
    with open_store() as store:
        found = record_work.list_integrations(store.redis, store.keys, brand_url)
    if wants_json(asked=as_json):
        print_json(documents(found))
        return
    rows = [
        (
            *(data.id, data.name, f"{data.host}:{data.port}", "TLS" if data.use_tls else "none"),
            *(data.username, data.status, "default" if data.is_default else ""),
        )
        for data in found
    ]
    print_table(("id", "name", "server", "encryption", "username", "status", ""), rows)


@integrations.command("show")
@click.argument("integration_id", metavar="ID")
@brand_option
@json_option
def show_integration(*, integration_id: str, brand_url: str, as_json: bool) -> None:
    """Show one integration; its password is masked."""
    with open_store() as store:
        found = record_work.show_integration(store.redis, store.keys, brand_url, integration_id)
    (document,) = documents([found])
    if wants_json(asked=as_json):
        print_json(document)
    else:
        entry = document.pop("appIntegration")
        rows = [("appIntegration", f"{entry['name']} ({entry['id']})"), *document.items()]
        print_table(("field", "value"), rows)


@integrations.command("create")
@click.argument("file")
@brand_option
@auth_key_option
@partial(job_options, json=json_if_asked)
def create(*, file: str, brand_url: str, auth_key: str, options: JobOptions) -> None:
    """Make an integration of the documented request body in FILE and print its id.

    A job: a worker tries the settings first, unless they are inactive. With --json the documented
    answer is printed in place of the id.
    """
    envelope = integration(
        Kind.INTEGRATION_CREATE, brand_url=brand_url, auth_key=auth_key, body=read_object(file)
    )
    with open_client() as client:
        if options.as_json or options.timeout_seconds is None:
            run_integration_job(client, envelope, options)
            return
        awaited = AwaitedJob(submit(client, envelope, options), owner_of(envelope))
        (answer,) = wait_for(client, [awaited], options.timeout_seconds)
    if not answer["success"]:
        lines = "\n".join(f"{error['code']}: {error['message']}" for error in answer["errors"])
        fail(Exit.SOME_FAILED, lines)
    echo(answer["data"]["id"])


@integrations.command("delete")
@click.argument("integration_id", metavar="ID")
@brand_option
@auth_key_option
@job_options
def delete(*, integration_id: str, brand_url: str, auth_key: str, options: JobOptions) -> None:
    """Delete an integration. A job: a worker has to run."""
    with arguments_checked():
        envelope = integration(
            Kind.INTEGRATION_DELETE,
            brand_url=brand_url,
            auth_key=auth_key,
            integration_id=integration_id,
        )
    with open_client() as client:
        run_integration_job(client, envelope, options)


@integrations.command("import")
@click.argument("file")
@brand_option
def import_integrations(file: str, brand_url: str) -> None:
    """Write the integrations of FILE, a JSON array of documented request bodies, all or none.

    Nothing is tried on a mail server. An "id" beside the documented fields keeps or replaces that
    integration. Prints the ids, in order.
    """
    document = read_document(file)
    with open_store() as store:
        ids = record_work.import_integrations(
            store.redis, store.keys, store.vault(), brand_url, document
        )
    echo("\n".join(ids))


@integrations.command("reseal")
def reseal() -> None:
    """Seal every stored password with the first key of MAILVOUCH_STORE_KEYS.

    The last step of a rotation, once every worker has the new key as its first and the old one
    beside it; afterwards the old key can go. May be run at any time, and again.
    """
    with open_store() as store:
        done = record_work.reseal(store.redis, store.keys, store.vault())
    say(f"{done.sealed} passwords sealed anew, {done.current} had the first key already")
    if done.unreadable:
        lines = "\n".join(f"{brand} {record_id}" for brand, record_id in done.unreadable)
        fail(Exit.SOME_FAILED, f"no key of MAILVOUCH_STORE_KEYS opens the password of:\n{lines}")
