"""The Lua scripts of the queue: what must happen at once or not at all.

Each file names its KEYS and ARGV at its head. Every script may be run again with the same
arguments: a reply lost on the way is asked for anew. And every one may be broken off half-way, by a
command that this user may not make: what is taken out of one key is in the other by then.
"""

from importlib.resources import files


def source(name: str) -> str:
    """The text of `<name>.lua`."""
    return files(__name__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
