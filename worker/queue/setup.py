"""What the parts of one worker process share."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Final

import redis.asyncio

from worker.queue.broker import HardenedBroker
from worker.queue.jobs import ErrorResult, Jobs, Lifetimes
from worker.queue.observer import Observer, Silence
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link

CONCURRENCY: Final = 1000
SHUTDOWN_SECONDS: Final = 60.0

Companion = Callable[[], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Setup:
    """Made once by the composition root, before the loop runs; opens no connection."""

    broker: HardenedBroker
    redis_url: str
    error_result: ErrorResult
    concurrency: int = CONCURRENCY
    shutdown_seconds: float = SHUTDOWN_SECONDS
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    observer: Observer = field(default_factory=Silence)
    companions: tuple[Companion, ...] = ()
    """Run on the loop beside the jobs until it ends; each must run for ever."""
    pool: redis.asyncio.ConnectionPool = field(init=False)
    link: Link = field(init=False)
    jobs: Jobs = field(init=False)

    def __post_init__(self) -> None:
        pool = async_pool(self.redis_url)
        link = Link(pool)
        jobs = Jobs(
            link, self.broker.layout, self.broker.broker_id, self.error_result, self.lifetimes
        )
        for name, value in (("pool", pool), ("link", link), ("jobs", jobs)):
            object.__setattr__(self, name, value)
