"""Which version runs."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _version() -> str:
    try:
        return version("mailvouch")
    except PackageNotFoundError:  # Run from a checkout that was not installed.
        return "0+unknown"


VERSION: Final = _version()
