"""The `mailvouch` command. Each part is imported when it is used: the command starts fast."""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import click

COMMANDS: Final = {
    "test": ("producer.commands.jobs:test", "Test mail credentials and say what is wrong."),
    "update": ("producer.commands.jobs:update", "Update an SMTP integration."),
    "result": ("producer.commands.jobs:result", "Print the result of a job."),
    "brands": ("producer.commands.operators:brands", "The brands and their auth keys."),
    "catalogue": ("producer.commands.operators:catalogue", "The catalogue of app integrations."),
    "integrations": ("producer.commands.operators:integrations", "The stored SMTP integrations."),
    "keygen": ("producer.commands.tools:keygen", "Make keys for sealed requests or for the store."),
    "schema": ("producer.commands.tools:schema", "Print the contract for machines."),
}


class LazyGroup(click.Group):
    """Knows its commands by name and one line; imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of use."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _version() -> str:
    try:
        return version("mailvouch")
    except PackageNotFoundError:  # run from a checkout
        return "0.1.0"


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings are read from MAILVOUCH_… variables and .env; 'mailvouch COMMAND --help' "
    "shows examples.",
)
@click.version_option(_version(), prog_name="mailvouch")
def main() -> None:
    """Tell whether mail credentials work, and why not.

    A worker does the testing: start one with 'mailvouch-worker run'. Then:

    \b
      mailvouch test request.json          test and show what is wrong
      mailvouch test request.json --json   the same for a program
      mailvouch result JOB --report        look at a result again, in full
    """  # noqa: D301 - \b is click's mark for a paragraph not to be rewrapped


if __name__ == "__main__":
    main()
