import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.contract.envelope import queue_message
from producer.contract.flaws import REASONS, Flaw
from producer.contract.names import Queue, is_job_id
from worker.queue.message import (
    MAX_MESSAGE_BYTES,
    Delivery,
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


@pytest.mark.parametrize(
    "stamp",
    [
        "1e999",
        "-1e999",
        "9" * 309,
        "9" * 4000,
        "9" * 5000,
        "-1",
        "0",
        "1790000000",
        "1790000000000000",
        "1e18",
    ],
)
def test_a_timestamp_that_no_job_can_have_is_no_timestamp(stamp):
    message = read(json.dumps(GOOD).replace("1790000000000", stamp).encode())
    assert isinstance(message, Delivery)
    assert message.timestamp_ms is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=10**308, max_value=10**4000)
    | st.floats()
    | st.text()
    | st.sampled_from(["job-1", QUEUE, "test_credentials", "\ud800", "credential-tests.DQ"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys([*GOOD, "other"], JSON))
BODIES = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda value: json.dumps(value).encode()),
    FIELDS.map(lambda fields: json.dumps(GOOD | fields).encode()),
    FIELDS.map(
        lambda fields: json.dumps(GOOD | fields, ensure_ascii=False).encode("utf-8", "replace")
    ),
    FIELDS.map(lambda fields: json.dumps(fields).encode("utf-16")),
    # Twice the same key: the later one counts, as in Dramatiq.
    FIELDS.map(
        lambda fields: json.dumps(GOOD).encode()[:-1] + b"," + json.dumps(fields).encode()[1:]
    ),
)


@given(BODIES, st.binary(max_size=20))
@settings(max_examples=200)
def test_whatever_a_message_holds_it_is_read_or_poison(body, redis_message_id):
    message = read_message(QUEUE, redis_message_id, body, ACTORS)
    if isinstance(message, Poison):
        assert json.loads(describe(message))["options"]["flaw"]
    else:
        assert is_job_id(message.job_id)
        assert message.timestamp_ms is None or message.timestamp_ms > 10**12


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"args":' * 6_000,
        b"x" * 10_000_000,
        b"[" * 10_000_000,
        b"9" * 60_000,
        b'"\xff\xfe"',
        b'{"message_timestamp":NaN}',
    ],
    ids=["deep list", "deep object", "10 MB", "10 MB deep", "long number", "no UTF-8", "NaN"],
)
def test_a_message_that_is_costly_to_read_is_poison(body):
    assert isinstance(read(body), Poison)


def test_a_message_that_breaks_its_reader_is_poison_and_ends_nothing():
    class Broken(dict):
        def get(self, *_):
            raise MemoryError

    message = read_message(QUEUE, b"r1", json.dumps(GOOD).encode(), Broken())
    assert message == Poison(QUEUE, b"r1", Flaw.UNFORESEEN, len(json.dumps(GOOD)))


def test_a_message_of_our_own_making_is_read_again():
    message = read(write_message(QUEUE, "test_credentials", "job-1", "r1"))
    assert (message.job_id, message.unreadable) == ("job-1", "")
    reason = "a required field is missing: args"
    successor = write_message(QUEUE, "test_credentials", "job-1", "r1", unreadable=reason)
    assert read(successor).unreadable == reason


@pytest.mark.parametrize("foreign", ["hunter2", ["hunter2"], 7, None])
def test_a_reason_that_is_none_of_ours_is_not_passed_on(foreign):
    message = read({**GOOD, "options": {"redis_message_id": "r1", "unreadable": foreign}})
    assert message.unreadable == ""


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"args": "job-1"}, "args"),
        ({"args": ["job-1", "job-2"]}, "args"),
        ({"kwargs": {"x": 1}}, "kwargs"),
        ({"message_timestamp": "hunter2"}, "message_timestamp"),
        ({"queue_name": "hunter2"}, "queue_name"),
        ({"actor_name": "hunter2"}, "actor_name"),
        ({"options": {}}, "options"),
    ],
)
def test_a_reason_names_the_field_of_the_contract_and_quotes_nothing(change, where):
    message = read({**GOOD, **change})
    assert message.reason in REASONS
    assert message.reason.endswith(f": {where}")
