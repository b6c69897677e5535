import io
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from producer.command_line import Command, CommandGroup, print_everywhere

HERE = "tests.producer.test_command_line"


@click.command()
def interrupted():
    raise KeyboardInterrupt


@click.command()
def fine():
    click.echo("fine")


@click.command()
def late():
    import_module("not_installed_here.late")


@click.command()
@click.argument("word")
def encoding(word):
    word.encode()


@click.command()
def broken():
    import_module("producer.no_such_module")


def ask_of(**commands):
    group = CommandGroup(
        "tool", commands_by_name={name: Command(*rest) for name, rest in commands.items()}
    )
    return lambda *words: CliRunner().invoke(group, words)


def test_a_command_that_ends_well_exits_with_0():
    ended = ask_of(fine=(f"{HERE}:fine", "Do."))("fine")
    assert (ended.exit_code, ended.stdout) == (0, "fine\n")


def test_an_interrupt_ends_with_130_and_one_line():
    ended = ask_of(wait=(f"{HERE}:interrupted", "Wait."))("wait")
    assert ended.exit_code == 130
    assert ended.stderr.strip() == "tool: interrupted"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("wiat",), "tool: no such command 'wiat'; did you mean 'wait'? (see tool --help)"),
        (("quite-other",), "tool: No such command 'quite-other' (see tool --help)"),
        (("wait", "--loud"), "tool: No such option '--loud' (see tool wait --help)"),
        (("wait", "too", "much"), "(see tool wait --help)"),
    ],
)
def test_bad_usage_is_one_line_that_says_where_help_is(words, said):
    ended = ask_of(wait=(f"{HERE}:interrupted", "Wait."))(*words)
    assert ended.exit_code == 2
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_without_a_command_the_help_is_shown_as_it_is_laid_out():
    ended = ask_of(serve=("not_installed_here.serve:serve", "Serve it."))()
    assert ended.exit_code == 2
    assert "\nCommands:\n  serve  Serve it.\n" in ended.stderr


CTRL_C_AT_THE_FIRST_IMPORT = """
import os, signal, sys
from importlib.abc import MetaPathFinder
from {module} import main

class CtrlC(MetaPathFinder):
    def find_spec(self, name, *_):
        sys.meta_path.remove(self)
        os.kill(os.getpid(), signal.SIGINT)

sys.argv = ["tool", *{words}]
sys.meta_path.insert(0, CtrlC())
main()
"""


@pytest.mark.usefixtures("heard_signals")
@pytest.mark.parametrize(
    ("module", "words"), [("producer.cli", ["codes"]), ("worker.cli", ["doctor"])]
)
def test_an_interrupt_in_the_middle_of_an_import_ends_with_130_and_one_line(module, words):
    program = CTRL_C_AT_THE_FIRST_IMPORT.format(module=module, words=words)
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, len(ended.stderr.strip().splitlines())) == (130, 1)
    assert ended.stderr.endswith(": interrupted\n")


def test_an_argument_that_is_no_text_is_bad_usage_in_one_line():
    ended = ask_of(say=(f"{HERE}:encoding", "Say."))("say", os.fsdecode(b"m\xfc"))
    said = "tool: an argument or a setting is no text in UTF-8\n"
    assert (ended.exit_code, ended.stderr) == (2, said)


def test_a_text_that_cannot_be_encoded_and_is_of_no_shell_is_a_bug():
    ended = ask_of(say=(f"{HERE}:encoding", "Say."))("say", "\ud800")
    assert isinstance(ended.exception, UnicodeEncodeError)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="writes to /dev/full")
@pytest.mark.parametrize("word", ["schema", "--help"])
def test_a_full_disk_under_the_output_is_one_line_and_no_traceback(word):
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "producer.cli", word],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=100,
            check=False,
        )
    said = "mailvouch: the output cannot be written: No space left on device\n"
    assert (ended.returncode, ended.stderr) == (74, said)


@pytest.mark.parametrize(
    "target", ["not_installed_here.serve:serve", f"{HERE}:late"], ids=["import", "call"]
)
def test_a_command_whose_extra_is_missing_says_what_to_install(target):
    ended = ask_of(serve=(target, "Serve.", "gateway"))("serve")
    assert ended.exit_code == 2
    assert ended.stderr.strip() == (
        "tool: not_installed_here is not installed: pip install 'mailvouch[gateway]'"
    )


@pytest.mark.parametrize("target", ["producer.no_such_module:serve", f"{HERE}:broken"])
def test_a_module_of_ours_that_is_missing_is_a_bug_and_not_an_extra(target):
    ended = ask_of(serve=(target, "Serve.", "gateway"))("serve")
    assert isinstance(ended.exception, ModuleNotFoundError)


def test_help_imports_no_command():
    ended = ask_of(serve=("not_installed_here.serve:serve", "Serve it."))("--help")
    assert ended.exit_code == 0
    assert "Serve it." in ended.stdout


def test_a_terminal_without_our_marks_gets_ascii(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "latin-1"))
    print_everywhere()
    print("✔ é → ✘ …")  # noqa: T201 - what a command does
    sys.stdout.flush()
    assert written.getvalue() == "+ é -> x ...\n".encode("latin-1")
