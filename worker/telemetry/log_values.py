"""What may stand in a log line: plain values, secrets masked, exceptions without locals or inputs.

The rule goes by type, not by what a text looks like: a value that is neither plain nor known is
shown as its type's name. A secret in a plain `str` is masked by its key's name; and foreign
messages, models and parse errors, whose texts quote their input, are described anew here.

The types of Dramatiq, pydantic and redis-py are known where these are loaded: some processes that
log do without.
"""

import sys
import traceback
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from producer.contract.names import MASK, is_job_id

MAX_TEXT: Final = 2_000
"""A line is for people; a foreign text may be of any length."""

MAX_CAUSES: Final = 8
"""Exceptions shown of one chain."""

SECRET_NAMES: Final = frozenset(
    {"password", "secret", "token", "credential", "auth_key", "authorization", "private_key"}
)
"""Keys whose value is masked whatever its type."""

_SHOWN_AS_TEXT: Final = (str, Path, UUID, date, IPv4Address, IPv6Address)


def plain(value: object, *, name: str = "") -> Any:
    """The value as a log line may show it; secrets are the mask, unknown types their name."""
    if name.lower() in SECRET_NAMES:
        return MASK
    if isinstance(value, Mapping):
        return {plain(key): plain(item, name=str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return _plain_leaf(value.value if isinstance(value, Enum) else value)


def _plain_leaf(value: object) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, _SHOWN_AS_TEXT):
        return _one_line(str(value))
    if _is_of(value, "pydantic.types", "SecretStr", "SecretBytes"):
        return MASK
    return f"<{type(value).__name__}>"


def _is_of(value: object, module: str, *types: str) -> bool:
    """Tell whether a value is of a library's type; of one that nobody has loaded there is none."""
    loaded = vars(sys.modules[module]) if module in sys.modules else {}
    return isinstance(value, tuple(loaded[name] for name in types if name in loaded))


def plain_argument(value: object) -> object:
    """An argument of a foreign record's format string; numbers stay numbers for `%d` and `%.2f`."""
    if _is_of(value, "dramatiq", "Message", "MessageProxy"):
        return _describe_message(value)
    if isinstance(value, BaseException):
        return describe_error(value)
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return plain(value)


def restrained_message(logger: str, message: object) -> str:
    """A foreign record's own text; asyncio puts objects, results included, below the first line."""
    text = str(message)
    return _one_line(text.partition("\n")[0] if logger.startswith("asyncio") else text)


def describe_chain(error: BaseException) -> list[dict[str, Any]]:
    """An exception and its causes, newest first: type, message, frames as `file:line function`."""
    return [
        {"type": type(link).__name__, "message": describe_error(link), "frames": _frames(link)}
        for link in _chain(error)
    ]


def describe_trace(error: BaseException) -> list[dict[str, Any]]:
    """As `describe_chain`, without the messages: what they quote may be a credential."""
    return [{"type": type(link).__name__, "frames": _frames(link)} for link in _chain(error)]


def print_chain(error: BaseException) -> str:
    """The same for a terminal, oldest first as Python prints it."""
    blocks = []
    for link in reversed(describe_chain(error)):
        frames = "".join(f"  {frame}\n" for frame in link["frames"])
        blocks.append(f"{frames}{link['type']}: {link['message']}")
    return "\n\nthen:\n\n".join(blocks)


def describe_error(error: BaseException) -> str:
    """What an exception says, less the input that some quote."""
    if _is_of(error, "pydantic_core", "ValidationError"):
        return _describe_validation(error)
    if _is_of(error, "dramatiq.errors", "DecodeError"):
        return "the message could not be decoded"
    if isinstance(error, UnicodeError):
        return str(getattr(error, "reason", "not decodable"))
    if _is_of(error, "redis.exceptions", "ResponseError"):
        # Redis quotes the first arguments of a command it does not know.
        return _one_line(str(error).partition(", with args")[0])
    return _one_line(str(error))


def _describe_validation(error: Any) -> str:
    """Each place and what is wrong there. pydantic's own text quotes the input."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    places = (".".join(str(step) for step in detail["loc"]) for detail in details)
    return _one_line("; ".join(f"{p}: {d['type']}" for p, d in zip(places, details, strict=True)))


def _describe_message(message: Any) -> str:
    """Dramatiq prints a message with its arguments; a foreign one may hold anything there."""
    job_id = message.message_id if is_job_id(message.message_id) else "not a job id"
    return f"{plain(message.actor_name)}(...) of job {job_id}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(MAX_CAUSES):
        if link is None:
            return
        yield link
        if isinstance(link, BaseExceptionGroup):
            yield from link.exceptions[:MAX_CAUSES]
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _frames(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def _one_line(text: str) -> str:
    """One line, no control characters: a terminal obeys some of them."""
    short = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}... ({len(text)} characters)"
    if short.isprintable():
        return short
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in short)
