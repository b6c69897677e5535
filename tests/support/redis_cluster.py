"""A real cluster: three primaries and a replica of each, as processes that a test may kill."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import redis

from producer.contract.keyspace import hash_slot_of
from tests.support.queueing import wait_for
from tests.support.redis_process import RedisProcess, free_port

SLOTS: Final = 16384
PRIMARIES: Final = 3
NODE_TIMEOUT_MS: Final = 30_000
"""A busy machine stops nodes for seconds: none is to be taken for dead that no test has killed."""

SHORT_NODE_TIMEOUT_MS: Final = 2000
"""For tests that kill one, and stand it that others are taken for dead."""

MIGRATE_MS: Final = 5000


class Node(RedisProcess):
    """One node. Its bus has a free port: by default it is 10,000 higher, maybe beyond 65535."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.bus_port = free_port()
        super().__init__(
            directory,
            *("--cluster-enabled", "yes", "--cluster-port", str(self.bus_port)),
            *("--cluster-replica-validity-factor", "0"),
            *options,
        )

    def ask(self, *words: str | int) -> Any:
        with self.client() as client:
            return client.execute_command(*map(str, words))

    @property
    def node_id(self) -> str:
        return str(self.ask("CLUSTER", "MYID").decode())

    @property
    def facts(self) -> dict[str, str]:
        """What CLUSTER INFO says."""
        reply = self.ask("CLUSTER", "INFO")
        if isinstance(reply, dict):
            return {str(name): str(value) for name, value in reply.items()}
        lines = reply.decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)


class RedisCluster:
    """`nodes`: the primaries first, then the replica of each, in the same order."""

    def __init__(self, folder: Path, node_timeout_ms: int = NODE_TIMEOUT_MS) -> None:
        timeout = ("--cluster-node-timeout", str(node_timeout_ms))
        self.nodes = [Node(folder / f"node-{number}", *timeout) for number in range(2 * PRIMARIES)]

    @property
    def url(self) -> str:
        """Names two nodes: the others have to be learned of."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{node.port}" for node in self.nodes[:2])

    def start(self) -> None:
        for node in self.nodes:
            node.start()
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            if node is not first:
                node.ask("CLUSTER", "MEET", "127.0.0.1", first.port, first.bus_port)
        for number, node in enumerate(self.nodes[:PRIMARIES]):
            share = (SLOTS * number // PRIMARIES, SLOTS * (number + 1) // PRIMARIES - 1)
            node.ask("CLUSTER", "ADDSLOTSRANGE", *share)
        wait_for(lambda: all(node.facts["cluster_known_nodes"] == "6" for node in self.nodes))
        for primary, replica in zip(self.nodes, self.nodes[PRIMARIES:], strict=False):
            wait_for(lambda ours=primary.node_id, node=replica: ours in _known(node))  # type: ignore[misc]
            replica.ask("CLUSTER", "REPLICATE", primary.node_id)
        wait_for(self.is_whole)

    def is_whole(self) -> bool:
        """All nodes that run agree that every slot is served, and every replica has caught up."""
        return all(node.facts["cluster_state"] == "ok" for node in self.running) and all(
            _has_replica(node) for node in self.nodes[:PRIMARIES] if node.process is not None
        )

    @property
    def running(self) -> list[Node]:
        return [node for node in self.nodes if node.process is not None]

    def owner(self, key: str) -> Node:
        """The node that serves a key, as a node that runs tells it."""
        slot = hash_slot_of(key)
        for first, last, primary, *_ in self.running[-1].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == primary[1])
        raise LookupError(f"nobody serves slot {slot}")

    def move_slot(self, key: str, target: Node, *, keys_at_once: int = 10) -> None:
        """Move the slot of a key as `redis-cli --cluster reshard` does, some keys at a time."""
        slot, source = hash_slot_of(key), self.begin_to_move(key, target)
        with source.client() as client:
            where = ("127.0.0.1", target.port, "", 0, MIGRATE_MS)
            while keys := client.execute_command("CLUSTER", "GETKEYSINSLOT", slot, keys_at_once):
                client.execute_command("MIGRATE", *where, "KEYS", *keys)
        for node in (target, source, *self.running):
            with contextlib.suppress(redis.ResponseError):  # a replica takes it from its primary
                node.ask("CLUSTER", "SETSLOT", slot, "NODE", target.node_id)

    def begin_to_move(self, key: str, target: Node) -> Node:
        """Say that the slot of a key is on its way; return where it still is."""
        slot, source = hash_slot_of(key), self.owner(key)
        target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", source.node_id)
        source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", target.node_id)
        return source

    def other_primary(self, key: str) -> Node:
        """A primary that does not serve the key."""
        owner = self.owner(key)
        ports = {shard[2][1] for shard in owner.ask("CLUSTER", "SLOTS")}
        return next(node for node in self.nodes if node.port in ports - {owner.port})

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()


def _known(node: Node) -> str:
    reply = node.ask("CLUSTER", "NODES")
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def _has_replica(node: Node) -> bool:
    with node.client() as client:
        facts: Any = client.info("replication")
    if facts["role"] != "master":
        return True
    states = [
        facts[name]["state"]
        for name in facts
        if name.startswith("slave") and isinstance(facts[name], dict)
    ]
    return states == ["online"]


@contextlib.contextmanager
def redis_cluster(folder: Path, node_timeout_ms: int = NODE_TIMEOUT_MS) -> Iterator[RedisCluster]:
    cluster = RedisCluster(folder, node_timeout_ms)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.kill()
