import json

import fakeredis
import pytest

from producer.contract.flaws import Flaw
from worker.queue.dead_letters import DeadLetters
from worker.queue.depth import measure
from worker.queue.layout import Layout, delayed
from worker.queue.message import Poison, describe, read_message

QUEUE, ACTOR = "credential-tests", "test_credentials"
LAYOUT = Layout("mailvouch")


@pytest.fixture
def client():
    return fakeredis.FakeRedis()


@pytest.fixture
def letters(client):
    return DeadLetters(client, LAYOUT, QUEUE, ACTOR)


def bury(client, name, body, at=1000):
    client.zadd(LAYOUT.dead(QUEUE), {name: at})
    client.hset(LAYOUT.dead_messages(QUEUE), name, body)


def foreign(**fields):
    """What a stock Dramatiq worker leaves: the message as it came."""
    return json.dumps(
        {
            "queue_name": QUEUE,
            "actor_name": ACTOR,
            "args": ["job"],
            "kwargs": {"password": "hunter2"},
            "options": {"traceback": "hunter2", "flaw": "hunter2"},
            "message_id": "hunter2",
            "message_timestamp": 5,
            **fields,
        }
    )


def test_letters_are_listed_oldest_first(letters, client):
    bury(client, "b", describe(Poison(QUEUE, b"b", Flaw.NO_JSON, 17)), at=2000)
    bury(client, "a", describe(Poison(QUEUE, b"a", Flaw.WRONG_ACTOR, 9, "job")), at=1000)
    first, second = letters.list()
    assert (first.redis_message_id, first.died_at_ms, first.job_id) == ("a", 1000, "job")
    assert (first.flaw, first.size) == (Flaw.WRONG_ACTOR, 9)
    assert (second.job_id, second.size) == (None, 17)
    assert len(letters.list(limit=1)) == 1


@pytest.mark.parametrize(
    "body",
    [
        foreign(),
        foreign(queue_name="hunter2"),
        foreign(actor_name=["hunter2"]),
        foreign(args=["job", "hunter2"]),
        foreign(args={"hunter2": 1}),
        foreign(options=["hunter2"]),
        foreign(message_timestamp="hunter2"),
        foreign(hunter2="hunter2"),
        "hunter2",
        '"hunter2"',
        b"\xffhunter2",
        "",
    ],
)
def test_neither_list_nor_show_tells_what_may_be_a_secret(letters, client, body):
    bury(client, "a", body)
    assert "hunter2" not in repr(letters.list())
    assert "hunter2" not in repr(letters.show("a"))


def test_show_tells_what_is_known_to_be_none(letters, client):
    bury(client, "a", describe(Poison(QUEUE, b"a", Flaw.WRONG_ACTOR, 9, "job")))
    shown = letters.show("a")
    assert (shown["queue_name"], shown["job_id"]) == (QUEUE, "job")
    assert (shown["flaw"], shown["bytes"]) == (Flaw.WRONG_ACTOR, 9)
    assert letters.show("other") is None


def test_a_letter_that_names_a_job_can_be_put_back(letters, client):
    bury(client, "a", foreign())
    assert letters.requeue("a")
    (new,) = client.lrange(LAYOUT.queue(QUEUE), 0, -1)
    message = read_message(QUEUE, new, client.hget(LAYOUT.messages(QUEUE), new), {ACTOR: QUEUE})
    assert (message.job_id, message.unreadable) == ("job", "")
    assert letters.list() == []
    assert client.hlen(LAYOUT.dead_messages(QUEUE)) == 0


def test_a_letter_is_put_back_once(letters, client):
    bury(client, "a", foreign())
    assert letters.requeue("a")
    assert not letters.requeue("a")
    assert client.llen(LAYOUT.queue(QUEUE)) == 1


def test_a_letter_without_a_job_stays(letters, client):
    bury(client, "a", "nothing")
    assert not letters.requeue("a")
    assert len(letters.list()) == 1


def test_one_letter_or_all_can_be_dropped(letters, client):
    for name in ("a", "b", "c"):
        bury(client, name, foreign())
    assert letters.purge("b") == 1
    assert letters.purge("b") == 0
    assert letters.purge() == 2
    assert not client.exists(LAYOUT.dead(QUEUE), LAYOUT.dead_messages(QUEUE))


def test_depth_counts_what_waits_runs_is_delayed_and_dead(client):
    now_ms = int(client.time()[0] * 1000)
    for name in ("a", "b", "c"):
        client.hset(
            LAYOUT.messages(QUEUE), name, json.dumps({"message_timestamp": now_ms - 90_000})
        )
    client.rpush(LAYOUT.queue(QUEUE), "a", "b")
    client.hset(LAYOUT.messages(delayed(QUEUE)), "d", "{}")
    bury(client, "x", "{}")
    tests, updates = measure(client, LAYOUT, [QUEUE, "integration-updates"])
    assert (tests.ready, tests.in_flight, tests.delayed, tests.dead) == (2, 1, 1, 1)
    assert 89 < tests.oldest_seconds < 120
    assert (updates.ready, updates.in_flight, updates.oldest_seconds) == (0, 0, 0)


@pytest.mark.parametrize(
    "head",
    [
        *(b"", b"{", b"[]", b"[" * 60_000, None),
        *(b'{"message_timestamp":%s}' % s for s in (b'"x"', b"1e999", b"9" * 400, b"17e8", b"[]")),
    ],
)
def test_the_age_of_a_message_that_is_not_ours_is_none(client, head):
    client.rpush(LAYOUT.queue(QUEUE), "a")
    if head is not None:
        client.hset(LAYOUT.messages(QUEUE), "a", head)
    (depth,) = measure(client, LAYOUT, [QUEUE])
    assert (depth.ready, depth.oldest_seconds) == (1, 0)
