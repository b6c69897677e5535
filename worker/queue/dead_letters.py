"""Dead letters, for operators: what they are, and a second chance for those that name a job.

What is shown of a letter is what we know to be no secret. Our own worker stores descriptions only,
but a stock Dramatiq worker stores the message as it came, and that may hold anything.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import redis

from producer.contract.flaws import REASONS
from producer.contract.names import Actor, Queue, is_job_id
from worker.queue import lua
from worker.queue.layout import Layout, delayed
from worker.queue.message import write_message

_SAFE_WORDS = frozenset({*Queue, *map(delayed, Queue), *Actor, *REASONS, ""})
_SAFE_NUMBERS = frozenset({"message_timestamp", "bytes"})


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`flaw` is empty where not our worker put the message there."""

    queue: str
    redis_message_id: str
    died_at_ms: int
    job_id: str | None
    flaw: str
    size: int


class DeadLetters:
    """The dead letters of one queue, oldest first."""

    def __init__(self, client: redis.Redis, layout: Layout, queue: str, actor: str) -> None:
        self._client = client
        self._layout = layout
        self._queue = queue
        self._actor = actor
        self._dead = layout.dead(queue)
        self._messages = layout.dead_messages(queue)
        self._resurrect = client.register_script(lua.source("resurrect"))

    def list(self, limit: int = 100) -> list[DeadLetter]:
        """The oldest `limit` letters."""
        scored: Any = self._client.zrange(self._dead, 0, limit - 1, withscores=True)
        if not scored:
            return []
        bodies: Any = self._client.hmget(self._messages, [name for name, _ in scored])
        return [
            self._letter(name, score, body)
            for (name, score), body in zip(scored, bodies, strict=True)
        ]

    def show(self, redis_message_id: str) -> dict[str, Any] | None:
        """A letter's fields, those that may be anything as their kind and size; None: no such."""
        body: Any = self._client.hget(self._messages, redis_message_id)
        return None if body is None else _masked(_parse(body), len(body))

    def requeue(self, redis_message_id: str) -> bool:
        """Put the letter's job into its queue again, with a message of our own making.

        False where there is no such letter, or no job can be read from it. A job that has its
        result keeps it: then nothing runs.
        """
        body: Any = self._client.hget(self._messages, redis_message_id)
        job_id = _job_id(_parse(body or b""))
        if job_id is None:
            return False
        new_id = str(uuid4())
        keys = [
            self._layout.queue(self._queue),
            self._layout.messages(self._queue),
            self._dead,
            self._messages,
        ]
        message = write_message(self._queue, self._actor, job_id, new_id)
        return bool(self._resurrect(keys=keys, args=[redis_message_id, new_id, message]))

    def purge(self, redis_message_id: str | None = None) -> int:
        """Drop one letter, or all; how many."""
        pipe = self._client.pipeline(transaction=True)
        if redis_message_id is None:
            pipe.zcard(self._dead)
            pipe.delete(self._dead, self._messages)
        else:
            pipe.zrem(self._dead, redis_message_id)
            pipe.hdel(self._messages, redis_message_id)
        return int(pipe.execute()[0])

    def _letter(self, name: bytes, score: float, body: bytes | None) -> DeadLetter:
        fields = _parse(body or b"")
        options = fields.get("options") if isinstance(fields, dict) else None
        options = options if isinstance(options, dict) else {}
        flaw, size = options.get("flaw"), options.get("bytes")
        return DeadLetter(
            queue=self._queue,
            redis_message_id=name.decode("utf-8", "backslashreplace"),
            died_at_ms=int(score),
            job_id=_job_id(fields),
            flaw=flaw if isinstance(flaw, str) and flaw in REASONS else "",
            size=size if isinstance(size, int) else len(body or b""),
        )


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _job_id(fields: Any) -> str | None:
    args = fields.get("args") if isinstance(fields, dict) else None
    job_id = args[0] if isinstance(args, list) and len(args) == 1 else None
    return str(job_id) if is_job_id(job_id) else None


def _masked(fields: Any, size: int) -> dict[str, Any]:
    if not isinstance(fields, dict):
        return {"message": f"<{size} bytes>"}
    shown: dict[str, Any] = {
        name: _mask(name, fields[name])
        for name in ("queue_name", "actor_name", "message_timestamp")
        if name in fields
    }
    shown["job_id"] = _job_id(fields)
    options = fields.get("options")
    if isinstance(options, Mapping):
        shown |= {name: _mask(name, options[name]) for name in ("flaw", "bytes") if name in options}
    shown["other_fields"] = len(fields.keys() - {"queue_name", "actor_name", "message_timestamp"})
    return shown | {"stored_bytes": size}


def _mask(name: str, value: Any) -> Any:
    if isinstance(value, str):
        return value if value in _SAFE_WORDS else f"<{len(value)} characters>"
    if isinstance(value, int | float) and not isinstance(value, bool) and name in _SAFE_NUMBERS:
        return value
    return f"<{type(value).__name__}>"
