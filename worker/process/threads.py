"""What to say where the system allows no more threads: they count as processes there."""

from typing import Final

REMEDY: Final = (
    "no thread can be started: raise the limit of processes (`ulimit -u`, TasksMax of systemd, "
    "the pids limit of a container)"
)


def is_lack_of_threads(error: RuntimeError) -> bool:
    """Tell by its text: threading.Thread.start has no exception of its own for it."""
    return "can't start new thread" in str(error)
