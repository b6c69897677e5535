"""A page of figures, section by section: each is measured, printed and put in its place."""

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.report import machine


@dataclass(frozen=True, slots=True)
class Page:
    """`measures`: by name a section's title and what measures it; `usual`: those without a name."""

    program: str
    file: Path
    head: str
    measures: Mapping[str, tuple[str, Callable[[], str]]]
    usual: Sequence[str]

    def main(self, description: str | None) -> None:
        """Measure what the command line names."""
        parser = argparse.ArgumentParser(
            prog=self.program,
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("measure", nargs="*", default=self.usual, help=", ".join(self.measures))
        parser.add_argument("--no-file", action="store_true", help="leave the page as it is")
        arguments = parser.parse_args()
        if unknown := set(arguments.measure) - set(self.measures):
            parser.error(f"no such measure: {', '.join(unknown)}")
        for name in arguments.measure:
            title, section = self._measured(name)
            if not arguments.no_file:
                before = self.file.read_text() if self.file.exists() else self.head
                self.file.write_text(with_section(before, title, section))

    def _measured(self, name: str) -> tuple[str, str]:
        title, measure = self.measures[name]
        print(f"{title} ...", file=sys.stderr, flush=True)
        load, started = os.getloadavg()[0], time.monotonic()
        content = measure()
        section = (
            f"`{self.program} {name}` on {machine()},"
            f" {time.monotonic() - started:.0f} s, load average before it {load:.1f}.\n\n{content}"
        )
        print(f"\n## {title}\n\n{section}", flush=True)
        return title, section


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
