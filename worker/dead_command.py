"""`mailvouch-worker dead`: look at the dead letters, give one a second chance, drop them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

import click
import redis
from rich.markup import escape
from rich.table import Table

from producer.contract.names import ACTOR_OF, Queue
from worker.console import operators_redis, out, unreachable
from worker.queue.dead_letters import DeadLetter, DeadLetters
from worker.queue.layout import Layout
from worker.settings import load_settings

EXIT_NO_SUCH_LETTER: Final = 5

QUEUE: Final = click.argument("queue", type=click.Choice([str(queue) for queue in Queue]))
LETTER: Final = click.argument("letter_id", metavar="ID")


class NoSuchLetterError(click.ClickException):
    """There is none of this id, or none that names a job."""

    exit_code = EXIT_NO_SUCH_LETTER

    def __init__(self, queue: str, letter_id: str, kind: str = "") -> None:
        super().__init__(f"{queue} has no dead letter {letter_id}{kind}")


@click.group("dead")
def dead() -> None:
    """Dead letters: messages that no worker could run."""


@dead.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, help="Oldest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_letters(limit: int, *, as_json: bool) -> None:
    """List the dead letters of every queue."""
    with _letters() as of:
        letters = [letter for queue in Queue for letter in of(queue).list(limit)]
    if as_json:
        click.echo(json.dumps([asdict(letter) for letter in letters], indent=2))
    else:
        out.print(_table(letters) if letters else "no dead letters")


@dead.command("show")
@QUEUE
@LETTER
def show(queue: str, letter_id: str) -> None:
    """Show what is known of one, never what may be secret."""
    with _letters() as of:
        fields = of(Queue(queue)).show(letter_id)
    if fields is None:
        raise NoSuchLetterError(queue, letter_id)
    click.echo(json.dumps(fields, indent=2))


@dead.command("requeue")
@QUEUE
@LETTER
def requeue(queue: str, letter_id: str) -> None:
    """Run its job again; a job that has its result keeps it."""
    with _letters() as of:
        if not of(Queue(queue)).requeue(letter_id):
            raise NoSuchLetterError(queue, letter_id, " that names a job")
    click.echo("requeued")


@dead.command("purge")
@QUEUE
@click.argument("letter_id", metavar="[ID]", required=False)
@click.confirmation_option(prompt="Drop dead letters for good?")
def purge(queue: str, letter_id: str | None) -> None:
    """Drop one dead letter, or all of a queue."""
    with _letters() as of:
        count = of(Queue(queue)).purge(letter_id)
    click.echo(f"{count} dropped")


@contextmanager
def _letters() -> Iterator[Callable[[Queue], DeadLetters]]:
    """From a queue to its dead letters, while Redis answers."""
    settings = load_settings()
    layout = Layout(settings.namespace)
    try:
        with operators_redis(settings) as client:
            yield lambda queue: DeadLetters(client, layout, queue, ACTOR_OF[queue])
    except redis.RedisError as error:
        raise unreachable(error) from None


def _table(letters: list[DeadLetter]) -> Table:
    table = Table("queue", "id", "died at", "job", "flaw", "bytes", box=None, pad_edge=False)
    for letter in letters:
        died = datetime.fromtimestamp(letter.died_at_ms / 1000, UTC).isoformat(" ", "seconds")
        name = escape(letter.redis_message_id)
        table.add_row(
            letter.queue, name, died, letter.job_id or "-", letter.flaw or "-", str(letter.size)
        )
    return table
