"""What a person sent with a form, made into the documented request.

One account field by field, or a batch: a request body as JSON, or CSV headed by the names of the
fields. Encryption is chosen by a word here, where the documented request has two flags.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Final

from producer.contract.credentials import REQUEST_LIST, REQUEST_SPELLING, ResponseItem
from producer.contract.names import MASK
from producer.gateway.batch_table import BYTE_ORDER_MARK, read_table
from producer.gateway.form_problems import MOST_PROBLEMS, FormProblems
from producer.gateway.intake import TOO_MUCH, TooMuchError, read_json
from producer.records.subscribers import MAX_DEALER_CHARACTERS
from producer.verdicts.words import PROTOCOLS

DEALER: Final = "dealerUUID"
BATCH: Final = "batch"
BUTTON, ONE_ACCOUNT = "pressed", "account"
"""Which button was pressed tells which of two filled parts is meant."""

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
HOSTS: Final = tuple(f"{protocol}Host" for protocol in PROTOCOLS)
SECRET_FIELDS: Final = ("password", "smtpPassword", "imapPassword")
FORM_FIELDS: Final = (
    *sorted(ITEM_FIELDS - {f"{p}{flag}" for p in PROTOCOLS for flag in FLAGS}),
    *SECURITY_FIELDS.values(),
)
OWN_USER_FIELDS: Final = tuple(f"{protocol}UserID" for protocol in PROTOCOLS)
"""Blank they mean the address, and a result names the address in them."""

USER_FIELDS: Final = ("dealerEmail", *OWN_USER_FIELDS)
_BESIDE_AN_ADDRESS: Final = re.compile(r"[<>(),;:]|@[^\s@]*\s")
"""Jo <jo@x.example>, or jo@x.example and a password; a blank before the @ may be the login's."""

_COLUMNS: Final = {name.lower(): name for name in (*ITEM_FIELDS, DEALER, *SECURITY_FIELDS.values())}
_NAMES_AGAIN: Final = "names columns. The first line names all, each other holds one account."
_NAMES_IN_JSON: Final = {name.lower(): name for name in ResponseItem.model_fields} | _COLUMNS
"""Those of a result too, from which an account may be copied."""


@dataclass(frozen=True, slots=True)
class FormRequest:
    """What a form asks for: a dealer ("" where none was named) and the documented request body."""

    dealer_uuid: str
    body: dict[str, Any] = field(repr=False)


def read_form(values: Mapping[str, str]) -> FormRequest:
    """Make the documented request of a form's fields. Raises FormProblems."""
    wanted = _read(values)
    if len(wanted.dealer_uuid) > MAX_DEALER_CHARACTERS:
        raise FormProblems([f"{DEALER} must have at most {MAX_DEALER_CHARACTERS} characters."])
    return wanted


def _read(values: Mapping[str, str]) -> FormRequest:
    dealer = _trimmed(values.get(DEALER, ""))
    batch = values.get(BATCH, "").strip().removeprefix(BYTE_ORDER_MARK).lstrip()
    if not batch:
        return FormRequest(dealer, {REQUEST_LIST: [_item(values, "")]})
    _require_one_choice(values)
    is_json = batch.startswith(("{", "["))
    dealers, items = _body(batch) if is_json else _rows(values[BATCH])
    return FormRequest(_one_dealer(dealer, dealers), {REQUEST_LIST: items})


def _item(values: Mapping[str, str], where: str) -> dict[str, str]:
    """`where` begins a problem's sentence, such as "Line 2: ". Raises FormProblems."""
    item = {name: value for name, value in values.items() if name in ITEM_FIELDS}
    item = {name: value for name, value in _tidied(item).items() if value}
    checks = (_wrong_words(values), _wrong_ports(item), _masked(item, ITEM_FIELDS), _useless(item))
    problems = [f"{where}{problem}" for problem in chain(*checks)]
    if problems:
        raise FormProblems(problems)
    return item | _flags(values)


