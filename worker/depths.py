"""What waits in each queue, read from Redis in two round trips; works while no worker runs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import redis

from producer.contract.names import Keys, Queue


@dataclass(frozen=True, slots=True)
class Depth:
    """One queue. `oldest_seconds` is the age of the message at the head, 0 where none waits."""

    queue: str
    ready: int
    delayed: int
    in_flight: int
    dead: int
    oldest_seconds: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read_depths(client: redis.Redis, namespace: str) -> list[Depth]:
    """Raises redis.RedisError."""
    keys = Keys(namespace)
    with client.pipeline(transaction=True) as pipe:
        pipe.time()
        for queue in Queue:
            pipe.llen(keys.queue(queue))
            pipe.hlen(keys.messages(queue))
            pipe.hlen(keys.messages(f"{queue}.DQ"))
            pipe.zcard(keys.dead(queue))
            pipe.lindex(keys.queue(queue), 0)
        (seconds, micros), *counts = pipe.execute()
    now_ms = seconds * 1000 + micros / 1000
    rows = [counts[start : start + 5] for start in range(0, len(counts), 5)]
    heads = _heads(client, keys, [row[4] for row in rows])
    return [
        Depth(
            queue=str(queue),
            ready=ready,
            delayed=delayed,
            # Both counts are of one instant, but a message may be missing from the hash.
            in_flight=max(0, messages - ready),
            dead=dead,
            oldest_seconds=_age_seconds(head, now_ms),
        )
        for queue, (ready, messages, delayed, dead, _), head in zip(Queue, rows, heads, strict=True)
    ]


def _heads(client: redis.Redis, keys: Keys, ids: Sequence[bytes | None]) -> list[bytes | None]:
    """The messages at the heads; None where a list was empty."""
    with client.pipeline(transaction=False) as pipe:
        for queue, redis_message_id in zip(Queue, ids, strict=True):
            pipe.hget(keys.messages(queue), redis_message_id or b"")
        return list(pipe.execute())


def _age_seconds(message: bytes | None, now_ms: float) -> float:
    """A message that cannot be read has no age: the worker will put it aside."""
    try:
        return max(0.0, (now_ms - float(json.loads(message or b"")["message_timestamp"])) / 1000)
    except (ValueError, TypeError, KeyError):
        return 0.0
