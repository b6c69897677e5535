"""What a person sent with a form, made into the documented request.

One account field by field, or a batch: a request body as JSON, or CSV headed by the names of the
fields. Encryption is chosen by a word here, where the documented request has two flags.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from producer.contract.credentials import REQUEST_LIST, REQUEST_SPELLING
from producer.contract.names import LARGEST_MAX_BATCH, MASK
from producer.gateway.intake import TOO_MUCH, TooMuchError, read_json
from producer.records.subscribers import MAX_DEALER_CHARACTERS
from producer.verdicts.words import PROTOCOLS

DEALER: Final = "dealerUUID"
BATCH: Final = "batch"
SECURITIES: Final = {
    "auto": {},
    "implicit_tls": {"UseSSLOrTLS": "true", "EnableStartTLS": "false"},
    "starttls": {"UseSSLOrTLS": "false", "EnableStartTLS": "true"},
    "cleartext": {"UseSSLOrTLS": "false", "EnableStartTLS": "false"},
}
"""A word for `smtpSecurity` and `imapSecurity` -> the flags; auto leaves them to the port."""

SECURITY_FIELDS: Final = {protocol: f"{protocol}Security" for protocol in PROTOCOLS}
ITEM_FIELDS: Final = frozenset(REQUEST_SPELLING.values())
FLAGS: Final = tuple(SECURITIES["starttls"])
SECRET_FIELDS: Final = ("password", "smtpPassword", "imapPassword")
FORM_FIELDS: Final = (
    *sorted(ITEM_FIELDS - {f"{p}{flag}" for p in PROTOCOLS for flag in FLAGS}),
    *SECURITY_FIELDS.values(),
)
MOST_PROBLEMS: Final = 20
BYTE_ORDER_MARK: Final = "\ufeff"
"""Begins a file that a spreadsheet saved as "CSV UTF-8"."""

_SEPARATORS: Final = ",;\t"
_SECURITY_COLUMNS: Final = {name.lower(): name for name in SECURITY_FIELDS.values()}
_COLUMNS: Final = {name.lower(): name for name in (*ITEM_FIELDS, DEALER)} | _SECURITY_COLUMNS


@dataclass(frozen=True, slots=True)
class FormRequest:
    """What a form asks for: a dealer ("" where none was named) and the documented request body."""

    dealer_uuid: str
    body: dict[str, Any] = field(repr=False)


class FormProblems(Exception):
    """A form that cannot be read: one sentence for each mistake, none quotes what was typed."""

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__()
        self.sentences = tuple(sentences[:MOST_PROBLEMS])


def read_form(values: Mapping[str, str]) -> FormRequest:
    """Make the documented request of a form's fields. Raises FormProblems."""
    wanted = _read(values)
    if len(wanted.dealer_uuid) > MAX_DEALER_CHARACTERS:
        raise FormProblems([f"{DEALER} must have at most {MAX_DEALER_CHARACTERS} characters."])
    return wanted


def _read(values: Mapping[str, str]) -> FormRequest:
    dealer = values.get(DEALER, "").strip()
    batch = values.get(BATCH, "").lstrip().removeprefix(BYTE_ORDER_MARK).lstrip()
    if not batch:
        item = _item(values, "")
        _require_useful(item)
        return FormRequest(dealer, {REQUEST_LIST: [item]})
    if batch.startswith(("{", "[")):
        return FormRequest(dealer, _body(batch))
    dealers, items = _rows(batch)
    return FormRequest(_one_dealer(dealer, dealers), {REQUEST_LIST: items})


def _item(values: Mapping[str, str], where: str) -> dict[str, str]:
    """`where` begins a problem's sentence, such as "Line 2: ". Raises FormProblems."""
    item = {name: value for name, value in values.items() if name in ITEM_FIELDS and value}
    problems = [f"{where}{problem}" for problem in (*_wrong_words(values), *_problems(item))]
    if problems:
        raise FormProblems(problems)
    return item | _flags(values)


def _wrong_words(values: Mapping[str, Any]) -> Iterator[str]:
    for name in SECURITY_FIELDS.values():
        if _word(values, name) not in SECURITIES:
            yield f"{name} must be one of {', '.join(SECURITIES)}."


def _flags(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"{protocol}{flag}": value
        for protocol, name in SECURITY_FIELDS.items()
        for flag, value in SECURITIES[_word(values, name)].items()
    }


def _word(values: Mapping[str, Any], name: str) -> str:
    word = values.get(name) or ""
    return (word.strip() or "auto") if isinstance(word, str) else ""


def _problems(item: Mapping[str, str]) -> Iterator[str]:
    for protocol in PROTOCOLS:
        port = item.get(f"{protocol}Port", "").strip()
        if port and not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65535):
            yield f"{protocol}Port must be a number from 1 to 65535."
    for name in SECRET_FIELDS:
        if item.get(name) == MASK:
            yield f"{name} holds the mask that results show: type the password itself."


def _require_useful(item: Mapping[str, str]) -> None:
    if not any(item.get(name, "").strip() for name in ("smtpHost", "imapHost", "dealerEmail")):
        raise FormProblems(["Name the account's address, and an SMTP or IMAP host to test it at."])


