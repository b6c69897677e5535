"""docs/SETTINGS.md says what the settings classes do."""

import ast
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

import producer
import worker
from docs.make_settings import PAGE, PROGRAMS, page
from producer.setting_names import SETTING_NAMES
from producer.settings import ProducerSettings, SettingsError


def settings_classes(parent=ProducerSettings):
    yield parent
    for child in parent.__subclasses__():
        yield from settings_classes(child)


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_setting_of_every_program_is_on_the_page():
    """Also those of a class that nobody listed."""
    for package in (producer, worker):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.endswith("settings"):
                import_module(module.name)
    rows = [row.split("|")[1].strip() for row in page().splitlines() if row.startswith("| `")]
    for program in settings_classes():
        for name in program.model_fields:
            assert rows.count(f"`MAILVOUCH_{name.upper()}`") == 1, (program, name)


def test_the_list_that_finds_typos_has_every_variable_of_the_page_and_no_other():
    shown = set(re.findall(r"^\| `MAILVOUCH_(\w+)`", page(), re.MULTILINE))
    assert shown == SETTING_NAMES


def test_every_setting_has_a_meaning():
    for program in PROGRAMS.values():
        for name, field in program.model_fields.items():
            assert field.description, f"{program.__name__}.{name}: say it in `description`"
            assert field.description.endswith("."), name


def test_a_setting_that_two_programs_read_has_one_default_and_one_range():
    programs = PROGRAMS.values()
    for name in {name for program in programs for name in program.model_fields}:
        fields = [one.model_fields[name] for one in programs if name in one.model_fields]
        assert len({(repr(field.default), repr(field.metadata)) for field in fields}) == 1, name


def attributes_read():
    """The names of all attributes that the code of both packages reads."""
    for package in (producer, worker):
        for module in Path(package.__file__).parent.rglob("*.py"):
            for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute):
                    yield node.attr


def test_every_setting_is_handed_on_to_somebody():
    named = {name for program in settings_classes() for name in program.model_fields}
    assert named - set(attributes_read()) == set()


def test_a_setting_that_two_programs_read_is_judged_alike(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAILVOUCH_NAMESPACE", "two words")
    monkeypatch.setenv("MAILVOUCH_REDIS_URL", "redis://u:s3cret@h:0")
    lines = []
    for program in PROGRAMS.values():
        with pytest.raises(SettingsError) as caught:
            program.load()
        lines.append(caught.value.lines)
    assert len(lines[0]) == 2
    assert lines == [lines[0]] * len(lines)
