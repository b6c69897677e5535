"""SETTINGS.md, made from the classes of settings: `python -m docs.make_settings` (`make docs`)."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from producer.gateway.settings import GatewaySettings
from producer.settings import ProducerSettings, ServiceSettings, variable_of
from worker.settings import Settings

PAGE: Final = Path(__file__).with_name("SETTINGS.md")

PROGRAMS: Final[dict[str, type[BaseSettings]]] = {
    "All programs": ProducerSettings,
    "`mailvouch-worker` and `mailvouch gateway`": ServiceSettings,
    "`mailvouch-worker`": Settings,
    "`mailvouch gateway`": GatewaySettings,
}
"""Each class under the title of its table; a field stands in the first table that has it."""

_INTRODUCTION: Final = """\
# Settings

Environment variables; a file `.env` in the current folder is read too, and the environment wins.
Blank means unset. A bad value stops the start with one line that names the variable and the reason.
`mailvouch-worker doctor` shows the values in force, secrets masked.

Made from the settings classes by `make docs`; a test holds it current.
"""
_OTHERS: Final = """\
## Read by single commands

| variable | what |
|---|---|
| `MAILVOUCH_AUTH_KEY` | the brand's key: `mailvouch update`, `integrations create`, `delete` |
| `MAILVOUCH_PASSWORD` | the password for `mailvouch-worker probe`, in place of the prompt |
"""
_UNITS: Final = ("seconds", "bytes")
_TYPES: Final[dict[object, str]] = {
    bool: "true or false",
    int: "number",
    str: "text",
    Path: "path",
    SecretStr: "URL",
    range: "ports",
    IPv4Network: "networks",
}


def page() -> str:
    """Write the whole page."""
    return "\n".join([_INTRODUCTION, *_tables(), _OTHERS])


def _tables() -> Iterator[str]:
    seen: set[str] = set()
    for title, program in PROGRAMS.items():
        own = {name: field for name, field in program.model_fields.items() if name not in seen}
        seen.update(own)
        rows = [_row(name, field) for name, field in own.items()]
        head = ["| variable | value | default | what |", "|---|---|---|---|"]
        yield "\n".join([f"## {title}\n", *head, *rows, ""])


def _row(name: str, field: FieldInfo) -> str:
    cells = (f"`{variable_of(name)}`", _value(name, field), _default(field), field.description)
    return f"| {' | '.join(map(str, cells))} |"


def _value(name: str, field: FieldInfo) -> str:
    unit = name.rpartition("_")[2]
    kind = unit if unit in _UNITS else _kind(field.annotation)
    bounds = _bounds(field)
    return f"{kind}, {bounds}" if bounds else kind


def _kind(annotation: object) -> str:
    """Name a type for an operator: `tuple[Annotated[Path, …], ...]` is "paths, comma-separated"."""
    arguments = get_args(annotation)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if get_origin(annotation) is tuple:
        return f"{_kind(arguments[0]).removesuffix('s')}s, comma-separated"
    return _kind(arguments[0]) if arguments else _TYPES[annotation]


def _bounds(field: FieldInfo) -> str:
    low = next((part for part in field.metadata if isinstance(part, Ge | Gt)), None)
    high = next((part.le for part in field.metadata if isinstance(part, Le)), None)
    if low is None:
        return ""
    least = f"{low.ge}" if isinstance(low, Ge) else f"above {low.gt}"
    if high is not None:
        return f"{least} to {high}"
    return f"at least {least}" if isinstance(low, Ge) else least


def _default(field: FieldInfo) -> str:
    default = field.get_default()
    if default is None or default in ("", ()):
        return "unset"
    word = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{word.removesuffix('.0')}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
