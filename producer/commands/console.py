"""What all commands share: exit codes, errors in one line, input files, two streams.

Results go to stdout, everything said to a person meanwhile to stderr.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NoReturn

import click
from pydantic import ValidationError

from producer.client import Client
from producer.printable import echo, json_text
from producer.redis_failures import RedisUnavailableError
from producer.sealing.requests import SealingError
from producer.settings import SettingsError


class Exit(IntEnum):
    """The exit codes of every command (docs/CONTRACT.md section 9)."""

    OK = 0
    SOME_FAILED = 1
    BAD_INPUT = 2
    NO_RESULT_IN_TIME = 3
    REDIS_UNREACHABLE = 4
    UNKNOWN_JOB = 5
    INTERRUPTED = 130


class CommandError(click.ClickException):
    """Ends a command with one line on stderr that says what to do next, and an exit code."""

    def __init__(self, exit_code: Exit, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code.value  # type: ignore[misc]  # click reads it here


def fail(exit_code: Exit, message: str) -> NoReturn:
    raise CommandError(exit_code, message)


def name_of(file: str) -> str:
    """Name an input file to people."""
    return "standard input" if file == "-" else file


def read_document(file: str) -> Any:
    """Read a JSON file, `-` for stdin. The error never quotes the file: it holds passwords."""
    name = name_of(file)
    try:
        with click.open_file(file, "rb") as stream:
            return json.loads(stream.read())
    except OSError as error:
        fail(Exit.BAD_INPUT, f"{name} cannot be read: {error.strerror}")
    except json.JSONDecodeError as error:
        fail(
            Exit.BAD_INPUT,
            f"{name} is no JSON: {error.msg} in line {error.lineno}, column {error.colno}",
        )
    except (ValueError, RecursionError):  # other octets, a number of 4,300 digits, too deep
        fail(Exit.BAD_INPUT, f"{name} is no JSON in UTF-8, or none that can be read")


def read_object(file: str) -> dict[str, Any]:
    """Read a JSON file that must hold one object."""
    document = read_document(file)
    if not isinstance(document, dict):
        fail(
            Exit.BAD_INPUT,
            f"{name_of(file)} must hold one JSON object, not a {type(document).__name__}",
        )
    return document


@contextmanager
def open_client() -> Iterator[Client]:
    """Open the client that the settings describe; turn its errors into exit codes."""
    with errors_as_exits(), Client.from_settings() as client:
        yield client


@contextmanager
def errors_as_exits() -> Iterator[None]:
    """Turn what may go wrong outside a command into its one line and its exit code."""
    try:
        yield
    except SettingsError as error:
        fail(Exit.BAD_INPUT, str(error))
    except SealingError as error:
        fail(Exit.BAD_INPUT, f"MAILVOUCH_PUBLIC_KEY: {error}")
    except RedisUnavailableError as error:
        fail(Exit.REDIS_UNREACHABLE, str(error))


@contextmanager
def arguments_checked() -> Iterator[None]:
    """Turn an argument that no envelope takes, too long or no text, into one line and exit 2."""
    try:
        yield
    except ValidationError as error:
        flaw = error.errors(include_input=False, include_url=False)[0]
        fail(Exit.BAD_INPUT, f"{flaw['loc'][0]}: {flaw['msg']}")


def print_json(document: Any) -> None:
    """Print a document for a program, or for a person who asked for it."""
    echo(json_text(document))


def say(message: str) -> None:
    """Tell the person something on stderr."""
    echo(message, err=True)
