"""What the operator's commands share: the Redis that the workers use, or a line and exit 4."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final

import click
import redis
from rich.table import Table

from producer.redis_failures import unavailable
from producer.redis_url import parse_redis_url
from producer.settings import NoRedisError
from producer.terminal import Terminal
from worker.queue.shard_clients import ShardClient, open_shards
from worker.settings import Settings

REDIS_TIMEOUT_SECONDS: Final = 3.0
EXIT_NO_REDIS: Final = 4

out: Final = Terminal()


def table_of(*titles: str) -> Table:
    """Make a table for people, in which nothing is cut."""
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


class NoRedisExit(click.ClickException):
    """Ends a command that has no Redis to talk to; the text says what to do."""

    exit_code = EXIT_NO_REDIS


def redis_url(settings: Settings) -> str:
    """The named Redis, else the embedded one's socket. Raises NoRedisExit where it is missing."""
    try:
        settings.redis()
    except NoRedisError as error:
        raise NoRedisExit(str(error)) from None
    return settings.redis_address


def operators_shards(
    settings: Settings, timeout_seconds: float = REDIS_TIMEOUT_SECONDS
) -> AbstractContextManager[Sequence[ShardClient]]:
    """Clients that give up quickly and do not retry. Raises NoRedisExit; they connect later."""
    return open_shards(redis_url(settings), settings.keyspace, timeout_seconds)


def unreachable(settings: Settings, error: redis.RedisError) -> NoRedisExit:
    """What to raise where a call failed. The text holds no secret."""
    return NoRedisExit(str(unavailable(parse_redis_url(settings.redis_address), error)))
