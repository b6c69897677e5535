"""One entry of `emailCredentialsRequests`, as far as it can be read. Pure, and never raises."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from pydantic import ValidationError

from producer.contract.credentials import REQUEST_SPELLING, RESPONSE_SPELLING, RequestItem
from producer.contract.names import MASK

PASSWORDS: Final = ("password", "smtp_password", "imap_password")

MAX_UNREAD_TEXT: Final = 8 * 1024
MAX_UNREAD_SECRET: Final = 2 * 1024
"""Characters that are kept of a value that could not be read. A text is shown up to 2 KiB, and not
at all where it holds what was kept of such a password.
"""

_JSON: Final = json.JSONEncoder()

MAX_UNKNOWN_NAMES: Final = 32
MAX_NAME_CHARACTERS: Final = 40
LIKENESS: Final = 0.85
"""Of two names, by difflib: one letter too many or too few, in names as long as ours."""

_OUR_NAMES: Final = {
    spelling: name
    for spellings in (REQUEST_SPELLING, RESPONSE_SPELLING)
    for name, spelling in spellings.items()
}
_REDUCED: Final = {
    "".join(filter(str.isalnum, spelling)).lower(): spelling
    for spelling in REQUEST_SPELLING.values()
}


@dataclass(frozen=True, slots=True)
class FieldFlaw:
    """Why a field could not be read. `name` is ours, `given` the request's; `reason` is ours."""

    name: str
    given: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """`item` has blanks where a field could not be read; `unread` has what stood there, as text.

    `lookalikes` are documented names that the request seems to have meant by unknown ones.
    """

    item: RequestItem = field(default_factory=RequestItem)
    flaws: tuple[FieldFlaw, ...] = ()
    unread: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    lookalikes: tuple[str, ...] = ()
    is_object: bool = True

    @property
    def secrets(self) -> tuple[str, ...]:
        """All passwords of the entry, those that could not be read too, each once."""
        read = (getattr(self.item, name).get_secret_value() for name in PASSWORDS)
        unread = (self.unread.get(name, "") for name in PASSWORDS)
        return tuple(dict.fromkeys(secret for secret in (*read, *unread) if secret))

    @property
    def masked(self) -> tuple[str, ...]:
        """Which passwords are the mask that results show."""
        return tuple(
            name for name in PASSWORDS if getattr(self.item, name).get_secret_value() == MASK
        )


def read_entry(raw: object) -> Entry:
    """Read one entry, whatever it is."""
    if not isinstance(raw, dict):
        return Entry(is_object=False)
    flaws: list[FieldFlaw] = []
    unread: dict[str, str] = {}
    rest = dict(raw)
    while True:  # a field may be there in both spellings, and both be wrong
        try:
            item = RequestItem.model_validate(rest)
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False, include_context=False)
        else:
            return Entry(item, tuple(flaws), MappingProxyType(unread), _lookalikes(raw))
        for part in wrong:
            given = str(part["loc"][0])
            name = _OUR_NAMES[given]
            most = MAX_UNREAD_SECRET if name in PASSWORDS else MAX_UNREAD_TEXT
            unread.setdefault(name, _as_text(rest.pop(given), most))
            flaws.append(FieldFlaw(name, given, f"{given} {part['msg']}"))


def _as_text(value: Any, most: int) -> str:
    """A JSON value as text that can be written again: lone surrogates cannot. Cut at `most`."""
    text = value if isinstance(value, str) else "".join(islice(_JSON.iterencode(value), most))
    return text[:most].encode("utf-8", "replace").decode("utf-8")


def _lookalikes(raw: Mapping[str, object]) -> tuple[str, ...]:
    """The documented names that unknown ones look like: `smtp_port` is meant to be `smtpPort`."""
    unknown = [name for name in raw if name not in _OUR_NAMES and len(name) <= MAX_NAME_CHARACTERS]
    found: dict[str, None] = {}
    for name in unknown[:MAX_UNKNOWN_NAMES]:
        reduced = "".join(filter(str.isalnum, name)).lower()
        for match in get_close_matches(reduced, _REDUCED, n=1, cutoff=LIKENESS):
            found[_REDUCED[match]] = None
    return tuple(found)
