"""The `doctor` command: a table for people, JSON for scripts."""

from collections.abc import Iterable, Iterator
from typing import Final

import click
from pydantic import SecretStr
from rich.table import Table
from rich.text import Text

from producer.printable import echo, json_text, plain
from producer.redis_url import without_password
from producer.settings import PREFIX
from worker.commands.console import EXIT_NO_REDIS, NoRedisExit, out, redis_url, table_of
from worker.commands.doctor.check import Check, State, fail
from worker.commands.doctor.cluster import check_cluster, check_served
from worker.commands.doctor.egress import check_egress
from worker.commands.doctor.gateway import check_gateway_settings
from worker.commands.doctor.machine import check_keys, check_machine, check_trust_store
from worker.commands.doctor.other_shards import check_other_shards
from worker.commands.doctor.server import check_redis
from worker.queue.shard_clients import open_shards
from worker.redis_link.connections import CALL_TIMEOUT_SECONDS
from worker.settings import Settings, load_settings

_COLOURS: Final = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red"}


@click.command("doctor")
@click.option("--host", help="A mail server, to try DNS and the standard ports.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(host: str | None, *, as_json: bool) -> None:
    """Check what a worker needs and say what to do.

    Exit status 4 where Redis cannot be reached, 1 where something else will not work.
    """
    settings = load_settings()
    checks = list(_examine(settings, host))
    if as_json:
        _print_json(settings, checks)
    else:
        out.print(settings_table(settings), "", _findings_table(checks))
    failed = {check.name for check in checks if check.state is State.FAIL}
    raise SystemExit(EXIT_NO_REDIS if "redis" in failed else bool(failed))


def _examine(settings: Settings, host: str | None) -> Iterator[Check]:
    """Every check, in the order in which a worker would stumble. Yields as they are done."""
    yield from check_machine(settings)
    yield from check_keys(settings)
    yield check_trust_store(settings.ca_file)
    yield check_gateway_settings()
    yield from _redis_checks(settings)
    yield from check_egress(settings, host)


def _redis_checks(settings: Settings) -> Iterator[Check]:
    try:
        url = redis_url(settings)
    except NoRedisExit as error:
        yield fail("redis", error.message, "mailvouch-worker run, or set MAILVOUCH_REDIS_URL")
        return
    with open_shards(url, settings.keyspace, CALL_TIMEOUT_SECONDS) as shards:
        if settings.keyspace.on_cluster:
            yield from check_cluster(shards, url)
        else:
            yield from check_redis(shards[0].client, shards[0].layout.namespace, url)
            yield from check_other_shards(shards[0].client, settings.keyspace)
        yield from check_served(shards)


def _print_json(settings: Settings, checks: Iterable[Check]) -> None:
    lines = [
        {"check": c.name, "state": c.state, "text": c.text, "remedy": c.remedy} for c in checks
    ]
    echo(json_text({"settings": effective_settings(settings), "checks": lines}))


def effective_settings(settings: Settings) -> dict[str, str]:
    """Every setting by its variable, as it is in force; a password in it is the mask."""
    return {
        PREFIX + name.upper(): _shown(getattr(settings, name))
        for name in type(settings).model_fields
    }


def _shown(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, SecretStr):  # the one there is: a URL that was read
        return without_password(value.get_secret_value())
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, range):
        return f"{value[0]}-{value[-1]}" if len(value) > 1 else str(value[0])
    return ",".join(_shown(part) for part in value) if isinstance(value, tuple) else str(value)


def settings_table(settings: Settings) -> Table:
    table = table_of("setting", "in force")
    for name, value in effective_settings(settings).items():
        table.add_row(name, plain(value))
    return table


def _findings_table(checks: Iterable[Check]) -> Table:
    table = table_of("", "check", "finding")
    for check in checks:
        finding = Text(plain(check.text))
        if check.remedy:
            finding.append(f"\n{plain(check.remedy)}", style="bold")
        table.add_row(Text(check.state, style=_COLOURS[check.state]), check.name, finding)
    return table