def _body(batch: str) -> dict[str, Any]:
    try:
        document = read_json(batch)
    except TooMuchError:
        raise FormProblems([f"The batch holds {TOO_MUCH}: split it."]) from None
    except ValueError:
        raise FormProblems(["The batch begins like JSON, but is none."]) from None
    if isinstance(document, list):
        document = {REQUEST_LIST: document}
    items = document.get(REQUEST_LIST)
    if not isinstance(items, list) or not items:
        raise FormProblems([f'The batch must hold {{"{REQUEST_LIST}": [...]}} with an account.'])
    return {REQUEST_LIST: [_account(item, number) for number, item in enumerate(items, start=1)]}


def _account(item: Any, number: int) -> Any:
    """Take a word for encryption in JSON, too: a test of another encryption would mislead.

    All else is the worker's to judge. Raises FormProblems.
    """
    if not isinstance(item, dict):
        return item
    item = {_SECURITY_COLUMNS.get(name.lower(), name): value for name, value in item.items()}
    if item.keys().isdisjoint(SECURITY_FIELDS.values()):
        return item
    if problems := [f"Account {number}: {problem}" for problem in _wrong_words(item)]:
        raise FormProblems(problems)
    return item | _flags(item)


def _rows(batch: str) -> tuple[set[str], list[dict[str, str]]]:
    """Read CSV, separated by commas, semicolons or tabs. Raises FormProblems."""
    separator = _separator(batch)
    (_, heading), *rows = _cells(batch, separator)
    names = _columns(_without_blank_end(heading))
    if not rows:
        raise FormProblems(["The batch has no account below its heading."])
    dealers: set[str] = set()
    items: list[dict[str, str]] = []
    problems: list[str] = []
    for number, row in rows:
        values = dict(zip(names, row, strict=False))
        dealers |= {values.get(DEALER, "").strip()} - {""}
        if len(row) > len(heading) or len(_without_blank_end(row)) > len(names):
            problems.append(f"Line {number}: more values than the heading has names.")
            continue
        if len(row) < len(names) and _is_split_otherwise(row, separator):
            problems.append(f"Line {number}: its values are not separated as the heading's names.")
            continue
        try:
            items.append(_item(values, f"Line {number}: "))
        except FormProblems as found:
            problems += found.sentences
    if problems:
        raise FormProblems(problems)
    return dealers, items


def _separator(batch: str) -> str:
    heading = next(line for line in io.StringIO(batch, newline="") if line.strip())
    return max(_SEPARATORS, key=heading.count)


def _is_split_otherwise(row: Sequence[str], separator: str) -> bool:
    """Tell whether another separator would split a row further.

    A heading typed by hand, above rows from a spreadsheet: the first cell would hold the password.
    """
    others = set(_SEPARATORS) - {separator}
    return any(sum(cell.count(other) for cell in row) >= len(row) for other in others)


def _cells(batch: str, separator: str) -> list[tuple[int, list[str]]]:
    """Return the rows that hold anything, each with the number of its last line.

    Lines end as RFC 4180 says, not as `str.splitlines` does: a password may hold U+2028 or a
    trailing space, and a quoted one what separates rows elsewhere. Raises FormProblems.
    """
    text = io.StringIO(batch, newline="")
    reader = csv.reader(text, delimiter=separator, strict=True)
    try:
        filled = ((reader.line_num, row) for row in reader if any(cell.strip() for cell in row))
        rows = list(islice(filled, LARGEST_MAX_BATCH + 2))
    except csv.Error:
        rows = []
    if not rows:
        raise FormProblems(["The batch is neither JSON nor CSV."])
    if len(rows) > LARGEST_MAX_BATCH + 1:  # not read on: a full body would take seconds
        raise FormProblems([f"A batch may have at most {LARGEST_MAX_BATCH} accounts: split it."])
    return rows


def _without_blank_end(row: Sequence[str]) -> Sequence[str]:
    """Leave out the blank columns that a spreadsheet wrote at the right."""
    filled = (at for at, cell in enumerate(row, start=1) if cell.strip())
    return row[: max(filled, default=0)]


def _columns(heading: Sequence[str]) -> list[str]:
    """Return the documented names of a heading's cells. Raises FormProblems.

    Quotes no cell: where the heading is missing, a cell is a password.
    """
    names = [_COLUMNS.get(cell.strip().lower()) for cell in heading]
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        numbers = (str(at) for at, name in enumerate(names, start=1) if name is None)
        unknown = ", ".join(islice(numbers, MOST_PROBLEMS))
        heading_rule = "The batch's first line must name the columns"
        names_known = ", ".join(sorted(_COLUMNS.values()))
        raise FormProblems([f"{heading_rule}; unknown: column {unknown}. Known are {names_known}."])
    if len(set(known)) < len(known):
        raise FormProblems(["The batch's first line names a column twice."])
    return known


def _one_dealer(chosen: str, named: set[str]) -> str:
    dealers = named | ({chosen} - {""})
    if len(dealers) > 1:
        raise FormProblems([f"A batch is of one dealer: {DEALER} names several."])
    return next(iter(dealers), "")
