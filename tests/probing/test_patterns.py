"""Patterns for what servers say come from one module, which knows no backtracking."""

import ast
from pathlib import Path

import pytest

from worker.probing import patterns
from worker.probing.patterns import octet_pattern, text_pattern

PROBING = Path(patterns.__file__).parent

OF_OUR_OWN = {
    "classify/words.py": "our own tables",
    "classify/wording.py": "2,048 characters at most; each pattern is anchored or its gaps bounded",
    "imap/authentication.py": "the tenant's credential, at most 4,096 bytes",
    "smtp/sender.py": "the tenant's address, at most 512 characters",
    "wire/host.py": "a host name, at most 253 characters",
    "wire/session.py": "a line that we send",
}
"""Who may use Python's patterns, which backtrack, and what on."""


def importers_of(module):
    for path in PROBING.rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        names |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        if module in names:
            yield path.relative_to(PROBING).as_posix()


def test_no_backtracking_pattern_is_used_on_what_a_server_says():
    assert set(importers_of("re")) <= set(OF_OUR_OWN)


def test_re2_is_used_through_the_one_module_that_sets_its_limits():
    assert list(importers_of("re2")) == ["patterns.py"]


@pytest.mark.parametrize("pattern", [rb"(a)\1", rb"(?<!a)b", rb"(?=a)"])
def test_a_pattern_that_would_need_backtracking_is_refused_where_it_is_written(pattern):
    with pytest.raises(Exception, match="invalid"):
        octet_pattern(pattern)


def test_an_octet_pattern_takes_each_byte_as_a_character_and_the_dot_as_any():
    match = octet_pattern(rb"(.)\xe9(x)?").match(b"\n\xe9")
    assert match.groups() == (b"\n", None)
    assert octet_pattern(rb"OK\b", ignore_case=True).match(b"ok \xff")


def test_a_text_pattern_knows_characters_beyond_ascii():
    assert text_pattern(r"\pL+").search("... żółw!").group() == "żółw"
