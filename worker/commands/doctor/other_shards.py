"""Jobs that no worker fetches: submitted with another number of shards than the one in force."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import redis

from producer.contract.keyspace import MAX_SHARDS, Keyspace
from producer.contract.names import Queue
from worker.commands.doctor.check import Check, warn
from worker.queue.layout import Layout


def check_other_shards(client: redis.Redis, keyspace: Keyspace) -> Iterator[Check]:
    """Look where producers with another MAILVOUCH_SHARDS write; yields nothing where all is well.

    For one Redis: on a cluster these queues lie on any node. A user of Redis who may not look
    there is told nothing.
    """
    every = (*replace(keyspace, shards=1).of_jobs, *replace(keyspace, shards=MAX_SHARDS).of_jobs)
    others = [name for name in every if name not in keyspace.of_jobs]
    with suppress(redis.RedisError):
        waiting = _waiting(client, others)
        if waiting:
            yield warn(
                "other shards",
                f"jobs wait where no worker looks: {_shown(waiting)}",
                "the same MAILVOUCH_SHARDS for every producer, gateway and worker; "
                "RUNBOOK: More shards",
            )


def _waiting(client: redis.Redis, namespaces: list[str]) -> dict[str, int]:
    with client.pipeline(transaction=False) as pipeline:
        for namespace in namespaces:
            for queue in Queue:
                pipeline.llen(Layout(namespace).queue(queue))
        lengths: list[Any] = pipeline.execute()
    found: dict[str, int] = {}
    for number, length in enumerate(lengths):
        namespace = namespaces[number // len(Queue)]
        found[namespace] = found.get(namespace, 0) + int(length)
    return {namespace: count for namespace, count in found.items() if count}


def _shown(waiting: dict[str, int]) -> str:
    return ", ".join(f"{count} under {namespace}:" for namespace, count in waiting.items())
