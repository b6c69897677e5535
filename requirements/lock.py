"""Compile the lock files: versions and hashes, no address of an index (`make lock`)."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMPILE = (
    *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras"),
    *("--universal", "--generate-hashes", "--no-emit-index-url", "--no-header"),
    *("--python-version", "3.11", "--quiet"),
)


def lock(name: str, *more: str) -> None:
    """Write requirements/<name>.txt."""
    subprocess.run(  # noqa: S603 - fixed arguments
        [*COMPILE, *more, "--output-file", f"requirements/{name}.txt"], cwd=HERE.parent, check=True
    )


if __name__ == "__main__":
    lock("run")
    lock("test", "--group", "test", "--constraint", "requirements/run.txt")
    lock("dev", "--group", "dev", "--constraint", "requirements/test.txt")
