"""What `make bench` has no time for: `python -m bench.wide`, some seven minutes.

    python -m bench.wide                     all but the last
    python -m bench.wide in_flight cold      some of them
    python -m bench.wide drift               100,000 jobs: five minutes more

Prints a table for each and puts it into wide.md beside this package, in the place of the one there.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Final

from bench.contenders import HERE
from bench.report import machine
from bench.wide import cold, drift, far, idle, in_flight, processes

FILE: Final = HERE / "wide.md"
MEASURES: Final[dict[str, tuple[str, Callable[[], str]]]] = {
    module.__name__.rpartition(".")[2]: (module.TITLE, module.section)
    for module in (in_flight, processes, far, cold, idle, drift)
}
USUAL: Final = [name for name in MEASURES if name != "drift"]
HEAD: Final = (
    "# Measured: many jobs, many at once, long ways, cold starts\n\n"
    "Real worker processes and real probes over TLS; farm, Redis and workers share the machine.\n"
    "A job is one SMTP and one IMAP login. Medians, ranges in brackets.\n"
)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.wide",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("measure", nargs="*", default=USUAL, help=", ".join(MEASURES))
    parser.add_argument("--no-file", action="store_true", help="leave wide.md as it is")
    arguments = parser.parse_args()
    if unknown := set(arguments.measure) - set(MEASURES):
        parser.error(f"no such measure: {', '.join(unknown)}")
    for name in arguments.measure:
        title, measure = MEASURES[name]
        print(f"{title} ...", file=sys.stderr, flush=True)
        load, started = os.getloadavg()[0], time.monotonic()
        content = measure()
        section = (
            f"`python -m bench.wide {name}` on {machine()},"
            f" {time.monotonic() - started:.0f} s, load average before it {load:.1f}.\n\n{content}"
        )
        print(f"\n## {title}\n\n{section}", flush=True)
        if not arguments.no_file:
            before = FILE.read_text() if FILE.exists() else HEAD
            FILE.write_text(with_section(before, title, section))


def with_section(document: str, title: str, content: str) -> str:
    """The document with this section in the place of the one of that title, else at the end."""
    head, *sections = document.split("\n## ")
    new = f"{title}\n\n{content}"
    places = [at for at, section in enumerate(sections) if section.startswith(f"{title}\n")]
    if places:
        sections[places[0]] = new
    else:
        sections.append(new)
    return "\n## ".join([head, *sections])


if __name__ == "__main__":
    main()
