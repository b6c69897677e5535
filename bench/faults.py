"""What becomes of jobs when something dies, with real workers, a real Redis and counted logins.

    python -m bench.faults              every scenario, two beside each other: five to eight minutes
    python -m bench.faults redis_hangs  those whose test has the words in its name

Runs `tests/faults`, the slow ones too, and prints a row for each scenario. Logins: how many
accounts came once, twice, ... Ends with 0 where everything held that those tests expect, with
another status where something did not, or where it was not through within SESSION_SECONDS.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.fault_table import HEAD

SESSION_SECONDS: Final = 570
AT_A_TIME: Final = 2
_ROOT: Final = Path(__file__).parents[1]


class Table:
    """Prints rows as scenarios end, and what did not hold."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        rows = [str(value) for name, value in report.user_properties if name == "row"]
        print(*rows or [f"| {report.location[2]} | | | | | nothing was measured |"], sep="\n")
        if not report.passed:
            print(f"\nNOT SO: {report.location[2]}\n{report.longreprtext}\n", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.faults",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="*", help="words of the scenarios' names")
    words = parser.parse_args().words
    print(HEAD, flush=True)
    chosen = ["-k", " or ".join(words)] if words else []
    return pytest.main(
        [
            *(str(_ROOT / "tests/faults"), f"--rootdir={_ROOT}", "-m", "slow or not slow"),
            *("-o", "addopts=", "-p", "no:terminal", "-p", "no:cacheprovider"),
            *("-n", str(AT_A_TIME)),
            *(f"--session-timeout={SESSION_SECONDS}", *chosen),
        ],
        plugins=[Table()],
    )


if __name__ == "__main__":
    sys.exit(main())
