"""Tools that judge the deployment files: missing ones skip here, and fail where CI is set."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
TOOLS = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "mailvouch-tools/bin"


@pytest.fixture(scope="session")
def deploy() -> Path:
    return DEPLOY


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """The path of a program that .ci/install-tools installs."""

    def find(name: str) -> str:
        found = shutil.which(name, path=f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
        if found is None:
            reason = f"{name} is missing: .ci/install-tools installs it"
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)
        return found

    return find
