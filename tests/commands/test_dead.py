import json

import pytest
import redis
from click.testing import CliRunner

from tests.support.redis_server import embedded_redis
from worker.commands.tree import mailvouch_worker as main

GOOD = (
    '{"queue_name":"credential-tests","actor_name":"other","args":["job-1"],"password":"hunter2"}'
)


@pytest.fixture(scope="module")
def server():
    with embedded_redis() as running:
        yield running


@pytest.fixture
def run(server, monkeypatch):
    client = redis.Redis.from_url(server.url)
    client.flushall()
    for number, body in enumerate((GOOD, "not json hunter2")):
        client.zadd("mailvouch:credential-tests.XQ", {f"letter-{number}": 1_700_000_000_000})
        client.hset("mailvouch:credential-tests.XQ.msgs", f"letter-{number}", body)
    monkeypatch.setenv("MAILVOUCH_REDIS_URL", server.url)

    def invoke(*words):
        result = CliRunner().invoke(main, ["dead", *words])
        assert "hunter2" not in result.output
        return result

    yield invoke
    client.close()


def test_letters_are_listed_with_the_job_that_can_be_read(run):
    letters = json.loads(run("list", "--json").output)

    assert [(one["redis_message_id"], one["job_id"]) for one in letters] == [
        ("letter-0", "job-1"),
        ("letter-1", None),
    ]
    assert "letter-0" in run("list").output


def test_a_letter_is_shown_without_what_may_be_a_secret(run):
    assert json.loads(run("show", "letter-0").output)["job_id"] == "job-1"
    assert json.loads(run("show", "letter-1").output)


def test_a_letter_that_is_not_there_is_exit_5(run):
    assert run("show", "nothing").exit_code == 5
    assert run("requeue", "nothing").exit_code == 5
    assert run("purge", "nothing").exit_code == 5


def test_requeue_takes_what_names_a_job_and_leaves_the_rest(run):
    assert "1 letter requeued" in run("requeue", "--all").output
    assert [one["job_id"] for one in json.loads(run("list", "--json").output)] == [None]


def test_purge_drops_one_or_all(run):
    assert "1 letter dropped" in run("purge", "letter-1").output
    assert "1 letter dropped" in run("purge", "--all").output
    assert json.loads(run("list").output) == []


def test_naming_no_letter_drops_nothing(run):
    assert run("purge").exit_code == 2
    assert len(json.loads(run("list", "--json").output)) == 2


def test_an_unreachable_redis_is_exit_4(run, monkeypatch):
    monkeypatch.setenv("MAILVOUCH_REDIS_URL", "redis://127.0.0.1:1/0")

    assert run("list").exit_code == 4
