"""The commands of `mailvouch`."""

import signal
from typing import Final

import click

from producer.command_line import CONTEXT, Command, CommandGroup
from producer.printable import echo
from producer.setting_names import unknown_settings
from producer.version import VERSION

COMMANDS: Final = {
    "test": Command("producer.commands.jobs:test", "Test mail credentials and say what is wrong."),
    "update": Command("producer.commands.jobs:update", "Update an SMTP integration."),
    "result": Command("producer.commands.jobs:result", "Print the result of a job."),
    "brands": Command("producer.commands.brands:brands", "The brands and their auth keys."),
    "catalogue": Command(
        "producer.commands.catalogue:catalogue", "The catalogue of app integrations."
    ),
    "integrations": Command(
        "producer.commands.integrations:integrations", "The stored SMTP integrations."
    ),
    "gateway": Command(
        "producer.commands.gateway:gateway", "The HTTP gateway and its page.", extra="gateway"
    ),
    "subscribers": Command(
        "producer.commands.subscribers:subscribers", "The users of the HTTP gateway."
    ),
    "keygen": Command(
        "producer.commands.keygen:keygen", "Make keys for sealed requests or for the store."
    ),
    "schema": Command("producer.commands.schema:schema", "Print the contract for machines."),
    # By name, as the tables are the worker's and a producer never imports the worker: whoever has
    # the worker's part installed has these two commands, a checkout too.
    "codes": Command(
        "worker.commands.codes:codes", "What each code means and what helps.", extra="worker"
    ),
    "explain": Command(
        "worker.commands.explain:explain",
        "What a server's reply would give, and why, offline.",
        extra="worker",
    ),
}


@click.group(
    "mailvouch",
    cls=CommandGroup,
    commands_by_name=COMMANDS,
    context_settings=CONTEXT,
    epilog="Settings are read from MAILVOUCH_… variables and .env; 'mailvouch COMMAND --help' "
    "shows examples.",
)
@click.version_option(VERSION, prog_name="mailvouch")
def mailvouch() -> None:
    """Tell whether mail credentials work, and why not.

    A worker does the testing: start one with 'mailvouch-worker run'. Then:

    \b
      mailvouch test request.json          test and show what is wrong
      mailvouch test request.json --json   the same for a program
      mailvouch result JOB --report        look at a result again, in full
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # held by `producer.cli`
    for line in unknown_settings():
        echo(f"mailvouch: {line}", err=True)
