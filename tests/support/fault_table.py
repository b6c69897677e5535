"""What was measured in a scenario of `fault_scenarios`, as a row of a table in Markdown."""

from collections.abc import Mapping
from typing import Any, Final

HEAD: Final = (
    "| fault | jobs | results | seconds to the last | logins | more |\n"
    "| --- | --- | --- | --- | --- | --- |"
)
COLUMNS: Final = ("jobs", "results", "seconds", "logins")


def row(name: str, measured: Mapping[str, Any]) -> str:
    cells = [str(measured.get(column, "")) for column in COLUMNS]
    more = ", ".join(f"{key} {value}" for key, value in measured.items() if key not in COLUMNS)
    return " | ".join(["| " + name.replace("_", " "), *cells, more + " |"])
