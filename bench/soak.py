"""Good jobs beside many probes at servers that mean harm.

    python -m bench.soak                 10,000 probes, 500 of them at a time: some ten minutes
    python -m bench.soak 1000            fewer
    python -m bench.soak --deadline 10   so that a held probe makes room for the next one sooner

A supervisor with one worker process, as it is shipped. A stream of good jobs (both logins over
implicit TLS, ten a second) is timed alone, beside that load from its first probe to its last, and
alone again. Prints a table and, for the full number, puts it into its section of soak.md; exit
status 1 where a bound is broken.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.arena import Farm, Session, running_farm, session
from bench.contenders import HERE, REPOSITORY
from bench.good_jobs import Times, stream
from bench.hostile_load import AT_ONCE, HostileLoad, Kinds
from bench.machine import Program, cpu_seconds, descriptors, memory_mb, tree, wait_until
from bench.report import machine, table
from bench.sections import with_section
from bench.wide.ours import WHOLE_WORKER, ours

FILE: Final = HERE / "soak.md"
PROBES: Final = 10_000
DEADLINE_SECONDS: Final = 45
"""As shipped. The shorter, the more probes begin in a second: it sets how dense the load is."""

ALONE_SECONDS: Final = 30
"""Before the load, and again after it: the machine is not the same all the time."""

SETTLING_SECONDS: Final = 15
MOST_TIMES_SLOWER: Final = 2.0
MOST_MB_KEPT: Final = 10.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What the worker uses when nothing is in flight."""

    memory_mb: float
    descriptors: int

    @classmethod
    def now(cls, pid: int) -> "Moment":
        time.sleep(SETTLING_SECONDS)
        return cls(memory_mb([pid]), descriptors(pid))


@dataclass(frozen=True, slots=True)
class Soak:
    """Milliseconds of good jobs alone and beside the load, and what the load left behind."""

    probes: int
    seconds: float
    cpu_seconds: float
    alone: list[float]
    beside: list[float]
    wrong: int
    before: Moment
    after: Moment
    replaced: bool
    unanswered: int

    @property
    def times_slower(self) -> float:
        return p95(self.beside) / p95(self.alone)

    @property
    def mb_kept(self) -> float:
        return self.after.memory_mb - self.before.memory_mb

    @property
    def broken(self) -> list[str]:
        """The bounds that did not hold."""
        bounds = {
            "p95 of good jobs": self.times_slower <= MOST_TIMES_SLOWER,
            "memory kept": self.mb_kept <= MOST_MB_KEPT,
            "descriptors": self.after.descriptors <= self.before.descriptors,
            "good jobs right": self.wrong == 0,
            "every job answered": self.unanswered == 0,
            "process": not self.replaced,
        }
        return [name for name, holds in bounds.items() if not holds]


def soak(count: int, deadline_seconds: int) -> Soak:
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as name:
        directory = Path(name)
        worker = ours(
            WHOLE_WORKER,
            MAILVOUCH_PROCESSES=1,
            MAILVOUCH_PROBE_DEADLINE_SECONDS=deadline_seconds,
        ).yielding()
        with running_farm() as farm, start_hostile(directory):
            wait_until((directory / "hostile.json").exists, "the hostile servers")
            kinds = json.loads((directory / "hostile.json").read_text())
            with session(worker, farm, AT_ONCE + 100) as running:
                return measure(running, farm, kinds, count)


def start_hostile(directory: Path) -> Program:
    surroundings = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return Program([sys.executable, "-m", "bench.hostile", str(directory)], surroundings, directory)


def measure(running: Session, farm: Farm, kinds: Kinds, count: int) -> Soak:
    """Warm up with a load as dense as the one to come: what it takes once is no leak."""
    with tempfile.TemporaryDirectory(prefix="bench-good-") as name:
        streams = Streams(running, farm, Path(name))
        with streams.next(), HostileLoad(running, kinds, min(3 * AT_ONCE, count)):
            pass
        running.finish()
        pid = process_of(running)
        before = Moment.now(pid)
        alone = [streams.alone()]
        started, cpu = time.monotonic(), cpu_seconds([pid])
        with streams.next() as beside, HostileLoad(running, kinds, count) as load:
            pass
        running.finish()
        seconds, cpu = time.monotonic() - started, cpu_seconds([pid]) - cpu
        after = Moment.now(pid)
        alone.append(streams.alone())
    return Soak(
        probes=count,
        seconds=seconds,
        cpu_seconds=cpu,
        alone=[one for times in alone for one in times.milliseconds],
        beside=beside.milliseconds,
        wrong=sum(times.wrong for times in [*alone, beside]),
        before=before,
        after=after,
        replaced=process_of(running) != pid,
        unanswered=load.unanswered,
    )


@dataclass(slots=True)
class Streams:
    """Streams of good jobs, each with users of its own."""

    running: Session
    farm: Farm
    directory: Path
    begun: int = 0

    def next(self) -> AbstractContextManager[Times]:
        self.begun += 1
        return stream(self.running, self.farm, self.directory, self.begun)

    def alone(self) -> Times:
        with self.next() as times:
            time.sleep(ALONE_SECONDS)
        return times


def process_of(running: Session) -> int:
    """The one process that the supervisor keeps."""
    (pid,) = tree([running.worker.pid]) - {running.worker.pid}
    return pid


def p95(milliseconds: list[float]) -> float:
    return statistics.quantiles(milliseconds, n=20)[-1]


def told(found: Soak) -> str:
    alone, beside, before, after = found.alone, found.beside, found.before, found.after
    halves = f"{statistics.median(alone):.1f}, {statistics.median(beside):.1f} ms"
    rows = [
        ("probes at hostile servers, answered", f"{found.probes - found.unanswered}", "all"),
        ("seconds, CPU of the worker", f"{found.seconds:.0f}, {found.cpu_seconds:.0f} s", ""),
        ("good jobs alone, beside", f"{len(alone)}, {len(beside)}", ""),
        ("of them wrong", f"{found.wrong}", "0"),
        ("their p50 alone, beside", halves, ""),
        ("their p95 alone, beside", f"{p95(alone):.1f}, {p95(beside):.1f} ms", ""),
        ("times slower", f"{found.times_slower:.2f}", f"{MOST_TIMES_SLOWER:.0f}"),
        ("RSS before, after", f"{before.memory_mb:.1f}, {after.memory_mb:.1f} MB", ""),
        ("kept", f"{found.mb_kept:.1f} MB", f"{MOST_MB_KEPT:.0f} MB"),
        ("descriptors before, after", f"{before.descriptors}, {after.descriptors}", "no more"),
        ("process replaced", "yes" if found.replaced else "no", "no"),
    ]
    return table(("", "measured", "bound"), rows)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("probes", type=int, nargs="?", default=PROBES)
    parser.add_argument("--deadline", type=int, default=DEADLINE_SECONDS, metavar="SECONDS")
    arguments = parser.parse_args()
    count, deadline = arguments.probes, arguments.deadline
    load = os.getloadavg()[0]
    found = soak(count, deadline)
    text = (
        f"`python -m bench.soak {count} --deadline {deadline}` on {machine()}, load average before "
        f"it {load:.1f}.\n\n{told(found)}\n"
    )
    print(text)
    for name in found.broken:
        print(f"broken: {name}", file=sys.stderr)
    if count == PROBES:
        title = f"A deadline of {deadline} s"
        FILE.write_text(with_section(FILE.read_text(), title, text))
    return bool(found.broken)


if __name__ == "__main__":
    sys.exit(main())
