"""What to say where Redis cannot be used: the server, the reason and the remedy, no credential."""

from typing import Final

import redis

from producer.redis_url import RedisUrl

Failure = redis.RedisError | OSError
FAILURES: Final = (redis.RedisError, OSError)
_COMPLAINTS: Final = (
    (
        redis.AuthenticationError,
        "refuses this user: check user and password in MAILVOUCH_REDIS_URL",
    ),
    (
        redis.exceptions.NoPermissionError,
        (
            "lets this user in, but not do this ({error}): MAILVOUCH_REDIS_URL needs a user who may"
            " (`operator` for commands by hand; deploy/redis/make_users.py says who may what)"
        ),
    ),
    (redis.exceptions.OutOfMemoryError, "is full (maxmemory reached): nothing was stored"),
    (
        redis.exceptions.ReadOnlyError,
        "is a read-only replica: MAILVOUCH_REDIS_URL must name the primary",
    ),
    (redis.BusyLoadingError, "is still loading its data: try again in a moment"),
)


class RedisUnavailableError(Exception):
    """Redis cannot be used now. The text names the server, the reason and the remedy."""


def unavailable(url: RedisUrl, error: Failure) -> RedisUnavailableError:
    """Say what is wrong with Redis. Never quotes the URL's credential."""
    return RedisUnavailableError(f"Redis at {url.location} {_complaint(url, error)}")


def _complaint(url: RedisUrl, error: Failure) -> str:
    for kind, complaint in _COMPLAINTS:
        if isinstance(error, kind):
            return complaint.format(error=error)
    if isinstance(error, redis.ResponseError):
        return f"refuses the command: {error}"
    # A worker that was killed leaves the socket of its embedded Redis behind.
    starts = (
        " (mailvouch-worker run starts an embedded one)" if url.location.startswith("/") else ""
    )
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
