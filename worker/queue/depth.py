"""How much is in the queues: for metrics and for operators."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from worker.queue.layout import Layout, delayed
from worker.queue.message import plausible_ms


@dataclass(frozen=True, slots=True)
class Depth:
    """`oldest_seconds`: how long the first message has waited; 0 where none does."""

    queue: str
    ready: int
    delayed: int
    in_flight: int
    dead: int
    oldest_seconds: float


def measure(client: redis.Redis, layout: Layout, queues: Iterable[str]) -> list[Depth]:
    """Two round trips, a fixed number of commands per queue, no scan."""
    names = list(queues)
    pipe = client.pipeline(transaction=False)
    pipe.time()
    for queue in names:
        pipe.llen(layout.list(queue))
        pipe.hlen(layout.messages(delayed(queue)))
        pipe.hlen(layout.messages(queue))
        pipe.zcard(layout.keys.dead(queue))
        pipe.lindex(layout.list(queue), 0)
    (seconds, microseconds), *counts = pipe.execute()
    now = seconds + microseconds / 1e6
    rows = [counts[index : index + 5] for index in range(0, len(counts), 5)]
    heads = _heads(client, layout, zip(names, (row[4] for row in rows), strict=True))
    return [
        Depth(queue, ready, later, max(0, messages - ready), dead, _age(head, now))
        for queue, (ready, later, messages, dead, _), head in zip(names, rows, heads, strict=True)
    ]


def _heads(
    client: redis.Redis, layout: Layout, ids: Iterable[tuple[str, bytes | None]]
) -> list[bytes | None]:
    pipe = client.pipeline(transaction=False)
    for queue, first in ids:
        pipe.hget(layout.messages(queue), first if first is not None else b"")
    return pipe.execute()


def _age(message: bytes | None, now: float) -> float:
    if message is None:
        return 0.0
    try:
        fields: Any = json.loads(message)
    except (ValueError, RecursionError):
        return 0.0
    stamp = plausible_ms(fields.get("message_timestamp")) if isinstance(fields, dict) else None
    return 0.0 if stamp is None else max(0.0, now - stamp / 1000)
