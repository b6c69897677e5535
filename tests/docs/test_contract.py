"""docs/CONTRACT.md against the code: what it promises is there, and nothing else is."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

import producer.commands.tree
from docs.make_settings import PROGRAMS
from producer.contract.codes import Code
from worker.commands import tree
from worker.telemetry.metrics import Metrics

PAGE = Path(__file__).parents[2] / "docs/CONTRACT.md"
SECTIONS = dict(
    re.findall(r"^## (\d+)\. (.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
)


def words(pattern, *sections):
    """What stands between backticks, and fits, in these sections."""
    quoted = re.findall(r"`([^`]+)`", "".join(SECTIONS[number] for number in sections))
    return {found for text in quoted for found in re.findall(rf"(?<!\S)(?:{pattern})", text)}


def test_the_codes_are_those_of_section_6():
    listed = words(r"[A-Z][A-Z_]+(?!\S)", "6") - {"SUCCESS"}
    assert listed | {"OK"} == {code.value for code in Code}


def test_every_setting_of_the_contract_exists_and_every_setting_is_in_the_contract():
    settings = {name.upper() for program in PROGRAMS.values() for name in program.model_fields}
    text = "".join(SECTIONS[number] for number in ("2", "4", "7", "8", "10", "12"))
    missing = {name for name in settings if not re.search(rf"`(?:MAILVOUCH_)?{name}[`=]", text)}
    assert missing == set()
    listed = {name.removeprefix("MAILVOUCH_") for name in words(r"MAILVOUCH_[A-Z_]+", *SECTIONS)}
    assert listed - {""} <= settings | {"PASSWORD", "AUTH_KEY"}
    assert (
        words(r"[A-Z]+_[A-Z_]+(?!\S)", "8") - {"LOGIN_COOLDOWN", "LOGIN_NOT_REPEATED"} <= settings
    )


def test_the_metrics_of_the_workers_are_those_of_the_contract():
    registry = CollectorRegistry()
    Metrics(registry)
    counted = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in registry.collect()
    }
    assert counted <= words(r"mailvouch_[a-z_]+", "11", "12")


def named(program):
    """The commands of a program: `mailvouch codes`, and in its table row `dead list` alone."""
    rows = [row for row in SECTIONS["9"].splitlines() if row.startswith(f"| `{program} ")]
    cells = "".join(row.split(" | ")[0] for row in rows)
    alone = {text.split()[0] for text in re.findall(r"(?:`, |^)`([a-z]+)", cells)}
    whole = re.findall(rf"`{program} ([a-z]+)", "".join(SECTIONS[n] for n in ("9", "10", "12")))
    return alone | set(whole)


@pytest.mark.parametrize(
    ("program", "commands"),
    [("mailvouch", producer.commands.tree.COMMANDS), ("mailvouch-worker", tree.COMMANDS)],
)
def test_the_commands_are_those_of_sections_9_10_and_12(program, commands):
    assert set(commands) == named(program)
