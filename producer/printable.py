r"""What may be printed: nothing that a request, a server or Redis holds may control the terminal.

Escape sequences (ESC and the C1 controls), other controls, marks that turn the direction of
writing, invisible characters: each becomes a middle dot. In JSON, where nothing may be lost, it
becomes `\uXXXX`. All that a command prints goes through this module or `producer.terminal`.
"""

import json
import shutil
import sys
import textwrap
import unicodedata
from typing import Any, Final

import click

DOT: Final = "\N{MIDDLE DOT}"


def plain(value: object) -> str:
    """Make one line of a foreign value, safe to print."""
    return _without_controls(" ".join(_text_of(value).splitlines()))


def plain_lines(text: str) -> str:
    """Make a foreign text safe to print; its line feeds stay."""
    return "\n".join(map(_without_controls, text.split("\n")))


def json_text(document: Any) -> str:
    """Write JSON that is readable, safe to print, and means the same."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    if text.isascii() and "\x7f" not in text:  # JSON itself escapes all below a blank
        return text
    return "".join(_escaped(one) if is_control(one) and one != "\n" else one for one in text)


def wants_json(*, asked: bool) -> bool:
    """Tell whether to print JSON: asked for, or nobody looks at a terminal."""
    return asked or not sys.stdout.isatty()


def echo(text: str, *, err: bool = False) -> None:
    """Print lines to stdout or stderr."""
    click.echo(plain_lines(text), err=err)


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None where it is none, and lines stay whole."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def fitted(line: str, width: int | None, *, indent: int) -> str:
    """Break a line between words where a terminal ends; what follows stands `indent` blanks in."""
    if width is None:
        return line
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,  # an address is copied
        break_on_hyphens=False,
    )


def is_control(character: str) -> bool:
    """Tell whether a character prints as itself nowhere."""
    return not character.isprintable() and unicodedata.category(character) != "Zs"


def _text_of(value: object) -> str:
    try:
        return str(value)
    except ValueError:  # an integer of more digits than Python writes
        return "?"


def _without_controls(line: str) -> str:
    if line.isprintable():  # most are; to look at each character takes a hundred times as long
        return line
    return "".join(DOT if is_control(one) else one for one in line)


def _escaped(character: str) -> str:
    octets = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{octets[at : at + 2].hex()}" for at in range(0, len(octets), 2))
