"""Starting one worker process: its arguments, its modules, its signals, its heartbeat."""

import os
import subprocess
import sysconfig
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import worker
from worker.queue.signals import hold_signals, release_signals

_ROOT: Final = Path(worker.__file__).parent.parent
_READ_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Command:
    """`argv`, to which the number of the heartbeat's pipe is added, and the environment."""

    argv: Sequence[str]
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """A process that runs, and the end of the pipe on which it beats."""

    process: subprocess.Popen[bytes]
    beats: int
    started_at: float

    @property
    def pid(self) -> int:
        return self.process.pid

    def has_beaten(self) -> bool:
        """Tell whether it has beaten since the last call."""
        try:
            return bool(os.read(self.beats, _READ_BYTES))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Hear no more."""
        os.close(self.beats)


def spawn(command: Command) -> Child:
    """Start a process. Its signals are held until it has handlers. Raises OSError."""
    reader, writer = os.pipe()
    try:
        for end in (reader, writer):
            os.set_blocking(end, False)
        hold_signals()
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command.argv, str(writer)], env=command.environment, pass_fds=(writer,)
        )
    except BaseException:
        os.close(reader)
        raise
    finally:
        release_signals()
        os.close(writer)
    return Child(process, reader, time.monotonic())


def module_path(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Return an environment in which a child finds our packages where this process has them.

    A child is started with -P: a module that lies in the current folder is not imported, though it
    be called as one of ours. In a checkout that is where our packages are, so they are named.
    """
    installed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    if str(_ROOT) in installed:
        return environment
    paths = [str(_ROOT), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}
