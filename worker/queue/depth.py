"""How much is in the queues: for metrics and for operators."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from worker.queue.layout import Layout, delayed
from worker.queue.message import plausible_ms
from worker.queue.shard_clients import ShardClient


@dataclass(frozen=True, slots=True)
class Depth:
    """`oldest_seconds`: how long the first message has waited; 0 where none does."""

    queue: str
    ready: int
    delayed: int
    in_flight: int
    dead: int
    oldest_seconds: float


def measure_all(shards: Iterable[ShardClient], queues: Iterable[str]) -> list[Depth]:
    """Measure every shard; what is told of a queue is the sum, and its oldest message."""
    names = list(queues)
    measured = [measure(shard.client, shard.layout, names) for shard in shards]
    return [_sum(depths) for depths in zip(*measured, strict=True)]


def _sum(depths: Sequence[Depth]) -> Depth:
    return Depth(
        queue=depths[0].queue,
        ready=sum(depth.ready for depth in depths),
        delayed=sum(depth.delayed for depth in depths),
        in_flight=sum(depth.in_flight for depth in depths),
        dead=sum(depth.dead for depth in depths),
        oldest_seconds=max(depth.oldest_seconds for depth in depths),
    )


def measure(client: redis.Redis, layout: Layout, queues: Iterable[str]) -> list[Depth]:
    """Two round trips, a fixed number of commands per queue, no scan."""
    names = list(queues)
    pipe = client.pipeline(transaction=False)
    pipe.time()
    for queue in names:
        pipe.llen(layout.queue(queue))
        pipe.hlen(layout.messages(delayed(queue)))
        pipe.hlen(layout.messages(queue))
        pipe.zcard(layout.dead(queue))
        pipe.lindex(layout.queue(queue), 0)
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
