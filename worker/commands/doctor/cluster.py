"""A cluster: whole, with a replica of each primary, the shards spread over the primaries."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import redis

from worker.commands.doctor.check import Check, State, fail, ok, warn
from worker.commands.doctor.server import check_redis
from worker.queue.shard_clients import ShardClient

Nodes = Mapping[str, ShardClient]
"""The primaries that serve our shards, by address; of each the first of its shards."""


def check_cluster(shards: Sequence[ShardClient], redis_url: str) -> Iterator[Check]:
    """Check each primary that serves a shard, and what they are together."""
    try:
        facts: Any = shards[0].client.execute_command("CLUSTER INFO")
        served = {_address(shard.client): shard for shard in reversed(shards)}
        replicas = {address: _replicas(shard.client) for address, shard in served.items()}
    except redis.RedisError as error:
        yield fail(
            "redis",
            f"no usable answer of the cluster: {type(error).__name__} {error}".rstrip(),
            "check its nodes, MAILVOUCH_REDIS_URL, password and ACL (make_users.py --cluster)",
        )
        return
    yield _check_state(str(facts["cluster_state"]))
    yield _check_replicas(replicas)
    yield _check_spread(len(shards), served, int(facts["cluster_size"]))
    for number, (address, shard) in enumerate(served.items()):
        for check in check_redis(shard.client, shard.layout.namespace, redis_url):
            if number == 0 or check.state is not State.OK:
                yield Check(check.name, check.state, f"{address}: {check.text}", check.remedy)


def check_served(shards: Sequence[ShardClient]) -> Iterator[Check]:
    """Find shards that the workers do not serve, as they would with another number of them."""
    try:
        counts = [shard.client.zcard(shard.layout.heartbeats) for shard in shards]
    except redis.RedisError:
        return  # said already
    idle = [str(number) for number, count in enumerate(counts) if not count]
    if idle and any(counts):
        yield fail(
            "shards served",
            f"no worker serves shard {', '.join(idle)} of {len(shards)}: jobs there wait for ever",
            "the same MAILVOUCH_SHARDS for every worker, gateway and producer",
        )


def _address(client: redis.Redis) -> str:
    """Tell where a connection of the client leads."""
    pool = client.connection_pool
    connection: Any = pool.get_connection()
    pool.release(connection)
    return f"{connection.host}:{connection.port}"


def _replicas(client: redis.Redis) -> int:
    replication: Any = client.info("replication")
    return int(replication.get("connected_slaves", 0))


def _check_state(state: str) -> Check:
    if state == "ok":
        return ok("cluster", "every slot is served")
    return fail(
        "cluster",
        f"its state is {state}: a slot is served by nobody, or the nodes do not see each other",
        "CLUSTER INFO and CLUSTER NODES at each node; RUNBOOK: Redis Cluster",
    )


def _check_replicas(replicas: Mapping[str, int]) -> Check:
    alone = [address for address, count in replicas.items() if not count]
    if not alone:
        return ok("cluster replicas", "every primary of ours has one")
    return warn(
        "cluster replicas",
        f"none of {', '.join(alone)}: its jobs wait for it alone, and are lost with its disk",
        "add a replica (redis-cli --cluster add-node ... --cluster-slave)",
    )


def _check_spread(shards: int, served: Nodes, primaries: int) -> Check:
    text = f"{shards} over {len(served)} of {primaries} primaries"
    if len(served) == min(shards, primaries):
        return ok("shards", text)
    return warn(
        "shards",
        text,
        "more MAILVOUCH_SHARDS, or move the slot of one: redis-cli --cluster reshard",
    )
