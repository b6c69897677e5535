"""Good jobs beside many probes at servers that mean harm.

    python -m bench.soak             10,000 probes, 500 of them at a time: some three minutes
    python -m bench.soak 1000        fewer

A supervisor with one worker process. A stream of good jobs (both logins over implicit TLS) is timed
alone, then beside those. Prints a table and, for the full number, puts it into soak.md; exit
status 1 where a bound is broken.
"""

import itertools
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from bench.arena import Farm, Session, session
from bench.contenders import HERE, REPOSITORY
from bench.machine import Program, cpu_seconds, descriptors, memory_mb, tree, wait_until
from bench.report import machine, table
from bench.wide.ours import WHOLE_WORKER, ours
from producer.client import Client, credential_test

FILE: Final = HERE / "soak.md"
PROBES: Final = 10_000
AT_ONCE: Final = 500
DEADLINE_SECONDS: Final = 10
TURN_SECONDS: Final = 0.05
MOST_IN_A_TURN: Final = 5
"""100 probes a second at most: a load that comes all at once would only measure the queue."""

GOOD_JOBS: Final = 60
GAP_SECONDS: Final = 0.1
SETTLING_SECONDS: Final = 15
MOST_TIMES_SLOWER: Final = 2.0
MOST_MB_KEPT: Final = 10.0
SEED: Final = 7


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
    """Milliseconds of good jobs alone and beside the hostile load, and what that left behind."""

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


class HostileLoad:
    """Keeps `AT_ONCE` probes at hostile servers in flight until `count` were submitted."""

    def __init__(self, running: Session, kinds: dict[str, dict[str, str]], count: int) -> None:
        self._running = running
        self._items = items(kinds)
        self._count = count
        self._client = Client(running.redis_url)
        self._thread = threading.Thread(target=self._submit)
        self.job_ids: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._client.close()

    @property
    def goes_on(self) -> bool:
        return self._thread.is_alive()

    def _submit(self) -> None:
        while len(self.job_ids) < self._count:
            left = int(self._running.redis.hlen("mailvouch:credential-tests.msgs"))
            room = min(AT_ONCE - left, self._count - len(self.job_ids), MOST_IN_A_TURN)
            if room > 0:
                self.job_ids += self._client.submit_many(itertools.islice(self._items, room))
            time.sleep(TURN_SECONDS)


def items(kinds: dict[str, dict[str, str]]) -> Iterator[Any]:
    """Jobs of one item each, every other one at a server that holds; no account comes twice."""
    chosen = random.Random(SEED)
    groups = [
        [(port, server) for port, server in kinds.items() if server["kind"] == kind]
        for kind in ("holding", "costly")
    ]
    for number in itertools.count():
        port, server = chosen.choice(groups[number % 2])
        protocol = server["protocol"]
        fields = {
            "credentialsType": protocol.upper(),
            f"{protocol}Host": "127.0.0.1",
            f"{protocol}Port": port,
            f"{protocol}UserID": f"soak{number}@mail.test",
            f"{protocol}Password": f"Canary-{number}-battery",
            f"{protocol}UseSSLOrTLS": server["security"] == "implicit",
            f"{protocol}EnableStartTLS": server["security"] == "starttls",
        }
        yield credential_test({"emailCredentialsRequests": [fields]})


def soak(count: int) -> Soak:
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as name:
        directory = Path(name)
        farm, hostile = Farm(directory), start_hostile(directory)
        worker = ours(
            WHOLE_WORKER,
            MAILVOUCH_PROCESSES=1,
            MAILVOUCH_PROBE_DEADLINE_SECONDS=DEADLINE_SECONDS,
        )
        try:
            wait_until((directory / "hostile.json").exists, "the hostile servers")
            kinds = json.loads((directory / "hostile.json").read_text())
            with session(worker, farm, AT_ONCE + 100) as running:
                return measure(running, farm, kinds, count)
        finally:
            hostile.stop()
            farm.stop()


def start_hostile(directory: Path) -> Program:
    surroundings = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return Program([sys.executable, "-m", "bench.hostile", str(directory)], surroundings, directory)


def measure(running: Session, farm: Farm, kinds: dict[str, Any], count: int) -> Soak:
    """Warm up with a load as dense as the one to come: what it takes once is no leak."""
    users = itertools.count(step=GOOD_JOBS)
    with HostileLoad(running, kinds, 3 * AT_ONCE):
        good_jobs(running, farm, next(users))
    running.finish()
    pid = process_of(running)
    before = Moment.now(pid)
    alone = [good_jobs(running, farm, next(users)) for _ in range(3)]
    started, cpu = time.monotonic(), cpu_seconds([pid])
    beside = []
    with HostileLoad(running, kinds, count) as load:
        while load.goes_on:
            beside.append(good_jobs(running, farm, next(users)))
    running.finish()
    seconds, cpu = time.monotonic() - started, cpu_seconds([pid]) - cpu
    after = Moment.now(pid)
    results = (f"mailvouch:result:{job_id}" for job_id in load.job_ids)
    answered = sum(running.redis.exists(key) for key in results)
    return Soak(
        probes=count,
        seconds=seconds,
        cpu_seconds=cpu,
        alone=[ms for turn in alone for ms in turn["milliseconds"]],
        beside=[ms for turn in beside for ms in turn["milliseconds"]],
        wrong=sum(turn["wrong"] for turn in [*alone, *beside]),
        before=before,
        after=after,
        replaced=process_of(running) != pid,
        unanswered=count - answered,
    )


def process_of(running: Session) -> int:
    """The one process that the supervisor keeps."""
    (pid,) = tree([running.worker.pid]) - {running.worker.pid}
    return pid


def good_jobs(running: Session, farm: Farm, first: int) -> dict[str, Any]:
    answer: dict[str, Any] = running.order(
        "latency", farm.jobs(GOOD_JOBS, first=first), gap_seconds=GAP_SECONDS
    )
    return answer


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


def main(arguments: list[str]) -> int:
    count = int(arguments[0]) if arguments else PROBES
    load = os.getloadavg()[0]
    found = soak(count)
    text = (
        "# Measured: good jobs beside hostile servers\n\n"
        f"`python -m bench.soak {count}` on {machine()}, load average before it {load:.1f}; "
        f"{AT_ONCE} hostile probes at a time, a deadline of {DEADLINE_SECONDS} s, 25 kinds of "
        "server (bench/hostile.py); every other probe is held as long as a server can. Servers, "
        f"Redis and worker share the machine.\n\n{told(found)}\n"
    )
    print(text)
    for name in found.broken:
        print(f"broken: {name}", file=sys.stderr)
    if count == PROBES:
        FILE.write_text(text)
    return bool(found.broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
