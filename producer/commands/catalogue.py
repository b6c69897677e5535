"""`mailvouch catalogue`: written to Redis here, no worker has to run."""

import click

from producer.command_line import json_option
from producer.commands.console import print_json, read_document, say
from producer.commands.store import documents, open_store, print_table
from producer.printable import wants_json
from producer.records import catalogue as catalogue_work


@click.group()
def catalogue() -> None:
    """Manage the catalogue of app integrations."""


@catalogue.command("import")
@click.argument("file")
def import_catalogue(file: str) -> None:
    """Add or replace the entries of FILE, a JSON array of appIntegration objects.

    Entries that are not in FILE stay. An example is examples/catalogue.json.
    """
    document = read_document(file)
    with open_store() as store:
        count = catalogue_work.import_catalogue(store.redis, store.keys, document)
    say(f"{count} catalogue entries imported")


@catalogue.command("list")
@json_option
def list_catalogue(*, as_json: bool) -> None:
    """List the catalogue, as JSON in the form that import reads."""
    with open_store() as store:
        entries = catalogue_work.list_catalogue(store.redis, store.keys)
    if wants_json(asked=as_json):
        print_json(documents(entries))
    else:
        rows = [(e.id, e.type, e.name, e.status, e.description or "") for e in entries]
        print_table(("id", "type", "name", "status", "description"), rows)
