"""What anybody may have written into Redis, looked at on a terminal: by `result`, `top`, `dead`."""

import json
import os
import pty
import re
import subprocess
import sys

import pytest

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e[red]x"
SGR = re.compile(r"\x1b\[[0-9;]*m")


def on_a_terminal(environment, module, *words) -> str:
    """Run a command whose output is a terminal; what it wrote there, without its own colours."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd="/",
        env={**environment, "TERM": "xterm-256color", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        stdout=slave,
        stderr=subprocess.PIPE,  # no terminal: no spinner, whose control sequences are our own
    )
    os.close(slave)
    shown = b""
    try:
        while chunk := os.read(master, 65536):
            shown += chunk
    except OSError:  # how a terminal's end reads once nobody writes to it
        pass
    finally:
        os.close(master)
        _, said = process.communicate(timeout=60)
    return SGR.sub("", (shown + said).decode())


def assert_harmless(shown: str) -> None:
    assert "Traceback" not in shown
    for character in "\x1b\x07\x9b\u202e":
        assert character not in shown


@pytest.fixture
def environment(outside):
    return outside.environment


def test_a_result_shows_what_it_holds_and_obeys_none_of_it(outside, environment):
    probe = {
        "code": EVIL,
        "serverReply": EVIL,
        "phases": [{"name": EVIL, "state": EVIL, "milliseconds": EVIL}],
        "tls": {"version": EVIL, "daysLeft": EVIL, "subjectNames": [EVIL]},
        "suggestion": {"host": EVIL, "port": EVIL},
    }
    item = {"outcome": EVIL, "dealerEmail": EVIL, "smtphost": EVIL, "testDuration": EVIL}
    result = {"emailCredentialsResponses": [item], "errors": [{"errorDescription": EVIL}]}
    report = {"durationMs": EVIL, "queueWaitMs": EVIL, "items": [{"smtp": probe}]}
    outside.redis.set(outside.key("result", "evil"), json.dumps(result), ex=60)
    outside.redis.set(outside.key("report", "evil"), json.dumps(report), ex=60)

    shown = on_a_terminal(environment, "producer.cli", "result", "evil", "--report")
    assert_harmless(shown)
    assert "[red]x" in shown
    as_json = on_a_terminal(environment, "producer.cli", "result", "evil", "--json")
    assert_harmless(as_json)
    assert json.loads(as_json) == result


@pytest.mark.parametrize("stored", ["{not json", "null", '{"errors": 7}'])
def test_a_result_that_is_none_is_told_in_one_line(outside, environment, stored):
    outside.redis.set(outside.key("result", "broken"), stored, ex=60)
    outside.redis.set(outside.key("report", "broken"), stored, ex=60)
    assert_harmless(on_a_terminal(environment, "producer.cli", "result", "broken", "--report"))


@pytest.mark.slow
def test_dead_letters_queues_and_top_obey_nothing_either(outside, environment):
    letters = outside.key("credential-tests.XQ")
    letter = {"args": [EVIL], "queue_name": EVIL, "message_timestamp": EVIL}
    outside.redis.zadd(letters, {EVIL: 1e300})
    outside.redis.hset(f"{letters}.msgs", EVIL, json.dumps(letter))
    probe = {"code": "OK", "retryable": False, "remoteAddress": EVIL, "phases": []}
    report = {
        "version": 1,
        "jobId": EVIL,
        "kind": None,
        "attempts": 1,
        "queueWaitMs": 0,
        "durationMs": 1,
        "workerVersion": EVIL,
        "items": [{"smtp": probe, "imap": None}],
    }
    outside.redis.set(outside.key("report", "evil"), json.dumps(report), ex=60)
    try:
        for words in (["dead", "list"], ["dead", "show", EVIL.partition("\x00")[0]], ["queues"]):
            assert_harmless(on_a_terminal(environment, "worker.cli", *words))
        shown = on_a_terminal(environment, "worker.cli", "top", "--once", "--url", "http://x\x9b/")
        assert_harmless(shown)
    finally:
        outside.redis.delete(letters, f"{letters}.msgs", outside.key("report", "evil"))


@pytest.mark.slow
def test_what_a_metrics_page_says_is_shown_and_not_obeyed(outside, environment, tmp_path):
    page = tmp_path / "metrics"
    for text in (
        f'mailvouch_probes_total{{protocol="smtp",code="{EVIL}"}} 5\n',
        "no metrics at all {{{\n",
    ):
        page.write_text(text)
        shown = on_a_terminal(environment, "worker.cli", "top", "--once", "--url", page.as_uri())
        assert_harmless(shown)
