"""The broker that producers and the worker's own threads use: Dramatiq's, hardened.

Deviations from `dramatiq.brokers.redis.RedisBroker`:

 - A pool of its own with a time-out, a limit and no retries inside redis-py: those repeat a fetch,
   and its messages are lost until the process ends (27 of 6,000, measured).
 - An enqueue may be repeated, and is, until Redis is back or `retry_seconds` are over: stock gives
   up at once, or has redis-py enqueue the message twice.
 - Maintenance by lottery is off: it runs `KEYS` for each dead worker and on each thousandth
   command only, so that a killed worker's messages wait for a quarter of an hour. The worker's
   janitor does that work (`janitor.py`).
 - Time-outs are outages: `redis.TimeoutError` is no `ConnectionError`, and kills stock's threads.
 - No middleware unless asked for: the worker runs actors as tasks (`runner.py`), where the default
   ones (time limits by thread, retries by re-enqueueing) do not work, and a job ends with a result.
"""

import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from redis.exceptions import RedisError

from worker.queue import lua
from worker.queue.layout import Layout
from worker.redis_link.connections import sync_client

HEARTBEAT_TIMEOUT_MS: Final = 15_000
DEAD_LETTER_LIFETIME_MS: Final = 7 * 24 * 60 * 60 * 1000
LONGEST_PAUSE_SECONDS: Final = 1.0

_log = logging.getLogger("worker.queue")


class HardenedBroker(RedisBroker):
    """Declares actors and queues, and enqueues; consuming is the AsyncWorker's."""

    def __init__(
        self,
        url: str | None = None,
        *,
        namespace: str,
        client: redis.Redis | None = None,
        retry_seconds: float = 60.0,
        middleware: list[dramatiq.Middleware] | None = None,
    ) -> None:
        if client is None:
            if url is None:
                raise ValueError("a broker needs a URL or a client")
            client = sync_client(url)
        super().__init__(  # type: ignore[no-untyped-call]
            client=client,
            namespace=namespace,
            middleware=middleware or [],
            maintenance_chance=0,
            heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
            dead_message_ttl=DEAD_LETTER_LIFETIME_MS,
        )
        self.layout = Layout(namespace)
        self._retry_seconds = retry_seconds
        self._enqueue_script = client.register_script(lua.source("enqueue"))

    def do_enqueue(self, queue_name: str, redis_message_id: str, message: bytes) -> None:
        """Take the place of Dramatiq's dispatch: called by `enqueue` with its fresh message id."""
        give_up = time.monotonic() + self._retry_seconds
        pause = 0.05
        while True:
            try:
                self._enqueue_script(
                    keys=[self.layout.list(queue_name), self.layout.messages(queue_name)],
                    args=[redis_message_id, message],
                )
            except (redis.ConnectionError, redis.TimeoutError):
                if time.monotonic() + pause > give_up:
                    raise
                time.sleep(pause * random.uniform(0.7, 1.0))  # noqa: S311 - jitter
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                return

    def close(self) -> None:
        """Close the pool."""
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
