"""Where the limits of a host are in Redis: all of them in one shard, whatever shard the job is in.

The places of a host are counted over all workers, and an account is one at a host (`identity`): so
the host's name chooses the shard, and each script finds all its keys in one slot.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.exceptions import ResponseError

from producer.contract.keyspace import number_of
from worker.limits.lua import CLEAR
from worker.limits.script_args import LimitKeys
from worker.redis_link.call import key_pattern
from worker.redis_link.link import Link, Script
from worker.redis_link.replies import code_of

_WRONG_TYPE: Final = "WRONGTYPE"

_log = logging.getLogger("worker.limits")


@dataclass(frozen=True, slots=True, eq=False)
class LimitShard:
    """One shard's namespace, as the limits use it."""

    link: Link
    keys: LimitKeys

    async def call(self, script: Script, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """Run a script; where a key is of another type, delete it and run the script again.

        What the limits keep is worth less than the jobs that a foreign key would end.
        """
        try:
            return await self.link.call(script, keys, args)
        except ResponseError as error:
            if code_of(error) != _WRONG_TYPE:
                raise
        for key in await self.link.call(CLEAR, keys, self.keys.types(keys)):
            _log.error("limits_key_deleted", extra={"keys": key_pattern(key.decode())})
        return await self.link.call(script, keys, args)


class LimitShards:
    """All of them. `links` has the link of each shard's namespace, in the shards' order."""

    def __init__(self, links: Mapping[str, Link]) -> None:
        self.each = [LimitShard(link, LimitKeys(name)) for name, link in links.items()]

    def of_host(self, host: str) -> LimitShard:
        """Take a host's name, hexadecimal digits of `Identity`."""
        return self.each[number_of(host, len(self.each))]
