"""From a Redis URL to a redis-py client, and from redis-py's errors to one that says what to do."""

from typing import Any, Final

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from producer.redis_url import RedisUrl, SentinelUrl

TIMEOUT_SECONDS: Final = 5.0
_RETRY_PAUSE_SECONDS: Final = 0.1
_RETRIES: Final = 1
"""One: enough for a pooled connection that went stale; an outage is the caller's to see."""

_LIMITS: Final[dict[str, Any]] = {
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
}

Failure = redis.RedisError | OSError
FAILURES: Final = (redis.RedisError, OSError)


class RedisUnavailableError(Exception):
    """Redis cannot be used now. The text names the server, the reason and the remedy."""


def connect(url: RedisUrl) -> redis.Redis:
    """Return a client that connects on first use. Replies are bytes."""
    options = {**_LIMITS, "retry": Retry(ConstantBackoff(_RETRY_PAUSE_SECONDS), _RETRIES)}
    if not isinstance(url, SentinelUrl):
        return redis.Redis.from_url(url.url, **options)
    sentinel = Sentinel(url.hosts, sentinel_kwargs=options | _tls(url))
    client: redis.Redis = sentinel.master_for(url.service, **options, **_data_options(url))
    return client


def connect_async(url: RedisUrl) -> redis.asyncio.Redis:
    """Do as `connect` does, for asyncio."""
    options = {**_LIMITS, "retry": AsyncRetry(ConstantBackoff(_RETRY_PAUSE_SECONDS), _RETRIES)}
    if not isinstance(url, SentinelUrl):
        return redis.asyncio.Redis.from_url(url.url, **options)
    sentinel = AsyncSentinel(url.hosts, sentinel_kwargs=options | _tls(url))
    client: redis.asyncio.Redis = sentinel.master_for(url.service, **options, **_data_options(url))
    return client


def close(client: redis.Redis) -> None:
    """Close a client, and what it asks for its primary: redis-py leaves the latter open."""
    client.close()
    for sentinel in _sentinels(client):
        sentinel.close()


async def close_async(client: redis.asyncio.Redis) -> None:
    """Do as `close` does, for asyncio."""
    await client.aclose()
    for sentinel in _sentinels(client):
        await sentinel.aclose()


def _sentinels(client: redis.Redis | redis.asyncio.Redis) -> list[Any]:
    manager = getattr(client.connection_pool, "sentinel_manager", None)
    return manager.sentinels if manager is not None else []


def unavailable(url: RedisUrl, error: Failure) -> RedisUnavailableError:
    """Say what is wrong with Redis. Never quotes the URL's credential."""
    return RedisUnavailableError(f"Redis at {url.place} {_complaint(url, error)}")


def _complaint(url: RedisUrl, error: Failure) -> str:
    if isinstance(error, redis.AuthenticationError | redis.exceptions.NoPermissionError):
        return "refuses this user: check user and password in MAILVOUCH_REDIS_URL, and the ACL"
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return "is full (maxmemory reached): nothing was stored"
    if isinstance(error, redis.exceptions.ReadOnlyError):
        return "is a read-only replica: MAILVOUCH_REDIS_URL must name the primary"
    if isinstance(error, redis.BusyLoadingError):
        return "is still loading its data: try again in a moment"
    if isinstance(error, redis.ResponseError):
        return f"refuses the command: {error}"
    # A worker that was killed leaves the socket of its embedded Redis behind.
    starts = " (mailvouch-worker run starts an embedded one)" if url.place.startswith("/") else ""
    return (
        f"cannot be reached ({_reason(error)}): check that it runs{starts}, and MAILVOUCH_REDIS_URL"
    )


def _reason(error: Failure) -> str:
    for cause in (error, error.__cause__, error.__context__):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    if isinstance(error, redis.TimeoutError):
        return "no answer in time"
    return "no connection"


def _tls(url: SentinelUrl) -> dict[str, Any]:
    return {"ssl": True} if url.tls else {}


def _data_options(url: SentinelUrl) -> dict[str, Any]:
    return {
        "db": url.database,
        "username": url.username,
        "password": url.password,
        **_tls(url),
    }
