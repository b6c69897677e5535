"""How long a function and a module may be: CONTRIBUTING.md, section Rules."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    path for folder in ("producer", "worker") for path in (ROOT / folder).rglob("*.py")
)

LINES_OF_A_FUNCTION = 30
LINES_OF_A_MODULE = 249

FUNCTION = "def f(\n    a,\n):\n    '''Two\n    lines.'''\n" + "    a += 1\n" * LINES_OF_A_FUNCTION


def too_long(source):
    """The names of the functions whose statements take too many lines. A docstring is none."""
    functions = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    return [one.name for one in functions if lines(one) > LINES_OF_A_FUNCTION]


def lines(function):
    first = function.body[1 if ast.get_docstring(function) is not None else 0 :][:1]
    return function.end_lineno - first[0].lineno + 1 if first else 0


def test_a_line_more_would_be_seen():
    assert too_long(FUNCTION) == []
    assert too_long(FUNCTION + "    a += 1\n") == ["f"]


def test_there_is_something_to_measure():
    assert len(MODULES) > 300


@pytest.mark.parametrize("folder", ["producer", "worker"])
def test_functions_and_modules_stay_short(folder):
    paths = [path for path in MODULES if path.is_relative_to(ROOT / folder)]
    sources = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}
    assert {path: names for path, one in sources.items() if (names := too_long(one))} == {}
    longest = {path: one.count("\n") for path, one in sources.items()}
    assert {path: n for path, n in longest.items() if n > LINES_OF_A_MODULE} == {}
