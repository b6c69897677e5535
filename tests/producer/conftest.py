import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
import redis

from producer.client import Client
from producer.contract.names import Keys
from tests.support.redis_server import embedded_redis
from tests.support.threads import beside

KEYS = Keys()


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with embedded_redis() as server:
        yield server.url


@pytest.fixture
def store(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


@pytest.fixture
def client(store: redis.Redis, redis_url: str) -> Iterator[Client]:
    with Client(redis_url) as client:
        yield client


def save(
    store: redis.Redis, job_id: str, result: Any, report: Any = None, *, publish: bool = True
) -> None:
    """What a worker does at the end of a job."""
    with store.pipeline(transaction=True) as pipe:
        pipe.set(KEYS.result(job_id), json.dumps(result), ex=60)
        if report is not None:
            pipe.set(KEYS.report(job_id), json.dumps(report), ex=60)
        pipe.delete(KEYS.request(job_id))
        if publish:
            pipe.publish(KEYS.done(job_id), job_id)
        pipe.execute()


@pytest.fixture
def save_result(store: redis.Redis) -> Callable[..., None]:
    def save_it(*arguments: Any, **options: Any) -> None:
        save(store, *arguments, **options)

    return save_it


@pytest.fixture
def answering(store: redis.Redis) -> Callable[..., AbstractContextManager[None]]:
    """A stand-in for the worker: answers each job with what `answer(envelope)` returns."""

    def answers(
        answer: Callable[[dict[str, Any]], Any], report: Any = None
    ) -> AbstractContextManager[None]:
        def work(over: threading.Event) -> None:
            queues = [KEYS.queue("credential-tests"), KEYS.queue("integration-updates")]
            while not over.is_set():
                found = store.blpop(queues, timeout=0.2)
                if found is not None:
                    message = json.loads(store.hget(f"{found[0].decode()}.msgs", found[1]))
                    (job_id,) = message["args"]
                    envelope = json.loads(store.get(KEYS.request(job_id)))
                    save(store, job_id, answer(envelope), report)

        return beside(work)

    return answers
