"""The commands of `mailvouch-worker`: run the worker, and look after it."""

from typing import Final

import click

from producer.command_line import CONTEXT, Command, CommandGroup
from producer.printable import echo
from producer.setting_names import unknown_settings
from producer.version import VERSION
from worker.queue.signals import release_signals


def _part(target: str, line: str) -> Command:
    return Command(f"worker.commands.{target}", line, extra="worker")


COMMANDS: Final = {
    "run": _part("run:run", "Run the worker; SIGTERM drains."),
    "doctor": _part("doctor.command:doctor", "Say what would not work here, and what to do."),
    "probe": _part("probe:probe", "Probe one account by hand, without queue or Redis."),
    "queues": _part("top:queues", "What waits, runs and is dead."),
    "top": _part("top:top", "What the workers do now."),
    "dead": _part("dead:dead", "Dead letters: look at them, requeue or purge them."),
    "exporter": _part("exporter:exporter", "Serve queue metrics without any worker."),
}


@click.group(
    "mailvouch-worker", cls=CommandGroup, commands_by_name=COMMANDS, context_settings=CONTEXT
)
@click.version_option(VERSION, prog_name="mailvouch-worker")
@click.pass_context
def mailvouch_worker(context: click.Context) -> None:
    """Run the Mailvouch worker, and look after it.

    Settings are environment variables with the prefix MAILVOUCH_; `mailvouch-worker doctor` shows
    the ones in force and says what is missing.

    \b
    mailvouch-worker run                                  the worker; SIGTERM drains
    mailvouch-worker doctor --host smtp.example.com       what would not work, and what to do
    mailvouch-worker probe imap imap.example.com --user dealer@example.com
    mailvouch-worker queues                               what waits, runs, is dead
    """  # noqa: D301 - click's own mark for lines that are not to be wrapped
    if context.invoked_subcommand != "run":  # which releases them when it has handlers
        release_signals()
    if context.invoked_subcommand not in ("run", "doctor"):  # which log it, or list it
        for line in unknown_settings():
            echo(f"mailvouch-worker: {line}", err=True)
