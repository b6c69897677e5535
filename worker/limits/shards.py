"""Where the limits of a host are in Redis: all of them in one shard, whatever shard the job is in.

The places of a host are counted over all workers, and an account is one at a host (`identity`): so
the host's name chooses the shard, and each script finds all its keys in one slot.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from producer.contract.keyspace import number_of
from worker.limits.calls import Calls
from worker.limits.script_words import LimitKeys
from worker.redis_link.link import Link


@dataclass(frozen=True, slots=True, eq=False)
class LimitShard:
    """One shard's namespace, as the limits use it."""

    link: Link
    keys: LimitKeys
    call: Calls


@dataclass(frozen=True, slots=True)
class LimitShards:
    """One for each shard, in their order."""

    each: Sequence[LimitShard]

    def of_host(self, host: str) -> LimitShard:
        """Take a host's name, hexadecimal digits of `Identity`."""
        return self.each[number_of(host, len(self.each))]


def limit_shards(links: Mapping[str, Link]) -> LimitShards:
    """Take the link of each shard's namespace, in the shards' order."""
    keys = {name: LimitKeys(name) for name in links}
    shards = (LimitShard(link, keys[name], Calls(link, keys[name])) for name, link in links.items())
    return LimitShards(tuple(shards))
