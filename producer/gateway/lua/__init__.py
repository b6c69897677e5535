"""The gateway's Redis scripts."""

from importlib.resources import files


def source(name: str) -> str:
    """Return the text of `<name>.lua`."""
    return (files(__name__) / f"{name}.lua").read_text(encoding="utf-8")
