"""The one place where a Redis URL becomes a client, for threads and for the event loop.

No client retries by itself: redis-py would repeat commands that must not be repeated (a fetch), and
hide an outage for seconds. Who may repeat a call knows it: `link.py`, `broker.py`.
"""

import ssl
from typing import Any, Final

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from producer.redis_url import PlainUrl, RedisUrl, SentinelUrl, parse_redis_url

CONNECT_TIMEOUT_SECONDS: Final = 5.0
CALL_TIMEOUT_SECONDS: Final = 5.0

_KEEPALIVE: Final[dict[str, Any]] = {"socket_keepalive": True}
"""Tells of a peer that is gone without a word; a unix socket has no such peer, nor the option."""


def sync_client(
    url: str, *, max_connections: int = 16, timeout_seconds: float = CALL_TIMEOUT_SECONDS
) -> redis.Redis:
    """A client for threads; a call that finds all connections in use waits for one."""
    target = parse_redis_url(url)
    options = {
        **_connecting(target),
        "socket_timeout": timeout_seconds,
        "retry": Retry(NoBackoff(), 0),
        "max_connections": max_connections,
    }
    if isinstance(target, SentinelUrl):
        asking = {**_sentinel_options(target), "retry": Retry(NoBackoff(), 0)}
        manager = Sentinel(target.hosts, sentinel_kwargs=asking)
        client: redis.Redis = manager.master_for(target.service, **_data_options(target), **options)
        return client
    pool = redis.BlockingConnectionPool.from_url(target.url, timeout=timeout_seconds, **options)
    return redis.Redis(connection_pool=pool)


def async_pool(url: str) -> redis.asyncio.ConnectionPool:
    """Makes connections for the event loop, with no time-out of their own: see `pipe.py`.

    Opens nothing yet. With Sentinel each new connection asks who the master is.
    """
    target = parse_redis_url(url)
    options = {**_connecting(target), "socket_timeout": None, "retry": AsyncRetry(NoBackoff(), 0)}
    if isinstance(target, SentinelUrl):
        asking = {**_sentinel_options(target), "retry": AsyncRetry(NoBackoff(), 0)}
        manager = AsyncSentinel(target.hosts, sentinel_kwargs=asking)
        client: redis.asyncio.Redis = manager.master_for(
            target.service, **_data_options(target), **options
        )
        return client.connection_pool
    return redis.asyncio.ConnectionPool.from_url(target.url, **options)


def _connecting(target: RedisUrl) -> dict[str, Any]:
    unix = isinstance(target, PlainUrl) and target.url.startswith("unix:")
    return {"socket_connect_timeout": CONNECT_TIMEOUT_SECONDS, **({} if unix else _KEEPALIVE)}


def _sentinel_options(target: SentinelUrl) -> dict[str, Any]:
    """For the sentinels themselves. A dead one is not asked again: the next one is."""
    options: dict[str, Any] = {
        "socket_timeout": CONNECT_TIMEOUT_SECONDS,
        "socket_connect_timeout": CONNECT_TIMEOUT_SECONDS,
    }
    return options | _tls_options(target)


def _data_options(target: SentinelUrl) -> dict[str, Any]:
    options: dict[str, Any] = {
        "db": target.database,
        "username": target.username,
        "password": target.password,
    }
    return options | _tls_options(target)


def _tls_options(target: SentinelUrl) -> dict[str, Any]:
    return {"ssl": True, "ssl_cert_reqs": ssl.CERT_REQUIRED} if target.tls else {}
