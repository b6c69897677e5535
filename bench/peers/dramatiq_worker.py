"""Stock Dramatiq with threads, smtplib and imaplib. As a program: its client."""

import os

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from bench.peers.driver import drive

# Beyond the 100 connections of redis-py's default pool, threads lose results.
POOL = redis.ConnectionPool.from_url(os.environ["BENCH_REDIS_URL"], max_connections=10_000)
RESULTS = RedisBackend(client=redis.Redis(connection_pool=POOL))

broker = RedisBroker(client=redis.Redis(connection_pool=POOL))
broker.add_middleware(Results(backend=RESULTS))
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="bench", store_results=True, max_retries=0, result_ttl=3_600_000)
def probe(job):
    from bench.peers import standard_probe  # noqa: PLC0415 - the client needs no CA file

    return standard_probe.probe(job)


def wait(message):
    return message.get_result(backend=RESULTS, block=True, timeout=60_000)


if __name__ == "__main__":
    drive(probe.send, wait)
