"""`mailvouch schema`: no Redis needed."""

import click

from producer.commands.console import print_json
from producer.openapi.document import openapi
from producer.schema import asyncapi, json_schema


@click.command()
@click.option("--asyncapi", "keys", is_flag=True, help="The Redis keys and channels.")
@click.option("--openapi", "gateway", is_flag=True, help="The HTTP gateway.")
@click.option(
    *("--json-schema", "documents"),
    is_flag=True,
    help="Every document: envelope, request, result, report.  [default]",
)
def schema(*, keys: bool, gateway: bool, documents: bool) -> None:
    """Print the contract for machines, as JSON.

    \b
      mailvouch schema --json-schema > mailvouch.schema.json
      mailvouch schema --asyncapi    > asyncapi.json
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    if keys + gateway + documents > 1:
        raise click.UsageError("name one of --asyncapi, --openapi and --json-schema")
    if keys:
        print_json(asyncapi())
    elif gateway:
        print_json(openapi())
    else:
        print_json(json_schema())
