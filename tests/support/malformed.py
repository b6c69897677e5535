"""Twenty ways to hand in what no worker can run: messages, requests, keys."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from producer.contract.envelope import queue_message
from producer.contract.names import Keys, Queue
from tests.support.fault_world import World

KEYS = Keys()
QUEUE = Queue.CREDENTIAL_TESTS
Spoil = Callable[[World, str], None]


def _push(world: World, job: str, message: bytes) -> None:
    pipe = world.redis.pipeline()
    pipe.hset(KEYS.messages(QUEUE), f"rid-{job}", message)
    pipe.rpush(KEYS.queue(QUEUE), f"rid-{job}")
    pipe.execute()


def _message(**changes: Any) -> Spoil:
    """A good request; a field of its message is wrong, or missing where it is None."""

    def spoil(world: World, job: str) -> None:
        fields = json.loads(queue_message(QUEUE, job, f"rid-{job}", 1)) | changes
        kept = {name: value for name, value in fields.items() if value is not None}
        world.redis.set(KEYS.request(job), "{}", ex=600)
        _push(world, job, json.dumps(kept).encode())

    return spoil


def _raw(message: bytes) -> Spoil:
    return lambda world, job: _push(world, job, message)


def _request(envelope: Any) -> Spoil:
    """A good message; its request is wrong, or missing where it is None."""

    def spoil(world: World, job: str) -> None:
        if envelope is not None:
            text = envelope if isinstance(envelope, bytes) else json.dumps(envelope)
            world.redis.set(KEYS.request(job), text, ex=600)
        _push(world, job, queue_message(QUEUE, job, f"rid-{job}", 1))

    return spoil


def _request_of_another_type(world: World, job: str) -> None:
    world.redis.hset(KEYS.request(job), "no", "string")
    _push(world, job, queue_message(QUEUE, job, f"rid-{job}", 1))


_TEST = {"version": 1, "kind": "credential-test", "dealerUUID": "d"}

MALFORMED: Mapping[str, Spoil] = {
    "empty message": _raw(b""),
    "half a message": _raw(b'{"queue_name":"credential-tests","act'),
    "binary message": _raw(b"\x00\xff\x80"),
    "null": _raw(b"null"),
    "deeply nested message": _raw(b"[" * 30_000),
    "no options": _message(options=None),
    "unknown field": _message(password="hunter2"),
    "other queue": _message(queue_name="default"),
    "unknown actor": _message(actor_name="drop_tables"),
    "keyword arguments": _message(kwargs={"password": "hunter2"}),
    "timestamp in words": _message(message_timestamp="now"),
    "no request": _request(None),
    "request that is no JSON": _request(b"{"),
    "binary request": _request(b"\x00\xff\x80"),
    "request of version 2": _request({**_TEST, "version": 2, "body": {}}),
    "request of an unknown kind": _request({**_TEST, "kind": "mail-merge", "body": {}}),
    "request for the other queue": _request({**_TEST, "kind": "integration-delete", "body": {}}),
    "body without accounts": _request({**_TEST, "body": {"emailCredentialsRequests": []}}),
    "body with too many accounts": _request(
        {**_TEST, "body": {"emailCredentialsRequests": [{}] * 51}}
    ),
    "request key of another type": _request_of_another_type,
}

NAMELESS = frozenset(list(MALFORMED)[:5])
"""No job can be told from these."""
