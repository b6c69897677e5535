"""How much is asked of Redis."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis


@dataclass
class Commands:
    """How many there were, those inside scripts too; known once the block has ended."""

    count: int = 0


@contextmanager
def counted_commands(client: redis.Redis) -> Iterator[Commands]:
    """Count the commands of all clients meanwhile."""
    commands = Commands()
    before = _processed(client)
    yield commands
    commands.count = _processed(client) - before - 1  # the one that asked first


def _processed(client: redis.Redis) -> int:
    return int(client.info("stats")["total_commands_processed"])
