"""Each shard, as operators and the metrics page see it: a client for threads, and its layout."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import redis

from producer.contract.keyspace import Keyspace, hash_slot_of
from worker.queue.layout import Layout
from worker.redis_link.connections import sync_client

MAX_CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class ShardClient:
    """One shard. Without a cluster all have the same client."""

    client: redis.Redis
    layout: Layout


@contextmanager
def open_shards(
    url: str, keyspace: Keyspace, timeout_seconds: float
) -> Iterator[tuple[ShardClient, ...]]:
    """Make clients that give up quickly and do not retry; they connect on first use."""
    with ExitStack() as stack:

        def connect(one: int) -> redis.Redis:
            client = sync_client(
                url, hash_slot=one, max_connections=MAX_CONNECTIONS, timeout_seconds=timeout_seconds
            )
            stack.callback(client.close)
            return client

        hash_slots = [hash_slot_of(name) if keyspace.on_cluster else 0 for name in keyspace.of_jobs]
        clients = {slot: connect(slot) for slot in dict.fromkeys(hash_slots)}
        yield tuple(
            ShardClient(clients[slot], Layout(name))
            for slot, name in zip(hash_slots, keyspace.of_jobs, strict=True)
        )
