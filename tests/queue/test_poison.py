"""A thousand messages that are not ours, between a thousand that are."""

import json
import uuid

import pytest

from tests.support.queueing import (
    CLEAN,
    NS,
    finished,
    let_go,
    residue,
    result,
    starts,
    submit,
    toy_worker,
    wait_for,
    wait_for_results,
)

GOOD = {
    "queue_name": "credential-tests",
    "actor_name": "test_credentials",
    "args": ["job"],
    "kwargs": {},
    "options": {"redis_message_id": "r"},
    "message_id": "job",
    "message_timestamp": 1790000000000,
}

pytestmark = [pytest.mark.redis_server]

LIST, MESSAGES = f"{NS}:credential-tests", f"{NS}:credential-tests.msgs"

# Each takes the fields of a good message of a job of its own.
READABLE = {
    "field missing": lambda good: {k: v for k, v in good.items() if k != "options"},
    "no kwargs": lambda good: {k: v for k, v in good.items() if k != "kwargs"},
    "unknown field": lambda good: good | {"password": "hunter2"},
    "wrong queue": lambda good: good | {"queue_name": "default"},
    "other queue's actor": lambda good: good | {"actor_name": "update_integration"},
    "unknown actor": lambda good: good | {"actor_name": "hunter2"},
    "too many arguments": lambda good: good | {"args": [*good["args"], "hunter2"]},
    "keyword arguments": lambda good: good | {"kwargs": {"password": "hunter2"}},
    "arguments no list": lambda good: good | {"args": {"0": "hunter2"}},
    "no redis message id": lambda good: good | {"options": {}},
    "options no object": lambda good: good | {"options": ["hunter2"]},
    "timestamp a string": lambda good: good | {"message_timestamp": "hunter2"},
    "argument a number": lambda good: good | {"args": [1]},
}
UNREADABLE = {
    "empty": b"",
    "half": json.dumps(GOOD).encode()[:50],
    "binary": b"\x00\xff\x80hunter2",
    "nothing": b"null",
    "number": b"42",
    "list": b"[]",
    "deep": b"[" * 30_000,
}


def push(pipe, body):
    rid = str(uuid.uuid4())
    pipe.hset(MESSAGES, rid, body)
    pipe.rpush(LIST, rid)


def push_bad(pipe, kind, job):
    if kind in UNREADABLE:
        push(pipe, UNREADABLE[kind])
        return
    good = GOOD | {"args": [job], "message_id": job, "options": {"redis_message_id": "r"}}
    push(pipe, json.dumps(READABLE[kind](good)))


def test_good_messages_finish_as_if_alone_and_every_readable_bad_one_has_a_result(server, client):
    kinds = [*READABLE, *UNREADABLE]
    assert len(kinds) == 20
    good, bad = [], []
    for number in range(1000):
        good.append(f"good-{number}")
        submit(client, good[-1:], quiet=True)
        kind = kinds[number % 20]
        if kind in READABLE:
            bad.append(f"bad-{number}")
        push_bad(client, kind, f"bad-{number}")
    with toy_worker(server, concurrency=100):
        wait_for_results(client, [*good, *bad])
        wait_for(lambda: client.zcard(f"{LIST}.XQ") == 1000)
        wait_for(lambda: residue(client) == CLEAN)
    assert {result(client, job)["ok"] for job in good} == {True}
    assert {result(client, job)["error"] for job in bad} == {"REQUEST_UNREADABLE"}
    letters = client.hvals(f"{LIST}.XQ.msgs")
    assert len(letters) == 1000
    assert not any(b"hunter2" in letter for letter in letters)


def wait_for_four_of_five_megabytes_to_be_buried(client, sent_before):
    wait_for_results(client, ["after"])
    wait_for(lambda: client.zcard(f"{LIST}.XQ") == 4)
    assert client.info("stats")["total_net_output_bytes"] - sent_before < 1_000_000
    wait_for(lambda: residue(client) == CLEAN)
    sizes = [json.loads(letter)["options"]["bytes"] for letter in client.hvals(f"{LIST}.XQ.msgs")]
    assert sizes == [5_000_000] * 4


def test_messages_of_many_megabytes_are_not_fetched_and_hold_up_none(server, client):
    with toy_worker(server):
        client.hset(MESSAGES, mapping={f"huge-{number}": bytes(5_000_000) for number in range(4)})
        before = client.info("stats")["total_net_output_bytes"]
        client.rpush(LIST, *(f"huge-{number}" for number in range(4)))
        submit(client, ["after"])
        wait_for_four_of_five_megabytes_to_be_buried(client, before)


def test_ids_of_many_megabytes_are_not_fetched_and_hold_up_none(server, client):
    """As of a producer that pushes its request in place of the message's id."""
    ids = [str(number) * 5_000_000 for number in range(4)]
    client.hset(MESSAGES, ids[0], "{}")
    client.rpush(LIST, *ids)
    submit(client, ["after"])
    before = client.info("stats")["total_net_output_bytes"]
    with toy_worker(server):
        wait_for_four_of_five_megabytes_to_be_buried(client, before)


@pytest.mark.parametrize("stamp", ["9" * 309, "9" * 4000, "1e999", "1790000000"])
def test_a_job_whose_timestamp_is_no_time_runs_and_ends_no_worker(server, client, stamp):
    with toy_worker(server) as worker:
        client.set(f"{NS}:request:odd", "{}")
        pipe = client.pipeline()
        push(pipe, json.dumps(GOOD | {"args": ["odd"]}).replace("1790000000000", stamp))
        pipe.execute()
        submit(client, ["after"])
        wait_for_results(client, ["odd", "after"])
        assert worker.poll() is None
    assert starts(client) == {"odd": 1, "after": 1}


def test_a_bad_message_does_not_end_the_job_of_a_good_one_that_waits(server, client):
    with toy_worker(server, concurrency=1):
        submit(client, ["long"], hold=True)
        wait_for(lambda: starts(client) == {"long": 1})
        pipe = client.pipeline()
        push_bad(pipe, "unknown field", "mine")
        pipe.execute()
        submit(client, ["mine"])
        let_go(client)
        wait_for_results(client, ["mine"])
    assert result(client, "mine") == {"ok": True}


@pytest.mark.slow
def test_what_is_fetched_without_a_task_is_looked_at_again(server, client):
    """Ids before their message, ids without one, and messages whose fetch reply was lost."""
    with toy_worker(server):
        (broker,) = client.zrange(f"{NS}:__heartbeats__", 0, -1)
        for job in ("late", "lost"):
            client.set(f"{NS}:request:{job}", "{}")
        client.sadd(f"{NS}:__acks__.{broker.decode()}.credential-tests", "lost")
        client.hset(MESSAGES, "lost", json.dumps(GOOD | {"args": ["lost"]}))
        client.rpush(LIST, "nothing", "late")
        wait_for(lambda: client.llen(LIST) == 0)
        client.hset(MESSAGES, "late", json.dumps(GOOD | {"args": ["late"]}))
        wait_for_results(client, ["late", "lost"])
        wait_for(lambda: residue(client) == CLEAN)
    assert client.zcard(f"{LIST}.XQ") == 0


def test_the_worker_survives_keys_of_the_wrong_type(server, client):
    client.set(LIST, "no list")
    with toy_worker(server):
        client.delete(LIST)
        submit(client, ["after"])
        wait_for_results(client, ["after"])
    assert finished(client, ["after"]) == 1
