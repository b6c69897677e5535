"""From an HTTP request to what it asks for: body, `Prefer`, `Idempotency-Key`. After the login."""

import asyncio
import codecs
import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from starlette.requests import Request

from producer.contract.media_types import JSON
from producer.contract.names import is_job_id
from producer.gateway.refusals import HttpError, Reason

FORM_TYPE: Final = "application/x-www-form-urlencoded"
LONGEST_WAIT_SECONDS: Final = 3600.0
"""What `Prefer: wait=N`, or the setting in its place, is at most: a waiter costs memory."""

MOST_VALUES: Final = 25_000
"""In JSON. 1,000 accounts with all their fields have 24,000.

Everybody waits while they are read, for up to 0.4 us each; a full body has room for 350,000.
"""

MOST_DIGITS: Final = 400
TOO_MUCH: Final = f"more than {MOST_VALUES} values, or a number of more than {MOST_DIGITS} digits"
_VALUES_BEGIN: Final = ",[{"
"""Before each value, or name with its value, stands one of these. In a string they count, too."""

# What `;` separates, but for those in quotes (RFC 9110, section 5.6.6). The standard library's
# `email` reads parameters too, in a time that grows with the square of a header's length.
_PARAMETERS: Final = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*"?)+')
_UTF_8: Final = frozenset({"utf-8", "utf8"})
# A preference is `name`, `name=value` or `name="value"`, then perhaps `;parameters` (RFC 7240, 2).
_PREFERENCES: Final = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)+')
_PREFERENCE: Final = re.compile(r'\s*([^=;"\s]+)\s*(?:=\s*("[^"\\]*"|[^;"\s]*))?')
_SECONDS: Final = re.compile(r"[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How large a body may be and how long it may take."""

    max_bytes: int
    seconds: float


def require_type(request: Request, wanted: str = JSON) -> None:
    """Raise HttpError where the body is announced as anything else, or not at all.

    Not at all, too: a page of another site can send a body without a type, and no browser asks us
    first whether it may.
    """
    reason = Reason.WRONG_TYPE if wanted == JSON else Reason.WRONG_FORM_TYPE
    announced = request.headers.getlist("content-type")
    if len(announced) != 1 or "content-encoding" in request.headers:
        raise HttpError(reason)
    kind, _, parameters = announced[0].partition(";")
    if kind.strip().lower() != wanted or not _charsets(parameters) <= _UTF_8:
        raise HttpError(reason)


def _charsets(parameters: str) -> set[str]:
    pairs = (parameter.partition("=") for parameter in _PARAMETERS.findall(parameters))
    return {
        value.strip().strip('"').lower()
        for name, _, value in pairs
        if name.strip().lower() == "charset"
    }


def require_clear_framing(request: Request) -> None:
    """Raise HttpError where two parties could disagree about where the request ends.

    A proxy in front may go by `Content-Length` where we go by `Transfer-Encoding`, or know no
    `Transfer-Encoding` in HTTP/1.0 (RFC 9112, sections 6.1 and 11.2).
    """
    chunked = "transfer-encoding" in request.headers
    if chunked and ("content-length" in request.headers or request["http_version"] == "1.0"):
        raise HttpError(Reason.INVALID, "The length of the request is announced in two ways.")


async def read_body(request: Request, limits: BodyLimits) -> bytes:
    """Read the body, not a byte more than is allowed. Raises HttpError, ClientDisconnect."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limits.max_bytes:
        raise HttpError(Reason.TOO_LARGE)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                size += len(part)
                if size > limits.max_bytes:
                    raise HttpError(Reason.TOO_LARGE)
                parts.append(part)
    except TimeoutError:
        raise HttpError(Reason.TOO_SLOW) from None
    return b"".join(parts)


def read_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object in UTF-8. Raises HttpError."""
    try:
        document = read_json(body.decode("utf-8-sig"))
    except TooMuchError:
        raise HttpError(Reason.INVALID, f"The body holds {TOO_MUCH}.") from None
    except ValueError:
        raise HttpError(Reason.INVALID, "The body is no JSON in UTF-8.") from None
    if not isinstance(document, dict):
        raise HttpError(Reason.INVALID, "The body must be a JSON object.")
    return document


def without_mark(body: bytes) -> bytes:
    """Return a body that was read, as JSON that others read too: without a byte order mark."""
    return body.removeprefix(codecs.BOM_UTF8)


class TooMuchError(ValueError):
    """JSON with more in it than anybody needs."""


def read_json(text: str) -> Any:
    """Read JSON, and nothing that Python takes beyond it. Raises ValueError, TooMuchError."""
    if sum(map(text.count, _VALUES_BEGIN)) > MOST_VALUES:
        raise TooMuchError
    try:
        with _without_garbage_collection():
            return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Let nobody look for cycles in what is being read, which has none.

    Of hundreds of thousands of small lists that took eight times as long as to read them.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _integer(digits: str) -> int:
    """Read an integer: of a long one in a time that grows with the square of its length."""
    if len(digits) > MOST_DIGITS:
        raise TooMuchError
    return int(digits)


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant, parse_int=_integer)


def idempotency_key(request: Request) -> str | None:
    """Return the job id that the caller chose, bare or in double quotes. Raises HttpError."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    key = given[0].strip(" \t")
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(given) > 1 or not is_job_id(key):
        raise HttpError(
            Reason.INVALID, "The Idempotency-Key must be 1 to 128 of A-Z a-z 0-9 . _ : -"
        )
    return key


@dataclass(frozen=True, slots=True)
class WaitPreference:
    """How long a submit waits. `applied` is `Preference-Applied`: of what waits, of what does not.

    Both preferences together mean: wait so long, then go on without me (RFC 7240, section 4.3).
    """

    seconds: float
    asked_seconds: bool = False
    asked_async: bool = False

    @property
    def needs_worker(self) -> bool:
        """Tell whether the request is worth nothing without a worker.

        Not with `respond-async`, whatever else is preferred: it is taken always.
        """
        return self.seconds > 0 and not self.asked_async

    def applied(self, *, accepted: bool) -> dict[str, str]:
        """Tell which preferences an answer honours; `accepted`: it is a 202."""
        honoured = [f"wait={self.seconds:.0f}"] if self.asked_seconds else []
        if self.asked_async and accepted:
            honoured.insert(0, "respond-async")
        return {"Preference-Applied": ", ".join(honoured)} if honoured else {}


def wait_preference(request: Request, default_seconds: float) -> WaitPreference:
    """Read `Prefer` (RFC 7240): the first of each name counts, what is not understood does not."""
    wished = _preferences(", ".join(request.headers.getlist("prefer")))
    asked_async = "respond-async" in wished
    wait = wished.get("wait", "")
    if _SECONDS.match(wait):
        seconds = min(float(wait), LONGEST_WAIT_SECONDS)
        return WaitPreference(seconds, asked_seconds=True, asked_async=asked_async)
    return WaitPreference(0.0 if asked_async else default_seconds, asked_async=asked_async)


def _preferences(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in _PREFERENCES.findall(text):
        match = _PREFERENCE.match(part)
        if match is not None:
            found.setdefault(match[1].lower(), (match[2] or "").strip('"'))
    return found