def _tidied(item: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what nobody sees at the ends of a value: it comes along with what is copied.

    It would be tested, and the result look as if what is shown had been. Of a password all counts.
    """
    return {
        name: _trimmed(value) if name not in SECRET_FIELDS and isinstance(value, str) else value
        for name, value in item.items()
    }


def _trimmed(text: str) -> str:
    seen = [at for at, one in enumerate(text) if one.isprintable() and not one.isspace()]
    return text[seen[0] : seen[-1] + 1] if seen else ""


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
    return (_trimmed(word).lower() or "auto") if isinstance(word, str) else ""


def _wrong_ports(item: Mapping[str, str]) -> Iterator[str]:
    for protocol in PROTOCOLS:
        port = item.get(f"{protocol}Port", "").strip()
        if port and not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65535):
            yield f"{protocol}Port must be a number from 1 to 65535."


def _masked(item: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    """Yield what holds the mask; a user name may, as results mask one that is the password."""
    for name in sorted(names):
        if item.get(name) == MASK:
            yield f"{name} holds the mask that results show: type what it stands for."


def _require_one_choice(values: Mapping[str, str]) -> None:
    """Raise FormProblems where the button of one account was pressed beside a filled batch."""
    if values.get(BUTTON) == ONE_ACCOUNT and any(map(values.get, (*USER_FIELDS, *HOSTS))):
        raise FormProblems(["Both an account and a batch were filled in: leave one of them empty."])


def _useless(item: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with an address, and that nothing can be tested without address or host.

    As where each value stands in a line of its own: a password would be shown as an address.
    """
    address = item.get("dealerEmail", "")
    if "@" in address and _BESIDE_AN_ADDRESS.search(address):
        yield "dealerEmail must be an address and nothing else, such as jo@dealer.example."
    if not any(map(item.get, HOSTS)) and ("@" not in address or len(address.split()) > 1):
        yield "Name the account's address, and an SMTP or IMAP host to test it at."


def _body(batch: str) -> tuple[set[str], list[Any]]:
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
    accounts = [_account(item, f"Account {number}") for number, item in enumerate(items, start=1)]
    named = (one.pop(DEALER, "") for one in (document, *accounts) if isinstance(one, dict))
    return {_trimmed(str(dealer or "")) for dealer in named} - {""}, accounts


def _account(item: Any, where: str) -> Any:
    """Take names and words as in a table: what was left aside would mislead.

    All else is the worker's to judge. Raises FormProblems.
    """
    if not isinstance(item, dict):
        return item
    names = _documented(
        item, _NAMES_IN_JSON, f"{where}: unknown: name", f"{where} has a name twice."
    )
    item = _tidied(dict(zip(names, item.values(), strict=True)))
    problems = [f"{where}: {one}" for one in (*_wrong_words(item), *_masked(item, USER_FIELDS))]
    if problems:
        raise FormProblems(problems)
    return item | _flags(item)


def _rows(batch: str) -> tuple[set[str], list[dict[str, str]]]:
    table = read_table(batch)
    unknown = "The batch's first line must name the columns; unknown: column"
    twice = "The batch's first line names a column twice."
    names = _documented(table.heading, _COLUMNS, unknown, twice)
    if not table.rows:
        raise FormProblems(["The batch has no account below its heading."])
    dealers: set[str] = set()
    items: list[dict[str, str]] = []
    problems: list[str] = []
    for number, row in table.rows:
        values = dict(zip(names, row, strict=False))
        dealers |= {_trimmed(values.get(DEALER, ""))} - {""}
        flaw = _NAMES_AGAIN if _is_heading(row) else table.flaw_of(row)
        if flaw:
            problems.append(f"Line {number}: {flaw}")
            continue
        try:
            items.append(_item(values, f"Line {number}: "))
        except FormProblems as found:
            problems += found.sentences
    if problems:
        raise FormProblems(problems)
    return dealers, items


def _is_heading(row: Iterable[str]) -> bool:
    """Tell whether a row names columns: each in a line of its own, or the table is there twice."""
    return {cell.strip().lower() for cell in row} - {""} <= _COLUMNS.keys()


def _documented(
    given: Iterable[str], documented: Mapping[str, str], unknown: str, twice: str
) -> list[str]:
    """Return the documented names that are meant. `unknown` and `twice` say what is wrong.

    Quotes none: where the heading is missing, it is a password. Raises FormProblems.
    """
    names = [documented.get(name.strip().lower()) for name in given]
    known = [name for name in names if name is not None]
    if len(known) < len(names):
        numbers = (str(at) for at, name in enumerate(names, start=1) if name is None)
        listed = ", ".join(islice(numbers, MOST_PROBLEMS))
        known_ones = ", ".join(sorted(_COLUMNS.values()))
        raise FormProblems([f"{unknown} {listed}. Known are {known_ones}."])
    if len(set(known)) < len(known):
        raise FormProblems([twice])
    return known


def _one_dealer(chosen: str, named: set[str]) -> str:
    dealers = named | ({chosen} - {""})
    if len(dealers) > 1:
        raise FormProblems([f"A batch is of one dealer: {DEALER} names several."])
    return next(iter(dealers), "")
