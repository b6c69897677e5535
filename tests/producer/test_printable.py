"""Nothing that a request, a server or Redis holds controls the terminal of who looks at it."""

import ast
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from producer.commands.render import credential_result, integration_result
from producer.printable import is_control, json_text, plain, plain_lines
from producer.terminal import Terminal

ROOT = Path(__file__).parents[2]

HOSTILE = [
    *("\x1b[2J", "\x1b]0;owned\x07", "\x1b]8;;http://evil\x1b\\x", "\x9b31m", "\x9d0;x\x9c"),
    *("\x00", "\x08\x08", "\x7f", "a\rb", "\x85", "\u2028", "\u2029"),
    *("\u202e", "\u2066", "\u200f", "\u061c", "\ufeff", "\u200b", "\ud800", "\U000e0041", "\ufff9"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_controls_a_terminal_is_left(text):
    for cleaned in (plain(text), plain_lines(text)):
        assert not any(map(is_control, cleaned.replace("\n", "")))
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", cleaned)


@given(st.text())
def test_json_means_the_same_and_controls_nothing(text):
    written = json_text({"text": [text], text: 1})
    assert json.loads(written) == {"text": [text], text: 1}
    assert not any(map(is_control, written.replace("\n", "")))


@pytest.mark.parametrize(
    "text", ["Grüße, 東京 ✔", "a\u3000b\u00a0c", "naïve → ok", "[red]x[/] :smile:"]
)
def test_words_of_every_language_stay_as_they_are(text):
    assert plain(text) == plain_lines(text) == text


def test_a_number_too_long_to_write_is_printed_all_the_same():
    assert plain(10**5000) == "?"


def seen(part) -> str:
    console = Terminal()
    with console.capture() as captured:
        console.print(part)
    return captured.get()


@pytest.mark.parametrize("text", [*HOSTILE, "[red]x[/red]", "[link=http://evil]y[/link]"])
def test_the_terminal_cleans_whatever_a_command_forgot(text):
    for part in (text, Text(text), Text("x", style="red").append(text)):
        shown = seen(part)
        assert not any(map(is_control, shown.replace("\n", "")))
        if text.startswith("["):
            assert text in shown


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
_JSON = st.recursive(
    _LEAVES | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def documents(**fields):
    return st.fixed_dictionaries({}, optional={name: _JSON | of for name, of in fields.items()})


_PHASE = documents(name=st.just("dns"), state=st.sampled_from(["ok", "failed"]), milliseconds=_JSON)
_PROBE = documents(
    code=_JSON,
    retryable=_JSON,
    field=_JSON,
    phases=st.lists(_PHASE, max_size=3),
    suggestion=documents(host=_JSON, port=_JSON, security=_JSON),
    serverReply=_JSON,
    remoteAddress=_JSON,
    mechanism=_JSON,
    tls=documents(version=_JSON, subjectNames=_JSON, issuer=_JSON, daysLeft=_JSON),
)
_REPORT = documents(
    durationMs=_JSON,
    queueWaitMs=_JSON,
    workerVersion=_JSON,
    items=st.lists(documents(smtp=_PROBE, imap=_PROBE), max_size=2),
)
_ERROR = documents(errorCode=_JSON, errorDescription=_JSON, code=_JSON, message=_JSON)
_RESULT = documents(
    errors=st.lists(_ERROR, max_size=2),
    warnings=st.lists(documents(warningDescription=_JSON), max_size=2),
    emailCredentialsResponses=st.lists(
        documents(outcome=_JSON, dealerEmail=_JSON, smtphost=_JSON, smtpport=_JSON, errors=_JSON),
        max_size=2,
    ),
    success=_JSON,
    message=_JSON,
    statusCode=_JSON,
    data=documents(name=_JSON, password=_JSON, appIntegration=_JSON),
)


@given(_RESULT, st.none() | _REPORT | documents())
def test_whatever_redis_holds_is_shown_without_a_control_and_without_an_error(result, report):
    for render in (credential_result, integration_result):
        shown = seen(render(result, report, detailed=True))
        assert not any(map(is_control, shown.replace("\n", "")))


SOURCES = [
    *(ROOT / "producer/commands").rglob("*.py"),
    *(ROOT / "worker/commands").rglob("*.py"),
    *(ROOT / "producer/cli.py", ROOT / "producer/command_line.py"),
    *(ROOT / "worker/cli.py", ROOT / "worker/settings.py"),
]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_command_prints_by_another_way(path):
    """`print`, `click.echo` and rich's own console do not clean what they are given."""
    calls = [
        node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
    ]
    names = {ast.unparse(call) for call in calls}
    assert names.isdisjoint({"print", "click.echo", "click.secho", "Console", "sys.stdout.write"})
