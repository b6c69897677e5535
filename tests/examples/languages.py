"""The enqueue examples by language, as a command line each: skipped where the tool is missing."""

import shutil
import subprocess
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
ENQUEUE = EXAMPLES / "enqueue"
LANGUAGES = ("shell", "node", "php", "ruby", "go")
_PROGRAMS = {"shell": "redis-cli", "node": "node", "php": "php", "ruby": "ruby", "go": "go"}


def tool(language: str) -> str:
    found = shutil.which(_PROGRAMS[language])
    if found is None:
        pytest.skip(f"no {_PROGRAMS[language]} on this machine: .ci/install-clients installs it")
    return found


def command(language: str, build: Path, socket: str, job: str, envelope: str) -> list[str]:
    """`build`: a folder for what Go compiles; `socket`: where Redis listens."""
    program = tool(language)
    if language == "shell":
        return [str(ENQUEUE / "enqueue.sh"), job, envelope, "-s", socket]
    if language == "go":
        program = str(build / "enqueue")
        if not Path(program).exists():
            subprocess.run(
                [tool(language), "build", "-o", program, str(ENQUEUE / "enqueue.go")],
                check=True,
                env={"PATH": "/usr/bin:/bin", "HOME": str(build), "GOFLAGS": "-mod=mod"},
            )
        return [program, socket, job, envelope]
    endings = {"node": "mjs", "php": "php", "ruby": "rb"}
    return [program, str(ENQUEUE / f"enqueue.{endings[language]}"), socket, job, envelope]
