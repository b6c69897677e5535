"""`mailvouch subscribers`: who may use the gateway with Basic authentication."""

import click

from producer.command_line import json_option
from producer.commands.console import print_json, say
from producer.commands.running import json_if_asked
from producer.commands.store import open_store, print_table
from producer.printable import echo, wants_json
from producer.records import subscribers as subscriber_work


@click.group()
def subscribers() -> None:
    """Manage the subscribers of the HTTP gateway."""


@subscribers.command("add")
@click.argument("name")
@click.option(
    *("--dealer", "dealers"),
    multiple=True,
    metavar="UUID",
    help="Allow this dealer only; may be given more than once.  [default: every dealer]",
)
@json_if_asked
def add(*, name: str, dealers: tuple[str, ...], as_json: bool) -> None:
    """Add a subscriber and print the password, once: only a hash of it is stored.

    \b
      mailvouch subscribers add crm
      mailvouch subscribers add partner --dealer 7f1c… --dealer 90aa…
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    with open_store() as store:
        made = subscriber_work.add_subscriber(store.redis, store.keys.namespace, name, dealers)
    if as_json:
        print_json({"name": made.name, "password": made.password})
        return
    say(f"the password of {made.name}; it is not shown again:")
    echo(made.password)


@subscribers.command("list")
@json_option
def list_subscribers(*, as_json: bool) -> None:
    """List the subscribers, never a password."""
    with open_store() as store:
        found = subscriber_work.list_subscribers(store.redis, store.keys.namespace)
    if wants_json(asked=as_json):
        print_json([{"name": one.name, "dealers": one.dealers} for one in found])
    else:
        rows = [(one.name, ", ".join(one.dealers or ("every dealer",))) for one in found]
        print_table(("name", "dealers"), rows)


@subscribers.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """Remove a subscriber: within five seconds no gateway takes the password any more."""
    with open_store() as store:
        subscriber_work.revoke_subscriber(store.redis, store.keys.namespace, name)
    say(f"subscriber {name} revoked")
