"""docs/CONTRACT.md section 8: a bad setting stops the start with one line that names it."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.support.outsider import run_command
from tests.support.redis_server import data_folder
from tests.support.worker_process import running_worker, worker_environment

BAD = {
    "REDIS_URL": ["http://x", "bogus", "redis://h:port", "redis+sentinel://h1:26379"],
    "NAMESPACE": ["a b"],
    "REQUEST_TTL_SECONDS": ["0", "soon"],
    "RESULT_TTL_SECONDS": ["-1", "9" * 20],
    "MAX_BATCH": ["0"],
    "PROBE_DEADLINE_SECONDS": ["nan"],
    "CONNECT_TIMEOUT_SECONDS": ["0"],
    "PROCESSES": ["two"],
    "CONCURRENCY": ["0"],
    "SHUTDOWN_SECONDS": ["-1"],
    "ALLOW_NETWORKS": ["10.0.0.0/33", "localhost"],
    "ALLOW_PORTS": ["0", "20-10", "smtp", "1-", ","],
    "CA_FILE": ["NONE", "EMPTY"],
    "ALLOW_CLEARTEXT": ["maybe"],
    "EHLO_NAME": ["two words"],
    "PRIVATE_KEYS": ["NONE", "EMPTY"],
    "PUBLIC_KEY": ["EMPTY"],
    "REQUIRE_SEALED": ["perhaps", "true"],
    "STORE_KEYS": ["NONE", "EMPTY"],
    "VERIFY_INTEGRATIONS": ["sometimes"],
    "METRICS_PORT": ["70000"],
    "LOG_LEVEL": ["LOUD"],
    "LOG_FORMAT": ["xml"],
    "LOGIN_FAILURE_LIMIT": ["-1"],
    "LOGIN_FAILURE_WINDOW_SECONDS": ["0", "9" * 20],
    "HOST_CONCURRENCY": ["-1"],
    "DATA_DIR": ["EMPTY"],
    "SHARDS": ["0", "65"],
    "TLS_RESUMPTION": ["maybe"],
    "HELP_URL": ["https://help.example/#codes"],
}
ANY_TEXT = {"METRICS_HOST"}
"""No text in them is seen to be bad before it is used."""

READ_LATE = ("CA_FILE", "PRIVATE_KEYS", "STORE_KEYS", "DATA_DIR")
"""Files whose content is at fault: the command itself has to run."""


@pytest.fixture(scope="module")
def folder():
    with data_folder() as path:
        (path / "EMPTY").write_text("{}")
        yield path


def test_every_setting_of_the_worker_has_a_bad_value_here():
    page = (Path(__file__).parents[2] / "docs" / "SETTINGS.md").read_text()
    for_the_worker = page.partition("## `mailvouch gateway`")[0]
    names = re.findall(r"^\| `MAILVOUCH_(\w+)`", for_the_worker, re.MULTILINE)
    assert {*names} == {*BAD, *ANY_TEXT}


@pytest.mark.parametrize("name", READ_LATE)
def test_a_file_of_no_use_stops_the_worker(folder, name):
    environment = worker_environment(folder, **{name: str(folder / "EMPTY")})
    ended = run_command(environment, "worker.cli", "run", folder=str(folder))
    assert (ended.status, ended.err.count("\n")) == (2, 1), ended
    assert ended.err.startswith(f"mailvouch-worker: MAILVOUCH_{name}: ")


def test_a_folder_of_keys_that_no_list_can_hold_stops_the_worker(folder):
    environment = worker_environment(folder, DATA_DIR=str(folder / "a,b"))
    ended = run_command(environment, "worker.cli", "run", folder=str(folder))
    assert ended.status == 2
    assert ended.err.splitlines()[-1].startswith("mailvouch-worker: MAILVOUCH_DATA_DIR: ")


ROUNDS = range(max(map(len, BAD.values())))
"""Many bad settings in one start: a process for each would take a minute."""


@pytest.mark.parametrize("number", ROUNDS)
def test_every_bad_setting_is_named_in_one_line(folder, number):
    words = {name: words[number] for name, words in BAD.items() if number < len(words)}
    bad = {
        name: str(folder / word) if word == "NONE" else word
        for name, word in words.items()
        if word != "EMPTY"  # read later than these: see above
    }
    ended = run_command(worker_environment(folder, **bad), "worker.cli", "run")
    assert ended.status == 2
    named = [line.split(":")[1].strip() for line in ended.err.splitlines()]
    assert sorted(named) == sorted(f"MAILVOUCH_{name}" for name in bad)


def test_the_dotenv_file_is_read_and_the_environment_wins(folder):
    (folder / ".env").write_text("MAILVOUCH_MAX_BATCH=7\nMAILVOUCH_NAMESPACE=fromfile\n")
    environment = worker_environment(folder, NAMESPACE="fromenv")
    ended = run_command(environment, "worker.cli", "doctor", "--json", folder=str(folder))
    settings = ended.json["settings"]
    assert settings["MAILVOUCH_MAX_BATCH"] == "7"
    assert settings["MAILVOUCH_NAMESPACE"] == "fromenv"


def test_a_dotenv_file_that_is_no_text_is_said_in_one_line(folder):
    (folder / ".env").write_bytes(os.urandom(64) + b"\xff\xfe")
    ended = run_command(worker_environment(folder), "worker.cli", "run", folder=str(folder))
    (folder / ".env").unlink()
    assert (ended.status, ended.err.count("\n")) == (2, 1), ended
    assert ".env" in ended.err


def test_a_secret_in_a_setting_is_shown_by_nobody(folder):
    url = "redis://:s3cret-canary@127.0.0.1:1/0"
    environment = worker_environment(folder, REDIS_URL=url)
    for words in (("worker.cli", "doctor"), ("producer.cli", "result", "x")):
        ended = run_command(environment, *words)
        assert ended.status != 0
        assert "s3cret" not in ended.out + ended.err


@pytest.mark.slow
def test_a_misspelled_setting_is_told_by_each_program_and_stops_none(folder):
    environment = worker_environment(folder, CONCURENCY="5", CA_FILE=str(folder / "NONE"))
    for words in (("worker.cli", "queues"), ("producer.cli", "result", "x")):
        ended = run_command(environment, *words, folder=str(folder))
        assert "did you mean MAILVOUCH_CONCURRENCY?" in ended.err, words
    environment = worker_environment(folder, CONCURENCY="5")
    ended = run_command(environment, "worker.cli", "doctor", "--json", folder=str(folder))
    (check,) = [one for one in json.loads(ended.out)["checks"] if one["check"] == "settings"]
    assert check["state"] == "warn"
    assert "did you mean MAILVOUCH_CONCURRENCY?" in check["text"]


@pytest.mark.slow
def test_a_worker_logs_a_misspelled_setting_at_its_start(folder):
    environment = worker_environment(folder, CONCURENCY="5")
    with running_worker(folder, environment) as worker:
        pass
    (line,) = [line for line in worker.log().splitlines() if "unknown_setting" in line]
    assert json.loads(line)["remedy"].endswith("did you mean MAILVOUCH_CONCURRENCY?")
