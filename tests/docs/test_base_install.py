"""What a producer installs: the wheel alone, without extras; as another user, in an empty home."""

import json
import os

import pytest

from tests.support.newcomer import STATUS, Newcomer
from tests.support.redis_process import redis_process
from tests.support.redis_server import data_folder

pytestmark = [pytest.mark.redis_server, pytest.mark.slow, pytest.mark.timeout(900)]

MOST_PACKAGES = 20
INSTALL = [
    "python3 -m venv .venv && . .venv/bin/activate",
    "pip wheel --quiet --no-deps --wheel-dir dist .",
    "pip install --quiet dist/*.whl",
    "rm -r producer worker",  # from here on the wheel's
]
NEEDS_NOTHING = [
    "mailvouch --help",
    "mailvouch --version",
    "mailvouch-worker --help",
    "mailvouch keygen request",
    "python -c 'import producer.client, producer.async_client, producer.contract.codes'",
]
NEEDS_AN_EXTRA = {
    "worker": ["mailvouch codes", "mailvouch explain smtp auth 535"]
    + [f"mailvouch-worker {command}" for command in ("run", "doctor", "queues", "exporter")],
    "gateway": ["mailvouch gateway"],
}


def test_the_wheel_alone_submits_and_says_what_else_is_to_be_installed():
    """One test, because the install takes a minute and pytest's workers share none."""
    with data_folder() as folder, redis_process(folder / "redis") as server:
        producer = Newcomer(folder, {"REDIS_URL": server.url})
        statuses, done = producer.type(INSTALL, seconds=600)
        assert statuses == [0] * len(INSTALL), done.stdout
        it_is_another_user_where_one_can_be_had(producer)
        it_brings_few_packages(producer)
        what_needs_no_redis_works(producer)
        a_request_is_submitted_and_waits(producer)
        what_needs_more_says_in_one_line_what_to_install(producer)


def ask(producer, line):
    """The status of one line, and what it showed."""
    (status,), done = producer.type([line])
    return status, done.stdout.partition(STATUS)[0]


def it_is_another_user_where_one_can_be_had(producer):
    _, shown = ask(producer, "id -u")
    assert int(shown) == producer.identity.get("user", os.geteuid())


def it_brings_few_packages(producer):
    _, shown = ask(producer, "pip list --format json 2> /dev/null")
    assert len([one for one in json.loads(shown) if one["name"] != "pip"]) <= MOST_PACKAGES


def what_needs_no_redis_works(producer):
    for line in NEEDS_NOTHING:
        assert ask(producer, line)[0] == 0, line
    for form in ("", "--json-schema", "--asyncapi", "--openapi"):
        status, shown = ask(producer, f"mailvouch schema {form}")
        assert (status, bool(json.loads(shown))) == (0, True), form


def a_request_is_submitted_and_waits(producer):
    status, shown = ask(producer, "mailvouch test examples/batch.json --no-wait --job-id first")
    assert (status, shown) == (0, "first\n")
    status, shown = ask(producer, "mailvouch result first")
    assert (status, "waiting or running" in shown) == (3, True)


def what_needs_more_says_in_one_line_what_to_install(producer):
    for extra, lines in NEEDS_AN_EXTRA.items():
        for line in lines:
            status, shown = ask(producer, line)
            assert (status, len(shown.splitlines())) == (2, 1), (line, shown)
            assert shown.endswith(f" is not installed: pip install 'mailvouch[{extra}]'\n"), line
