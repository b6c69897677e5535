"""The `mailvouch-worker` command: run the worker, and look after it."""

import sys
from typing import Final

import click

from worker.settings import load_settings
from worker.telemetry import logs

EXIT_CANNOT_START: Final = 2


class _Lazy(click.Group):
    """Commands whose modules are imported when they are asked for: `run` starts quickly."""

    MODULES: Final = {
        "dead": "worker.commands.dead",
        "doctor": "worker.commands.doctor.command",
        "exporter": "worker.commands.exporter",
        "probe": "worker.commands.probe",
        "queues": "worker.commands.top",
        "top": "worker.commands.top",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.MODULES])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.MODULES:
            from importlib import import_module  # noqa: PLC0415 - see the class

            command = getattr(import_module(self.MODULES[cmd_name]), cmd_name)
            assert isinstance(command, click.Command)
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Run the Mailvouch worker, and look after it.

    Settings are environment variables with the prefix MAILVOUCH_; `mailvouch-worker doctor` shows
    the ones in force and says what is missing.

    \b
    mailvouch-worker run                                  the worker; SIGTERM drains
    mailvouch-worker doctor --host smtp.example.com       what would not work, and what to do
    mailvouch-worker probe imap imap.example.com --user dealer@example.com
    mailvouch-worker queues                               what waits, runs, is dead
    """  # noqa: D301 - click's own mark for lines that are not to be wrapped


@main.command()
def run() -> None:
    """Run the worker: all processes, metrics, and an embedded Redis if none is set.

    SIGTERM (or ctrl-c, or a closed terminal) stops fetching, lets the running jobs end within
    SHUTDOWN_SECONDS, gives the rest back to the queue and exits with 0. SIGUSR1 switches debug logs
    on and off.
    """
    settings = load_settings()
    logs.configure(settings.log_level, settings.log_format)
    from worker.process.embedded import EmbeddedRedisError  # noqa: PLC0415 - not for every command
    from worker.process.serve import serve  # noqa: PLC0415
    from worker.telemetry.exporter import PortTakenError  # noqa: PLC0415

    try:
        sys.exit(serve(settings))
    except (EmbeddedRedisError, PortTakenError) as error:
        click.echo(f"mailvouch-worker: {error}", err=True)
        sys.exit(EXIT_CANNOT_START)


if __name__ == "__main__":
    main()
