"""`mailvouch brands`: written to Redis here, no worker has to run."""

import sys
from datetime import UTC, datetime
from typing import Any, Final

import click

from producer.command_line import json_option
from producer.commands.console import print_json, say
from producer.commands.running import json_if_asked
from producer.commands.store import open_store, print_table
from producer.printable import echo, plain, wants_json
from producer.records import brands as brand_work
from producer.records.brands import BrandFacts, NewKey
from producer.records.store import GRACE_SECONDS

_MAX_GRACE_SECONDS: Final = 365 * 24 * 60 * 60


@click.group()
def brands() -> None:
    """Manage the brands and their auth keys."""


@brands.command("add")
@click.argument("brand_url")
@json_if_asked
def add(*, brand_url: str, as_json: bool) -> None:
    """Add a brand and print its auth key, once: only a hash of it is stored.

    \b
      mailvouch brands add https://shop.example
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    with open_store() as store:
        made = brand_work.add_brand(store.redis, store.keys, brand_url)
    _print_key(made, as_json=as_json)


@brands.command("rotate-key")
@click.argument("brand_url")
@click.option(
    *("--grace", "grace_seconds"),
    type=click.IntRange(0, _MAX_GRACE_SECONDS),
    default=GRACE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long the key of before stays valid.",
)
@json_if_asked
def rotate_key(*, brand_url: str, grace_seconds: int, as_json: bool) -> None:
    """Make a new auth key for a brand and print it, once."""
    with open_store() as store:
        made = brand_work.rotate_key(
            store.redis, store.keys, brand_url, grace_seconds=grace_seconds
        )
    _print_key(made, as_json=as_json)


@brands.command("remove")
@click.argument("brand_url")
@click.option("--with-integrations", is_flag=True, help="Its integrations go as well.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(*, brand_url: str, with_integrations: bool, yes: bool) -> None:
    """Remove a brand: its keys are valid no longer. Asks first where a person is at the terminal.

    \b
      mailvouch brands remove https://shop.example
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    if not yes and sys.stdin.isatty():
        what = f"{brand_url} and all its integrations" if with_integrations else brand_url
        click.confirm(f"Remove {plain(what)} for good?", abort=True, err=True)
    with open_store() as store:
        removed = brand_work.remove_brand(
            store.redis, store.keys, brand_url, with_integrations=with_integrations
        )
    say(f"removed, with {removed} integrations" if removed else "removed")


def _print_key(made: NewKey, *, as_json: bool) -> None:
    if as_json:
        print_json({"brandUrl": made.brand, "authKey": made.auth_key})
        return
    say(f"the auth key of {made.brand}; it is not shown again:")
    echo(made.auth_key)


@brands.command("list")
@json_option
def list_brands(*, as_json: bool) -> None:
    """List the brands, never a key."""
    with open_store() as store:
        found = brand_work.list_brands(store.redis, store.keys)
    if wants_json(asked=as_json):
        print_json([_brand_facts(facts) for facts in found])
    else:
        rows = [(f.brand, f.integrations, _until(f.previous_until_ms) or "") for f in found]
        print_table(("brand", "integrations", "previous key valid until"), rows)


def _brand_facts(facts: BrandFacts) -> dict[str, Any]:
    return {
        "brandUrl": facts.brand,
        "integrations": facts.integrations,
        "previousKeyValidUntil": _until(facts.previous_until_ms),
    }


def _until(unix_ms: int | None) -> str | None:
    if unix_ms is None:
        return None
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="seconds")
