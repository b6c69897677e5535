"""Programs started for a measurement, what they use, and how they end. Linux: reads /proc."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")


class Program:
    """A process in a session of its own; `stop` ends what it started as well."""

    def __init__(self, argv: list[str], environment: dict[str, str], directory: Path) -> None:
        self.log = directory / f"{Path(argv[0]).name}-{time.monotonic_ns()}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                argv,
                env=environment,
                cwd=directory,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, patience_seconds: float = 10) -> None:
        family = tree([self.pid])
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in family - {self.pid}:
            with contextlib.suppress(OSError):
                if os.getsid(pid) == self.pid:
                    os.kill(pid, signal.SIGKILL)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-1500:]


def come_after_others() -> None:
    """Let this process get a tenth of a core that others want: it stands for other machines.

    Where the kernel shares cores out among sessions (`sched_autogroup_enabled`), what is nice
    counts within a session only, and the session has a niceness of its own.
    """
    os.nice(10)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text("10")


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.02)


def tree(roots: Iterable[int]) -> set[int]:
    """The processes and all their descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found: set[int] = set()
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, [])
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of the trees, ended children included."""
    total = 0
    for pid in tree(roots):
        with contextlib.suppress(OSError):
            total += sum(int(field) for field in _stat(pid)[11:15])
    return total / TICKS


def memory_mb(roots: Iterable[int]) -> float:
    """Resident memory of the trees; what processes share counts in each."""
    total = 0
    for pid in tree(roots):
        with contextlib.suppress(OSError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def threads(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def signal_tree(roots: Iterable[int], number: signal.Signals) -> None:
    for pid in tree(roots):
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def _stat(pid: int) -> list[str]:
    """`/proc/<pid>/stat` behind the command, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
