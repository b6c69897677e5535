"""Dramatiq's broker, hardened: it declares actors and queues for the worker.

Deviations from `dramatiq.brokers.redis.RedisBroker`:

 - A pool of its own with a time-out, a limit and no retries inside redis-py: those repeat a fetch,
   and its messages are lost until the process ends (27 of 6,000, measured).
 - Maintenance by lottery is off: it runs `KEYS` for each dead worker and on each thousandth
   command only, so that a killed worker's messages wait for a quarter of an hour. The worker's
   janitor does that work (`janitor.py`).
 - No middleware: the worker runs actors as tasks (`runner.py`), where the default ones (time limits
   by thread, retries by re-enqueueing) do not work, and a job ends with a result.

Fetching and acknowledging are the worker's own (`fetcher.py`, `jobs.py`); jobs are submitted by
`producer.client`.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError

from producer.contract.keyspace import hash_slot_of
from producer.contract.names import HEARTBEAT_LIFETIME_MS
from worker.queue.layout import Layout
from worker.redis_link.connections import sync_client

DEAD_LETTER_LIFETIME_MS: Final = 7 * 24 * 60 * 60 * 1000

_log = logging.getLogger("worker.queue")


class HardenedBroker(RedisBroker):
    """Declares actors and queues; consuming is the AsyncWorker's."""

    def __init__(self, url: str, *, namespace: str) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            client=sync_client(url, hash_slot=hash_slot_of(namespace)),
            namespace=namespace,
            middleware=[],
            maintenance_chance=0,
            heartbeat_timeout=HEARTBEAT_LIFETIME_MS,
            dead_message_ttl=DEAD_LETTER_LIFETIME_MS,
        )
        self.layout = Layout(namespace)

    def close(self) -> None:
        try:
            self.client.close()
        except RedisError:
            _log.debug("redis_close_failed")


Coroutine = Callable[..., Awaitable[None]]


class AsyncActor(dramatiq.Actor[Any, Any]):
    """An actor that keeps its coroutine function: `@dramatiq.actor(actor_class=AsyncActor, ...)`.

    Stock wraps it, so that it can be run from a thread only, one thread to a job.
    """

    def __init__(self, fn: Coroutine, **options: Any) -> None:
        super().__init__(fn, **options)
        self.coroutine = fn
