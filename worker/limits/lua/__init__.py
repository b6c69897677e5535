"""What Redis runs for the limits. Every script may be run twice with the same arguments."""

from importlib.resources import files
from typing import Final

from worker.redis_link.link import Script


def _read(name: str) -> Script:
    return Script(name, files(__package__).joinpath(f"{name}.lua").read_text("utf-8"))


ENTER: Final = _read("enter")
LEAVE: Final = _read("leave")
HEARTBEAT: Final = _read("heartbeat")
CLEAR: Final = _read("clear")
