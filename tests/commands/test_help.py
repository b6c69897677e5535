"""What `--help` of every command shows."""

from collections.abc import Iterator

import click
import pytest

from producer.commands.tree import mailvouch
from worker.commands.tree import mailvouch_worker


def commands(command: click.Command, *words: str) -> Iterator[tuple[str, click.Command]]:
    yield " ".join(words), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from commands(command.get_command(context, name), *words, name)


EVERY = dict((*commands(mailvouch, "mailvouch"), *commands(mailvouch_worker, "mailvouch-worker")))


@pytest.mark.parametrize("name", EVERY)
def test_a_help_page_shows_text_and_no_marks_of_its_layout(name):
    text = EVERY[name].get_help(click.Context(EVERY[name], info_name=name))
    assert "Usage" in text
    assert "\\" not in text
    assert text.replace("\n", "").isprintable()


def test_every_command_is_looked_at():
    assert {"mailvouch explain", "mailvouch brands add", "mailvouch-worker dead list"} <= set(EVERY)
