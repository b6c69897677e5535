"""What the parts of one worker process share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import redis.asyncio

from worker.queue.broker import HardenedBroker
from worker.queue.jobs import Jobs
from worker.queue.layout import Layout
from worker.queue.observer import Observer
from worker.redis_link.link import Link

Companion = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Shard:
    """One of the namespaces over which jobs are spread (`producer.contract.keyspace`).

    `pool` is what `link` takes its connection from, and each fetcher one of its own.
    """

    layout: Layout
    pool: redis.asyncio.ConnectionPool
    link: Link
    jobs: Jobs


@dataclass(frozen=True, slots=True)
class Setup:
    """Made once by the composition root, before the loop runs; opens no connection.

    `shards` has at least one, and the first is in the broker's own namespace.
    """

    broker: HardenedBroker
    shards: tuple[Shard, ...]
    concurrency: int
    shutdown_seconds: float
    observer: Observer = field(default_factory=Observer)
    companions: tuple[Companion, ...] = ()
    """Run on the loop beside the jobs until it ends."""
    other_links: tuple[Link, ...] = ()
    """Closed together with the shards' links."""
