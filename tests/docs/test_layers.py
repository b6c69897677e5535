"""The arrows between the folders hold: each contract of pyproject.toml is broken once, and seen."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINTER = Path(sys.executable).with_name("lint-imports")

pytestmark = pytest.mark.skipif(not LINTER.exists(), reason="import-linter is of the dev group")

NOT_OUR_CODE = shutil.ignore_patterns("__pycache__", "static", "templates")

A_NEW_MODULE = "helpers"

BREAKS = {
    "The worker's folders say": ("worker/limits/gate.py", "import worker.jobs.plan"),
    "a new module fails until it has a place": (f"worker/{A_NEW_MODULE}.py", ""),
    "The probing core likewise": ("worker/probing/wire/dial.py", "import worker.probing.prober"),
    "The search for secrets": (
        "worker/probing/secrecy/letters.py",
        "import worker.probing.secrecy.needles",
    ),
    "The producer's modules likewise": ("producer/submission.py", "import producer.client"),
    "it must never pull in the worker": ("producer/client.py", "import worker.probing.patterns"),
    "installs no web framework": ("producer/records/brands.py", "import starlette"),
    "the contract and what both sides run": ("worker/jobs/plan.py", "import producer.client"),
    "used and tested without queue": ("worker/probing/prober.py", "import logging"),
    "Parsers and SASL do no I/O": ("worker/probing/smtp/reply.py", "import asyncio"),
}


@pytest.fixture
def tree(tmp_path):
    for package in ("producer", "worker"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=NOT_OUR_CODE)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def broken(tree):
    """The names of the contracts that do not hold."""
    ended = subprocess.run(
        [LINTER, "--no-cache", "--no-logo"],
        cwd=tree,
        env=os.environ | {"COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    names = re.findall(r"^(.*) BROKEN$", ended.stdout, re.MULTILINE)
    assert (ended.returncode == 0) is (names == []), ended.stdout + ended.stderr
    return names


def test_the_tree_as_it_is_keeps_every_contract(tree):
    assert broken(tree) == []


@pytest.mark.parametrize("contract", BREAKS)
def test_an_import_that_breaks_a_contract_is_seen(tree, contract):
    module, line = BREAKS[contract]
    with (tree / module).open("a") as file:
        file.write(f"\n{line}\n")
    assert any(contract in name for name in broken(tree))


def test_every_contract_is_broken_once_here():
    names = re.findall(r'^name = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    contracts = [name for name in names if name != "mailvouch"]
    assert [name for name in contracts if not any(words in name for words in BREAKS)] == []
