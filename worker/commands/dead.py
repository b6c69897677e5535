"""`mailvouch-worker dead`: look at dead letters, give them a second chance, or drop them."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

import click
import redis
from rich.table import Table

from producer.command_line import json_option
from producer.contract.names import ACTOR_OF, Queue
from producer.printable import echo, json_text, plain, wants_json
from worker.commands.console import operators_shards, out, table_of, unreachable
from worker.queue.dead_letters import DeadLetter, DeadLetters
from worker.settings import load_settings

EXIT_UNKNOWN = 5

_queue = click.option(
    "--queue",
    "queues",
    multiple=True,
    type=click.Choice([queue.value for queue in Queue]),
    help="Only this queue; by default both.",
)


@click.group("dead")
def dead() -> None:
    """Look at dead letters: messages that could not be run.

    A letter names its job at most; it holds no request and no secret. Where the job could be read,
    its poller has got a result that says so. Letters go by themselves after seven days.
    """


@dead.command("list")
@_queue
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@json_option
def list_letters(queues: tuple[str, ...], limit: int, *, as_json: bool) -> None:
    """List them, oldest first."""
    with _letters(queues) as boxes:
        found = [letter for box in boxes for letter in box.list(limit)]
    if wants_json(asked=as_json):
        echo(json_text([asdict(letter) for letter in found]))
        return
    out.print(letter_table(found) if found else "no dead letters")


def letter_table(found: Iterable[DeadLetter]) -> Table:
    """80 columns break no UUID in it: its ids are typed again."""
    table = table_of("id", "job, why")
    for letter in found:
        why = letter.flaw or "put there by another program"
        died = f"{letter.queue}, {_instant(letter.died_at_ms)} UTC"
        told = (letter.job_id or "-", died, why)
        table.add_row(plain(letter.redis_message_id), "\n".join(told))
    return table


@dead.command("show")
@click.argument("letter_id", metavar="ID")
def show_letter(letter_id: str) -> None:
    """Show one letter: what is known to be no secret, the rest as its kind and size."""
    with _letters(()) as boxes:
        found = next((one for box in boxes if (one := box.show(letter_id)) is not None), None)
    if found is None:
        _unknown(letter_id)
    echo(json_text(found))


@dead.command("requeue")
@click.argument("letter_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that name a job.")
@_queue
def requeue_letters(letter_ids: tuple[str, ...], queues: tuple[str, ...], *, every: bool) -> None:
    """Put the jobs of letters into their queue again. A job that has a result keeps it."""
    _require_choice(letter_ids, every=every)
    with _letters(queues) as boxes:
        done = 0
        for box in boxes:
            names = [one.redis_message_id for one in box.list(2**31)] if every else letter_ids
            done += sum(box.requeue(name) for name in names)
    _report("requeued", done, letter_ids)


@dead.command("purge")
@click.argument("letter_ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All of them.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_queue
def purge_letters(
    letter_ids: tuple[str, ...], queues: tuple[str, ...], *, every: bool, yes: bool
) -> None:
    """Drop letters for good. Asks first where a person is at the terminal."""
    _require_choice(letter_ids, every=every)
    if not yes and sys.stdin.isatty():
        what = "all dead letters" if every else f"{len(letter_ids)} dead letter(s)"
        click.confirm(f"Drop {what} for good?", abort=True)
    with _letters(queues) as boxes:
        done = sum(
            box.purge() if every else sum(box.purge(name) for name in letter_ids) for box in boxes
        )
    _report("dropped", done, letter_ids)


def _instant(unix_ms: int) -> str:
    try:
        return f"{datetime.fromtimestamp(unix_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):  # no time of our making
        return "?"


def _require_choice(letter_ids: tuple[str, ...], *, every: bool) -> None:
    if bool(letter_ids) == every:
        raise click.UsageError("name the letters (see `dead list`), or say --all")


def _report(verb: str, done: int, letter_ids: tuple[str, ...]) -> None:
    if letter_ids and not done:
        _unknown(", ".join(letter_ids))
    echo(f"{done} {'letter' if done == 1 else 'letters'} {verb}")


def _unknown(letter_id: str) -> None:
    echo(f"mailvouch-worker: no such dead letter, or it names no job: {letter_id}", err=True)
    raise SystemExit(EXIT_UNKNOWN)


@contextmanager
def _letters(queues: tuple[str, ...]) -> Iterator[list[DeadLetters]]:
    settings = load_settings()
    with operators_shards(settings) as shards:
        try:
            yield [
                DeadLetters(shard.client, shard.layout, queue, ACTOR_OF[queue])
                for shard in shards
                for queue in map(Queue, queues or list(Queue))
            ]
        except redis.RedisError as error:
            raise unreachable(settings, error) from error
