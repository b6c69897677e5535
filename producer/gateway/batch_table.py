"""A table that a person pasted, as spreadsheets and people write CSV."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from producer.contract.names import LARGEST_MAX_BATCH
from producer.gateway.form_problems import FormProblems

_SEPARATORS: Final = ",;\t"
_OTHER_SEPARATORS: Final = "|"
"""With these no table is read, but people separate values with them."""

BYTE_ORDER_MARK: Final = "\ufeff"
"""Begins a file that a spreadsheet saved as "CSV UTF-8"."""

_PREAMBLE: Final = re.compile(rf'\A(\s*){BYTE_ORDER_MARK}?(\s*)(?:"?sep=[^\r\n]*)?', re.IGNORECASE)
"""What is no heading: such a mark, and a line that tells a spreadsheet what separates values."""

_ADDRESS: Final = "dealeremail"
_OPEN_QUOTE: Final = (
    "a value begins with a quote that is not closed at its end. "
    "Put all of the value in quotes, and write each quote in it twice."
)


@dataclass(frozen=True, slots=True)
class Table:
    """`heading` is without blank columns at the right, `width` with them; rows have their line."""

    separator: str
    heading: Sequence[str]
    width: int
    rows: Sequence[tuple[int, Sequence[str]]]

    def flaw_of(self, row: Sequence[str]) -> str:
        """Say why a row's values cannot be told apart as the heading's names; "" where they can.

        Else a password, or a part of it, would be shown as an address, or another one be tested.
        """
        values = _without_blank_end(row)
        if len(row) > self.width or len(values) > len(self.heading):
            return "more values than the heading has names."
        if self._is_split_otherwise(row, values):
            return "its values are not separated as the heading's names."
        if self._is_broken_off(row):
            return (
                "fewer values than the heading has names, and no address or no password. An "
                "account is one line, with a separator for each value, blank or not."
            )
        secret = "password" in "".join(self.heading).lower()
        fewest = 2 if secret and _has_blanks_around(self.heading, 2) else 3
        if _has_blanks_around(values, fewest):
            return "blanks stand beside the separators, and would count as part of a password."
        return ""

    def _is_split_otherwise(self, row: Sequence[str], values: Sequence[str]) -> bool:
        """Tell whether another separator would split a row further.

        A heading typed by hand above rows from a spreadsheet, lines pasted into one column, or each
        value in a line of its own, as out of a PDF.
        """
        separators = set(_SEPARATORS + _OTHER_SEPARATORS)
        if len(values) == 1 < len(self.heading):
            (only,) = values
            parts = len(only.split())
            return len(row) == 1 or parts > 1 or not separators.union(":").isdisjoint(only)
        others = separators - {self.separator}
        short = len(row) < len(self.heading)
        return short and any(sum(cell.count(one) for cell in row) >= len(row) for one in others)

    def _is_broken_off(self, row: Sequence[str]) -> bool:
        """Tell whether a row is the end of one that an e-mail broke at a blank, or lacks a value.

        Such as of a password for one application, `abcd efgh ijkl mnop`; or `a@x.example,password`
        where a host stands between the two in the heading.
        """
        names = [name.strip().lower() for name in self.heading]
        address = dict(zip(names, row, strict=False)).get(_ADDRESS, "")
        has_no_address = _ADDRESS in names and "@" not in address
        secrets = [at for at, name in enumerate(names) if name.endswith("password")]
        return len(row) < len(names) and (has_no_address or len(row) <= min(secrets, default=-1))


def read_table(batch: str) -> Table:
    """Read CSV, separated by commas, semicolons or tabs. Raises FormProblems."""
    batch = _PREAMBLE.sub(r"\1\2", batch)  # lines count from the top, whatever stands there
    separator = _separator(batch)
    (_, heading), *rows = _cells(batch, separator)
    return Table(separator, _without_blank_end(heading), len(heading), rows)


def _separator(batch: str) -> str:
    heading = next((line for line in io.StringIO(batch, newline="") if line.strip()), "")
    return max(_SEPARATORS, key=heading.count)


def _cells(batch: str, separator: str) -> list[tuple[int, list[str]]]:
    """Return the rows that hold anything, each with the number of its last line.

    Lines end as RFC 4180 says, not as `str.splitlines` does: a password may hold U+2028 or a
    trailing space, and a quoted one what separates rows elsewhere. Raises FormProblems.
    """
    text = io.StringIO(batch, newline="")
    reader = csv.reader(text, delimiter=separator, strict=True)
    rows: list[tuple[int, list[str]]] = []
    ended = 0
    try:
        for row in reader:
            ended = reader.line_num
            if any(cell.strip() for cell in row):
                rows.append((ended, row))
            if len(rows) > LARGEST_MAX_BATCH + 1:  # not read on: a full body would take seconds
                sentence = f"A batch may have at most {LARGEST_MAX_BATCH} accounts: split it."
                raise FormProblems([sentence])
    except csv.Error:
        raise FormProblems([f"Line {ended + 1}: {_OPEN_QUOTE}"]) from None
    if not rows:
        raise FormProblems(["The batch is neither JSON nor CSV."])
    return rows


def _without_blank_end(row: Sequence[str]) -> Sequence[str]:
    """Leave out the blank columns that a spreadsheet wrote at the right."""
    filled = (at for at, cell in enumerate(row, start=1) if cell.strip())
    return row[: max(filled, default=0)]


def _has_blanks_around(values: Sequence[str], fewest: int) -> bool:
    """Tell whether every separator of a row has a blank beside it: people write `a, b, c`.

    In three values, or two below such a heading, it is no chance; a single password may begin or
    end with a blank.
    """
    filled = [cell for cell in values if cell.strip()]
    after = all(cell[0].isspace() for cell in filled[1:])
    before = all(cell[-1].isspace() for cell in filled[:-1])
    return len(filled) >= fewest and (after or before)
