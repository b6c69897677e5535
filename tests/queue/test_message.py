import json

import pytest

from producer.contract.envelope import queue_message
from producer.contract.names import Queue
from worker.queue.message import (
    MAX_MESSAGE_BYTES,
    Delivery,
    Flaw,
    Poison,
    describe,
    read_message,
    write_message,
)

QUEUE = "credential-tests"
ACTORS = {"test_credentials": QUEUE, "update_integration": "integration-updates"}
GOOD = {
    "queue_name": QUEUE,
    "actor_name": "test_credentials",
    "args": ["job-1"],
    "kwargs": {},
    "options": {"redis_message_id": "r1"},
    "message_id": "job-1",
    "message_timestamp": 1790000000000,
}


def read(fields):
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return read_message(QUEUE, b"r1", body, ACTORS)


def without(name):
    return {key: value for key, value in GOOD.items() if key != name}


def test_the_contracts_message_is_read():
    body = queue_message(Queue.CREDENTIAL_TESTS, "job-1", "r1", 1790000000000)
    assert read(body) == Delivery(QUEUE, b"r1", "job-1", "test_credentials", 1790000000000)


@pytest.mark.parametrize(
    "lenient",
    [
        pytest.param(without("message_id"), id="no message id"),
        pytest.param(without("message_timestamp"), id="no timestamp"),
        pytest.param(GOOD | {"message_id": "x y"}, id="a message id that is no job id"),
        pytest.param(GOOD | {"message_timestamp": 1.5e12}, id="timestamp with a point"),
        pytest.param(GOOD | {"queue_name": QUEUE + ".DQ"}, id="delayed, now due"),
        pytest.param(GOOD | {"options": {"redis_message_id": "r2"}}, id="another id inside"),
        pytest.param(
            GOOD | {"options": {"redis_message_id": "r1", "retries": 3}}, id="more options"
        ),
    ],
)
def test_what_dramatiq_would_run_is_read(lenient):
    message = read(lenient)
    assert isinstance(message, Delivery)
    assert (message.job_id, message.redis_message_id) == ("job-1", b"r1")


POISON = [
    (b"", Flaw.NO_JSON),
    (b"\xff\xfe", Flaw.NO_JSON),
    (b"{", Flaw.NO_JSON),
    (b"[" * 60_000, Flaw.NO_JSON),
    (json.dumps(GOOD).replace("1790000000000", "NaN").encode(), Flaw.NO_JSON),
    (b"null", Flaw.NO_OBJECT),
    ([GOOD], Flaw.NO_OBJECT),
    ({}, Flaw.FIELD_MISSING),
    (without("queue_name"), Flaw.FIELD_MISSING),
    (without("actor_name"), Flaw.FIELD_MISSING),
    (without("args"), Flaw.FIELD_MISSING),
    (without("kwargs"), Flaw.FIELD_MISSING),
    (without("options"), Flaw.FIELD_MISSING),
    (GOOD | {"password": "s3cret"}, Flaw.FIELD_UNKNOWN),
    (GOOD | {"args": "job-1"}, Flaw.FIELD_TYPE),
    (GOOD | {"args": None}, Flaw.FIELD_TYPE),
    (GOOD | {"kwargs": []}, Flaw.FIELD_TYPE),
    (GOOD | {"options": "none"}, Flaw.FIELD_TYPE),
    (GOOD | {"queue_name": 7}, Flaw.FIELD_TYPE),
    (GOOD | {"actor_name": ["test_credentials"]}, Flaw.FIELD_TYPE),
    (GOOD | {"message_timestamp": "now"}, Flaw.FIELD_TYPE),
    (GOOD | {"message_timestamp": True}, Flaw.FIELD_TYPE),
    (GOOD | {"options": {}}, Flaw.NO_MESSAGE_ID),
    (GOOD | {"options": {"redis_message_id": 1}}, Flaw.NO_MESSAGE_ID),
    (GOOD | {"queue_name": "default"}, Flaw.WRONG_QUEUE),
    (GOOD | {"queue_name": "integration-updates"}, Flaw.WRONG_QUEUE),
    (GOOD | {"actor_name": "drop_tables"}, Flaw.WRONG_ACTOR),
    (GOOD | {"actor_name": "update_integration"}, Flaw.WRONG_ACTOR),
    (GOOD | {"args": []}, Flaw.WRONG_ARGUMENTS),
    (GOOD | {"args": ["job-1", "hunter2"]}, Flaw.WRONG_ARGUMENTS),
    (GOOD | {"args": [{"password": "hunter2"}]}, Flaw.WRONG_ARGUMENTS),
    (GOOD | {"args": ["no job id"]}, Flaw.WRONG_ARGUMENTS),
    (GOOD | {"kwargs": {"password": "hunter2"}}, Flaw.WRONG_ARGUMENTS),
    (b'{"a":"' + b"x" * MAX_MESSAGE_BYTES + b'"}', Flaw.TOO_LARGE),
]


@pytest.mark.parametrize(("body", "flaw"), POISON)
def test_anything_else_is_poison_with_a_reason(body, flaw):
    message = read(body)
    assert isinstance(message, Poison)
    assert message.flaw is flaw


@pytest.mark.parametrize(("body", "flaw"), POISON)
def test_a_dead_letter_is_a_dramatiq_message_that_holds_nothing_foreign(body, flaw):
    letter = describe(read(body))
    assert read(json.loads(letter) | {"actor_name": "x"})  # all five fields, right types
    for foreign in (b"hunter2", b"s3cret", b"drop_tables", b"password"):
        assert foreign not in letter


@pytest.mark.parametrize(
    ("fields", "job_id"),
    [
        (GOOD | {"extra": 1, "message_id": "other"}, "job-1"),
        (without("args"), "job-1"),
        (GOOD | {"args": "job-2"}, "job-2"),
        (GOOD | {"args": [], "kwargs": {"job_id": "job-3"}}, "job-3"),
        (GOOD | {"args": [7], "message_id": "job-4"}, "job-4"),
        (GOOD | {"args": ["not one"], "message_id": "nor this"}, None),
        (b"job-1", None),
    ],
)
def test_the_job_of_a_flawed_message_is_found_where_it_can_be(fields, job_id):
    assert read(fields).job_id == job_id


def test_a_timestamp_beyond_all_numbers_is_no_timestamp():
    body = json.dumps(GOOD).replace("1790000000000", "1e999").encode()
    assert read(body).timestamp_ms is None


def test_a_message_of_our_own_making_is_read_again():
    message = read(write_message(QUEUE, "test_credentials", "job-1", "r1"))
    assert (message.job_id, message.unreadable) == ("job-1", False)
    successor = write_message(QUEUE, "test_credentials", "job-1", "r1", unreadable=True)
    assert read(successor).unreadable is True
