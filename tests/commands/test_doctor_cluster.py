"""What doctor says of a cluster, and what it advises."""

import fakeredis
import redis

from worker.commands.doctor.check import State
from worker.commands.doctor.cluster import check_cluster, check_served
from worker.queue.layout import Layout
from worker.queue.shard_clients import ShardClient

INFO = {"redis_version": "7.2", "redis_mode": "cluster", "aof_enabled": 1}


class StandInNode:
    """A node as a client of it sees it, for the connection and for itself."""

    def __init__(self, port, *, state="ok", size=3, replicas=1, info=INFO):
        self.host, self.port = "10.0.0.1", port
        self.connection_pool = self
        self._state, self._size, self._replicas, self._info = state, size, replicas, info

    def get_connection(self):
        return self

    def release(self, _connection):
        pass

    def execute_command(self, _name):
        return {"cluster_state": self._state, "cluster_size": str(self._size)}

    def info(self, section=""):
        return {"connected_slaves": self._replicas} if section == "replication" else self._info

    def time(self):
        raise redis.ConnectionError("away")


def checks(*nodes):
    shards = [ShardClient(node, Layout(f"{{mailvouch-{n}-}}")) for n, node in enumerate(nodes)]
    return {check.name: check for check in check_cluster(shards, "redis+cluster://h")}


def test_a_whole_cluster_with_replicas_and_spread_shards_is_well():
    found = checks(*(StandInNode(port) for port in (1, 2, 3, 1)))
    states = [found[name].state for name in ("cluster", "cluster replicas", "shards")]
    assert states == [State.OK] * 3
    assert found["shards"].text == "4 over 3 of 3 primaries"


def test_a_slot_that_nobody_serves_is_a_failure():
    assert checks(StandInNode(1, state="fail"))["cluster"].state is State.FAIL


def test_a_primary_without_a_replica_is_named():
    found = checks(StandInNode(1), StandInNode(2, replicas=0))["cluster replicas"]
    assert found.state is State.WARN
    assert "10.0.0.1:2" in found.text
    assert "10.0.0.1:1" not in found.text


def test_shards_that_leave_primaries_idle_are_told():
    found = checks(StandInNode(1), StandInNode(1), StandInNode(2))["shards"]
    assert (found.state, found.text) == (State.WARN, "3 over 2 of 3 primaries")


def test_what_is_wrong_with_one_node_is_told_with_its_address():
    found = checks(StandInNode(1))["redis"]
    assert found.state is State.FAIL
    assert found.text.startswith("10.0.0.1:1: ")


def test_shards_that_no_worker_serves_are_named():
    with fakeredis.FakeRedis() as client:
        shards = [ShardClient(client, Layout(f"{{mailvouch-{n}-}}")) for n in range(4)]
        assert list(check_served(shards)) == []
        for shard in shards[:2]:
            client.zadd(shard.layout.heartbeats, {"worker": 1})
        (found,) = check_served(shards)
        assert (found.state, found.name) == (State.FAIL, "shards served")
        assert "shard 2, 3 of 4" in found.text
        for shard in shards:
            client.zadd(shard.layout.heartbeats, {"worker": 1})
        assert list(check_served(shards)) == []


def test_a_cluster_that_does_not_answer_is_one_failure():
    class Away(StandInNode):
        def execute_command(self, _name):
            raise redis.ConnectionError("no node of the cluster answers")

    found = checks(Away(1))
    assert list(found) == ["redis"]
    assert found["redis"].state is State.FAIL
    assert "no node of the cluster answers" in found["redis"].text
