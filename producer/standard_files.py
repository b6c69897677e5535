"""Standard input, output and error are there, also where a shell has closed them (`2>&-`)."""

import os
import sys
from typing import Final

_NAMES: Final = ("stdin", "stdout", "stderr")


def open_standard_files() -> None:
    """Open those that are closed on /dev/null.

    Else the first files that are opened, a socket or Redis' own, get their numbers, and what is
    printed goes there; and Python's streams are None.
    """
    for number, name in enumerate(_NAMES):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
            os.set_inheritable(opened, True)  # noqa: FBT003 - takes no keywords
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
