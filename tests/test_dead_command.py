"""`mailvouch-worker dead`, against a real Redis."""

import json

import pytest
import redis
from click.testing import CliRunner, Result

from tests.support.redis_server import embedded_redis
from worker.dead_command import dead

pytestmark = pytest.mark.redis_server

QUEUE = "mailvouch:credential-tests"
CANARY = "c4nary"


@pytest.fixture(scope="module")
def server():
    with embedded_redis() as server:
        yield server


@pytest.fixture
def letters(server):
    """One that names a job and one that nobody can read."""
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        good = {"args": ["job-1"], "queue_name": "credential-tests", "secret": CANARY}
        client.zadd(f"{QUEUE}.XQ", {"good": 1_700_000_000_000, "bad": 1_700_000_001_000})
        client.hset(f"{QUEUE}.XQ.msgs", mapping={"good": json.dumps(good), "bad": CANARY})
        yield client


@pytest.fixture
def run(server, letters):
    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(dead, arguments, env={"MAILVOUCH_REDIS_URL": server.url})

    return invoke


def test_letters_are_listed_oldest_first_for_people_and_for_scripts(run):
    listed = json.loads(run("list", "--json").stdout)
    assert [letter["redis_message_id"] for letter in listed] == ["good", "bad"]
    assert listed[0]["job_id"] == "job-1"
    table = run("list").stdout
    assert "job-1" in table
    assert "2023-11-14" in table


def test_a_letter_is_shown_without_what_may_be_secret(run):
    for name in ("good", "bad"):
        answer = run("show", "credential-tests", name)
        assert answer.exit_code == 0
        assert CANARY not in answer.stdout


def test_a_letter_that_names_a_job_gets_a_second_chance(run, letters):
    assert run("requeue", "credential-tests", "good").stdout == "requeued\n"
    assert letters.llen(QUEUE) == 1
    assert letters.zscore(f"{QUEUE}.XQ", "good") is None


def test_a_letter_without_a_job_or_an_unknown_one_is_told(run):
    for name in ("bad", "nonsense"):
        answer = run("requeue", "credential-tests", name)
        assert answer.exit_code == 5
        assert f"no dead letter {name} that names a job" in answer.stderr
    assert run("show", "credential-tests", "nonsense").exit_code == 5


def test_purging_asks_first_and_drops_one_or_all(run, letters):
    assert run("purge", "credential-tests").exit_code == 1
    assert letters.zcard(f"{QUEUE}.XQ") == 2
    assert run("purge", "--yes", "credential-tests", "bad").stdout == "1 dropped\n"
    assert run("purge", "--yes", "credential-tests").stdout == "1 dropped\n"
    assert run("list").stdout == "no dead letters\n"


def test_without_redis_the_exit_status_is_four():
    dead_url = {"MAILVOUCH_REDIS_URL": "redis://127.0.0.1:1/0"}
    assert CliRunner().invoke(dead, ["list"], env=dead_url).exit_code == 4
