"""Measure this worker beside others, on this machine: `make bench`, some four minutes.

Rounds are interleaved, every contender once a round, so that a neighbour's load meets all alike.
Writes results.md and results.svg beside this file and prints the tables.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench import measure, report
from bench.arena import Farm, running_farm
from bench.contenders import HERE, Contender, contenders

SECURITIES = ("implicit", "starttls")
LAST_CORE = max(os.sched_getaffinity(0))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help="names that begin so, comma-separated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=800, help="in each throughput run")
    parser.add_argument("--steps", default="throughput,slow,latency,submitting")
    parser.add_argument("--pin", action="store_true", help="each worker on one core (taskset)")
    parser.add_argument("--no-files", action="store_true", help="leave results.* as they are")
    return parser.parse_args()


def chosen(only: str) -> list[Contender]:
    beginnings = tuple(only.lower().split(","))
    found = [one for one in contenders() if one.name.lower().startswith(beginnings)]
    ready = []
    for contender in found:
        try:
            contender.prepare()
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"left out: {contender.name} cannot be installed here ({error})")
        else:
            ready.append(contender)
    if not ready:
        names = "; ".join(one.name for one in contenders())
        raise SystemExit(f"nothing to measure; there are: {names}")
    return ready


class Bench:
    """The steps; each adds a section to the report and bars to the plot."""

    def __init__(self, found: Sequence[Contender], farm: Farm, arguments: argparse.Namespace):
        self._found = found
        self._farm = farm
        self._arguments = arguments
        self.sections: list[str] = []
        self.bars: dict[str, dict[str, float]] = {}

    def throughput(self) -> None:
        rounds: dict[str, list[dict[str, Any]]] = {one.name: [] for one in self._found}
        for number in range(self._arguments.rounds):
            for one in self._found:
                print(f"  round {number + 1}: {one.name}", flush=True)
                row = measure.throughput(one, self._farm, SECURITIES, self._arguments.jobs)
                rounds[one.name].append(row)
        for security in SECURITIES:
            title = f"Fast servers, {security} TLS, one process"
            self._add(title, report.throughput_table(rounds, security))
            self.bars[f"{title}: jobs/s"] = {
                name: statistics.median(row[security]["jobs_per_second"] for row in rows)
                for name, rows in rounds.items()
            }
        costs = {
            name: {
                column: statistics.median(row["implicit"][column] for row in rows)
                for column in ("redis_commands", "redis_cpu_us", "redis_bytes")
            }
            for name, rows in rounds.items()
        }
        heads = ("commands (inside scripts too)", "Redis CPU us", "bytes both ways")
        columns = ("redis_commands", "redis_cpu_us", "redis_bytes")
        self._add("What one job costs Redis", report.small_table(heads, costs, columns))

    def slow(self) -> None:
        rows = {}
        for one in self._found:
            print(f"  {one.name}", flush=True)
            rows[one.name] = measure.slow_servers(one, self._farm)
        concurrency = {one.name: one.slow_concurrency for one in self._found}
        title = "Servers that take 1 s a reply, one process"
        self._add(title, report.slow_table(rows, concurrency))
        self.bars[f"{title}: jobs/s"] = {n: row["jobs_per_second"] for n, row in rows.items()}

    def latency(self) -> None:
        rows = measure.latency(list(self._found), self._farm, jobs=40, gap_seconds=0.5)
        by_name = {one.name: row for one, row in zip(self._found, rows, strict=True)}
        title = "Idle worker: milliseconds from submit to result"
        self._add(title, report.small_table(("p50", "p95"), by_name, ("p50", "p95")))

    def submitting(self) -> None:
        rows = {one.name: measure.submitting(one, self._farm, 3000) for one in self._found}
        title = "Submits per second of one client"
        heads = ("one call a job", "bulk call")
        self._add(title, report.small_table(heads, rows, ("single", "bulk")))

    def _add(self, title: str, content: str) -> None:
        section = f"## {title}\n\n{content}"
        self.sections.append(section)
        print(f"\n{section}", flush=True)


def main() -> int:
    arguments = options()
    started = time.monotonic()
    found = chosen(arguments.only)
    if arguments.pin:
        found = [one.pinned(LAST_CORE) for one in found]
    with running_farm() as farm:
        bench = Bench(found, farm, arguments)
        for step in arguments.steps.split(","):
            print(f"{step} ...", flush=True)
            getattr(bench, step)()
    minutes = (time.monotonic() - started) / 60
    pinned = ", each worker on one core" if arguments.pin else ""
    head = (
        f"# Measured\n\n`make bench` on {report.machine()}{pinned}, {minutes:.1f} minutes, load"
        f" average {os.getloadavg()[1]:.1f}. A job is one SMTP and one IMAP login, its result in"
        f" Redis.\nMedians of {arguments.rounds} interleaved rounds, ranges in brackets.\n\n"
    )
    if not arguments.no_files:
        (HERE / "results.md").write_text(head + "\n".join(bench.sections))
        (HERE / "results.svg").write_text(report.plot(bench.bars))
    print(f"\n{minutes:.1f} minutes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
