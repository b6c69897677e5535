"""What `mailvouch` and `mailvouch-worker` share: how a command is found, fails and is interrupted.

A command's module is imported when the command is called: `--help` is fast, and a part whose extra
is not installed says so instead of ending in a traceback.
"""

import codecs
import errno
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from producer.core_dumps import forbid_core_dumps
from producer.interrupts import EXIT_INTERRUPTED
from producer.printable import echo, plain

DISTRIBUTION: Final = "mailvouch"
EXIT_OUTPUT_LOST: Final = 74
"""What was found could not be printed; EX_IOERR of sysexits.h."""

_OUTPUT_LOST: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON; the default where stdout is no terminal."
)

_ASCII: Final = {
    "✔": "+",
    "✘": "x",
    "→": "->",
    "·": "-",
    "…": "...",
    "●": "*",
}


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command is (`module:attribute`), its line in the list, the extra that it needs."""

    target: str
    line: str
    extra: str | None = None

    def load(self) -> click.Command:
        """Import it. Raises click.UsageError where its extra is not installed."""
        module, _, attribute = self.target.partition(":")
        try:
            command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            self.require_extra(error)
            raise
        assert isinstance(command, click.Command)
        return command

    def require_extra(self, error: ModuleNotFoundError) -> None:
        """Raise click.UsageError if the module that is missing comes with the command's extra."""
        if self.extra is not None and not _is_ours(error.name):
            raise click.UsageError(
                f"{error.name} is not installed: pip install '{DISTRIBUTION}[{self.extra}]'"
            ) from error


class Seconds(click.FloatRange):
    """A finite number: every comparison with `nan` is false, so it is in each range."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Raises click.BadParameter."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no number of seconds", param, ctx)
        return number


class CommandGroup(click.Group):
    """Knows its commands by name and one line. Errors are one line; ctrl-c ends with 130."""

    def __init__(self, *args: Any, commands_by_name: Mapping[str, Command], **more: Any) -> None:
        """As click's; `commands_by_name` in the order of use."""
        super().__init__(*args, **more)
        self._by_name = commands_by_name

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self._by_name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        del ctx
        return self._by_name[cmd_name].load() if cmd_name in self._by_name else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command where there is none of this name."""
        near = get_close_matches(args[0], self._by_name, n=1) if args else []
        if near and args[0] not in self._by_name:
            ctx.fail(f"no such command '{args[0]}'; did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; some import a part of what they need only then."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            command = self._by_name.get(ctx.invoked_subcommand or "")
            if command is not None:
                command.require_extra(error)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.line) for name, command in self._by_name.items()])

    def main(self, *args: Any, **options: Any) -> Any:
        """Run, and exit with the command's status; click's options are as for its own groups."""
        if not options.get("standalone_mode", True):
            return super().main(*args, **options)
        forbid_core_dumps()
        print_everywhere()
        try:
            status = super().main(
                *args, **{"prog_name": self.name, **options, "standalone_mode": False}
            )
            _flush_output()
        except click.exceptions.NoArgsIsHelpError as error:
            echo(error.format_message(), err=True)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            self._fail(_in_one_line(error), error.exit_code)
        except click.Abort:
            self._fail("interrupted", EXIT_INTERRUPTED)
        except UnicodeEncodeError as error:
            if not _is_undecoded(error):
                raise
            self._fail("an argument or a setting is no text in UTF-8", click.UsageError.exit_code)
        except OSError as error:
            if error.errno not in _OUTPUT_LOST:
                raise
            _forget_output()
            self._fail(f"the output cannot be written: {error.strerror}", EXIT_OUTPUT_LOST)
        sys.exit(status if isinstance(status, int) else 0)

    def _fail(self, reason: str, status: int) -> NoReturn:
        echo(f"{self.name}: {reason}", err=True)
        sys.exit(status)


def _is_undecoded(error: UnicodeEncodeError) -> bool:
    """Tell whether bytes that the caller's shell gave stand for themselves in a text (PEP 383)."""
    return all("\udc80" <= one <= "\udcff" for one in error.object[error.start : error.end])


def _flush_output() -> None:
    if sys.stdout is not None:  # closed by the caller
        sys.stdout.flush()


def _forget_output() -> None:
    """Let what is still buffered go nowhere, or Python complains of it once more at its end."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def print_everywhere() -> None:
    """Print our marks as ASCII, and `?` for the rest, where the terminal's encoding has none."""
    codecs.register_error("mailvouch.ascii", _as_ascii)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="mailvouch.ascii")


def _as_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_ASCII.get(character, "?") for character in lost), error.end


def _in_one_line(error: click.ClickException) -> str:
    message = plain(" ".join(error.format_message().split()))
    if isinstance(error, click.UsageError) and error.ctx is not None:
        message = f"{message.removesuffix('.')} (see {error.ctx.command_path} --help)"
    return message


def _is_ours(module: str | None) -> bool:
    return module is None or module.partition(".")[0] in {"producer", "worker"}
