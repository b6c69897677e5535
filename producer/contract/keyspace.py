"""Where a job's keys are in Redis, told from its id alone (docs/CONTRACT.md section 12).

Without shards all keys begin with the namespace. A cluster keeps keys of one script or transaction
on one node only where their names share a hash tag, the part in braces
(https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags): so on a
cluster the namespace stands in braces, and with shards each job is under the namespace of its own.

    mailvouch:result:<id>        one Redis
    {mailvouch}:result:<id>      a cluster, one shard
    {mailvouch-3-}:result:<id>   shard 3 of several, whatever Redis is

The dash at the end spreads the shards over the hash slots: a slot is a CRC, which is linear, and
the slots of names that end in their number lie close together in four groups.

What is no job's (brands, integrations, catalogue, subscribers) stays under `mailvouch:` or
`{mailvouch}:`, however many shards there are.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from producer.contract.names import NAMESPACE

MAX_SHARDS: Final = 64
"""A worker process holds four connections a shard."""

SHARD_PATTERNS: Final = ("[0-9]", "[0-9][0-9]")
"""Every number of a shard as Redis' patterns for keys and channels match it."""

_DIGITS_THAT_COUNT: Final = 8
_NUMBER_IN_ID: Final = re.compile(r"s(0|[1-9][0-9]?)-")


@dataclass(frozen=True, slots=True)
class Keyspace:
    """The namespaces of one installation."""

    namespace: str = NAMESPACE
    shards: int = 1
    on_cluster: bool = False

    @property
    def records(self) -> str:
        """The namespace of what is no job's."""
        return f"{{{self.namespace}}}" if self.on_cluster else self.namespace

    @property
    def of_jobs(self) -> tuple[str, ...]:
        """The namespace of each shard."""
        if self.shards == 1:
            return (self.records,)
        return tuple(f"{{{self.namespace}-{number}-}}" for number in range(self.shards))

    @property
    def patterns(self) -> tuple[str, ...]:
        """What matches the namespace of every shard, however many there are."""
        if self.shards == 1:
            return (self.records,)
        return tuple(f"{{{self.namespace}-{digits}-}}" for digits in SHARD_PATTERNS)

    def shard_of_job(self, job_id: str) -> int:
        """Tell a job's shard: the one that its id names, else the one of the id's hash."""
        named = _NUMBER_IN_ID.match(job_id)
        if named is not None and int(named[1]) < self.shards:
            return int(named[1])
        return self.shard_of(job_id)

    def shard_of(self, text: str) -> int:
        """Tell the shard of any text: the first 32 bits of its SHA-256, modulo the shards."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return number_of(digest, self.shards)

    def name_shard(self, job_id: str, party: str) -> str:
        """Make a fresh id name the shard of a dealer or brand; without shards it stays as it is."""
        return job_id if self.shards == 1 else f"s{self.shard_of(party)}-{job_id}"


def number_of(digest: str, count: int) -> int:
    """Choose one of `count` by a digest in hexadecimal digits: by its first 32 bits."""
    return int(digest[:_DIGITS_THAT_COUNT], 16) % count


def hash_slot_of(key: str) -> int:
    """Return the hash slot: CRC16 (XMODEM) of the key's hash tag, else of it all, modulo 16384."""
    _, _, tail = key.partition("{")
    tag, brace, _ = tail.partition("}")
    crc = 0
    for octet in (tag if brace and tag else key).encode():
        crc ^= octet << 8
        for _ in range(8):
            crc = (crc << 1) ^ (0x1021 if crc & 0x8000 else 0)
        crc &= 0xFFFF
    return crc % 16384
