"""What the operator's commands share: the Redis that the workers use, or a line and exit 4."""

import sys
from typing import Final

import click
import redis

from producer.redis_url import parse_redis_url
from producer.settings import PREFIX
from producer.terminal import Terminal
from worker.redis_link.connections import sync_client
from worker.settings import Settings

REDIS_TIMEOUT_SECONDS: Final = 3.0
EXIT_NO_REDIS: Final = 4

out: Final = Terminal()


def wants_json(*, asked: bool) -> bool:
    """Tell whether to print JSON: asked for, or nobody looks at a terminal."""
    return asked or not sys.stdout.isatty()


class NoRedisError(click.ClickException):
    """No Redis to talk to; the text says what to start."""

    exit_code = EXIT_NO_REDIS


def redis_url(settings: Settings) -> str:
    """The named Redis, else the embedded one's socket. Raises NoRedisError where it is missing."""
    if settings.redis_url is None and not settings.embedded_socket.is_socket():
        raise NoRedisError(
            f"{PREFIX}REDIS_URL is not set and {settings.embedded_socket} does not exist. "
            "Start a worker with its embedded Redis: mailvouch-worker run"
        )
    return settings.redis_address


def operators_redis(
    settings: Settings, timeout_seconds: float = REDIS_TIMEOUT_SECONDS
) -> redis.Redis:
    """A client that gives up quickly and does not retry. Raises NoRedisError; connects later."""
    return sync_client(redis_url(settings), max_connections=4, timeout_seconds=timeout_seconds)


def unreachable(settings: Settings, error: redis.RedisError) -> NoRedisError:
    """What to raise where a call failed: the location, the error's class, the remedy; no secret."""
    location = parse_redis_url(settings.redis_address).location
    if isinstance(error, redis.AuthenticationError | redis.exceptions.NoPermissionError):
        remedy = f"check user and password in {PREFIX}REDIS_URL, and the ACL"
    elif settings.redis_url is None:
        remedy = "start a worker with its embedded Redis: mailvouch-worker run"
    else:
        remedy = f"check that it runs, and {PREFIX}REDIS_URL"
    return NoRedisError(
        f"Redis at {location} does not answer as it should ({type(error).__name__}): {remedy}"
    )
