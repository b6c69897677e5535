"""From a Redis URL to a redis-py client, and from redis-py's errors to one that says what to do."""

from typing import Any, Final

import redis
import redis.asyncio
import redis.asyncio.retry
import redis.asyncio.sentinel
import redis.retry
import redis.sentinel
from redis.backoff import ConstantBackoff

from producer.contract.redis_url import RedisUrl, SentinelUrl

TIMEOUT_SECONDS: Final = 5.0
_RETRY_PAUSE_SECONDS: Final = 0.1
_RETRIES: Final = 1
"""One: enough for a pooled connection that went stale; an outage is the caller's to see."""

Failure = redis.RedisError | OSError
FAILURES: Final = (redis.RedisError, OSError)


class RedisUnavailableError(Exception):
    """Redis cannot be used now. The text names the server, the reason and the remedy."""


def connect(url: RedisUrl) -> redis.Redis:
    """Return a client that connects on first use. Replies are bytes."""
    retry = redis.retry.Retry(ConstantBackoff(_RETRY_PAUSE_SECONDS), _RETRIES)
    if not isinstance(url, SentinelUrl):
        return redis.Redis.from_url(url.url, retry=retry, **_limits())
    sentinel = redis.sentinel.Sentinel(url.hosts, sentinel_kwargs=_sentinel_options(url))
    client: redis.Redis = sentinel.master_for(url.service, retry=retry, **_data_options(url))
    return client


def connect_async(url: RedisUrl) -> redis.asyncio.Redis:
    """Do as `connect` does, for asyncio."""
    retry = redis.asyncio.retry.Retry(ConstantBackoff(_RETRY_PAUSE_SECONDS), _RETRIES)
    if not isinstance(url, SentinelUrl):
        return redis.asyncio.Redis.from_url(url.url, retry=retry, **_limits())
    sentinel = redis.asyncio.sentinel.Sentinel(url.hosts, sentinel_kwargs=_sentinel_options(url))
    client: redis.asyncio.Redis = sentinel.master_for(
        url.service, retry=retry, **_data_options(url)
    )
    return client


def unavailable(url: RedisUrl, error: Failure) -> RedisUnavailableError:
    """Say what is wrong with Redis. Never quotes the URL's credential."""
    return RedisUnavailableError(f"Redis at {url.place} {_complaint(error)}")


def _complaint(error: Failure) -> str:
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
    return f"cannot be reached ({_reason(error)}): check that it runs, and MAILVOUCH_REDIS_URL"


def _reason(error: Failure) -> str:
    cause = error if isinstance(error, OSError) and error.strerror else error.__cause__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    if isinstance(error, redis.TimeoutError):
        return "no answer in time"
    return "no connection"


def _limits() -> dict[str, Any]:
    return {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}


def _sentinel_options(url: SentinelUrl) -> dict[str, Any]:
    return {"ssl": True, **_limits()} if url.tls else _limits()


def _data_options(url: SentinelUrl) -> dict[str, Any]:
    return {
        "db": url.database,
        "username": url.username,
        "password": url.password,
        **_sentinel_options(url),
    }
