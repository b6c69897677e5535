"""Our worker's commands, with settings other than the bench's own."""

import dataclasses
import sys
from typing import Final

from bench.contenders import RUN, Contender, contenders

ONE_PROCESS: Final = ("worker.process.child", "0", str(RUN))
WHOLE_WORKER: Final = ("worker.cli", "run")
"""With its supervisor and metrics page."""


def ours(module: tuple[str, ...] = ONE_PROCESS, **settings: object) -> Contender:
    """Our worker started as `python -m <module>`; `settings` are environment variables."""
    contender = contenders()[0]
    contender.prepare()
    variables = (f"{name}={value}" for name, value in settings.items())
    return dataclasses.replace(contender, worker=("env", *variables, sys.executable, "-m", *module))
