"""Jobs over the shards of a real cluster, with a real worker and counting mail servers."""

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from producer.client import Client, credential_test
from producer.contract.keyspace import Keyspace, hash_slot_of
from producer.contract.names import Queue
from producer.records.store import StoreKeys
from producer.redis_clients import connect, connect_each
from producer.redis_failures import RedisUnavailableError
from producer.redis_url import parse_redis_url
from tests.support.fault_scenarios import Measured
from tests.support.fault_world import Workers, World
from tests.support.mail_farm import MailFarm, mail_farm
from tests.support.queueing import wait_for
from tests.support.redis_cluster import NODE_TIMEOUT_MS, Node, RedisCluster, redis_cluster
from tests.support.redis_server import data_folder
from tests.support.worker_process import worker_environment

SHARDS: Final = 4
RESULT_SECONDS: Final = 100.0
PACE_SECONDS: Final = 0.02
ON_ITS_WAY_SECONDS: Final = 3.0
"""As long as a slot with many keys is on its way: nothing can be made in it meanwhile."""


class ClusterWorld(World):
    """As World, over the shards of a cluster."""

    def __init__(
        self, folder: Path, cluster: RedisCluster, farm: MailFarm, shards: int = SHARDS
    ) -> None:
        self.folder = folder
        self.cluster = cluster
        self.farm = farm
        self.keyspace = Keyspace(shards=shards, on_cluster=True)
        url = parse_redis_url(cluster.url)
        self.client = Client(url, shards=shards)
        self.shards = connect_each(url, self.keyspace.of_jobs)
        self.redis = connect(url, hash_slot=hash_slot_of(self.keyspace.records))
        self.prepare(folder)

    @contextmanager
    def workers(self, command: str = "ours", *flags: str, **settings: str) -> Iterator[Workers]:
        with super().workers(
            command, *flags, SHARDS=str(self.keyspace.shards), **settings
        ) as workers:
            yield workers

    @property
    def records(self) -> StoreKeys:
        return StoreKeys(self.keyspace.records)

    @property
    def url(self) -> str:
        return self.cluster.url

    def beating(self) -> set[bytes]:
        """The worker processes that beat in every shard."""
        found = [set(client.zrange(keys.heartbeats, 0, -1)) for client, keys in self.shards]
        return set.intersection(*found)

    def submit(self, job: str, *items: dict[str, Any]) -> str:
        """Submit until the cluster takes it: as the id is chosen here, twice is harmless."""
        body = {"emailCredentialsRequests": list(items) or [self.account(job)]}
        while True:
            try:
                return self.client.submit(credential_test(body, "dealer"), job_id=job)
            except RedisUnavailableError:
                time.sleep(PACE_SECONDS)

    @contextmanager
    def steady_load(self, jobs: Iterable[str]) -> Iterator[list[str]]:
        """Submit one job after the other meanwhile; gives a list that grows by what was taken."""
        submitted: list[str] = []
        waiting = iter(list(jobs))

        def go_on() -> None:
            for job in waiting:
                submitted.append(self.submit(job))
                time.sleep(PACE_SECONDS)

        thread = threading.Thread(target=go_on, daemon=True)
        thread.start()
        yield submitted
        thread.join(RESULT_SECONDS)
        assert not thread.is_alive(), "not every job could be submitted"

    def results(self, jobs: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The results that are there, by job."""
        found = {}
        for job in jobs:
            with contextlib.suppress(RedisUnavailableError):
                if (result := self.client.fetch(job)) is not None:
                    found[job] = result
        return found

    def await_all(self, jobs: Iterable[str], *, submit_again: bool = False) -> int:
        """Wait for every result; return how many jobs had to be submitted again.

        A primary that dies may take with it what it has confirmed and not yet told its replica
        (https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#write-safety).
        """
        left = set(jobs)

        def all_there() -> bool:
            left.difference_update(self.results(left))
            return not left

        try:
            wait_for(all_there, RESULT_SECONDS / (3 if submit_again else 1))
        except AssertionError:
            if not submit_again:
                raise AssertionError(f"{len(left)} without a result: {sorted(left)[:5]}") from None
            lost = len(left)
            self.submit_all(sorted(left))
            self.await_all(left)
            return lost
        return 0

    def outcomes(self, jobs: Iterable[str]) -> Counter[str]:
        responses = (result["emailCredentialsResponses"] for result in self.results(jobs).values())
        return Counter(response[0]["outcome"] for response in responses)

    def command(self, module: str, *words: str) -> tuple[int, Any]:
        """Run a command of ours over this cluster: its exit status, and what it prints as JSON."""
        environment = worker_environment(
            self.folder,
            REDIS_URL=self.url,
            SHARDS=str(self.keyspace.shards),
            STORE_KEYS=str(self._store_key),
            CONNECT_TIMEOUT_SECONDS="8",
        )
        ended = subprocess.run(
            [sys.executable, "-m", module, *words],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            return ended.returncode, json.loads(ended.stdout)
        except ValueError:
            raise AssertionError(f"{words}: {ended.stdout}{ended.stderr}") from None

    def shard_of(self, job: str) -> int:
        return self.keyspace.shard_of_job(job)

    def await_order(self) -> None:
        """Wait until no queue of any shard holds anything, nor a worker anything of it."""
        wait_for(lambda: not any(self._left(number) for number in range(self.keyspace.shards)))

    def _left(self, shard: int) -> int:
        client, keys = self.shards[shard]
        lists = [client.llen(keys.queue(queue)) for queue in Queue]
        messages = [client.hlen(keys.messages(queue)) for queue in Queue]
        return sum((*lists, *messages))


def primary_dies(world: ClusterWorld) -> Measured:
    """The node that serves the first shard is killed while jobs run and come in everywhere."""
    return _without_a_primary(world, Node.kill)


def primary_hangs(world: ClusterWorld) -> Measured:
    """Likewise, but it answers no more and closes no connection; it comes back at the end."""
    return _without_a_primary(world, Node.freeze)


def _without_a_primary(world: ClusterWorld, end: Callable[[Node], None]) -> Measured:
    jobs = [f"job-{number}" for number in range(400)]
    with world.workers(), world.steady_load(jobs) as submitted:
        wait_for(lambda: len(submitted) >= 100)
        node = world.cluster.owner(world.keyspace.of_jobs[0])
        end(node)
        ended = time.monotonic()
        wait_for(lambda: len(submitted) == len(jobs), RESULT_SECONDS)
        again = world.await_all(jobs, submit_again=True)
        seconds = round(time.monotonic() - ended, 1)
        if node.process is not None:
            node.thaw()
        world.await_order()
        return _measured(world, jobs) | {"seconds": seconds, "submitted_again": again}


def slot_moves(world: ClusterWorld) -> Measured:
    """The slot of the first shard moves to another node meanwhile, one key at a time."""
    jobs = [f"job-{number}" for number in range(400)]
    with world.workers(), world.steady_load(jobs) as submitted:
        wait_for(lambda: len(submitted) >= 100)
        namespace = world.keyspace.of_jobs[0]
        target = world.cluster.other_primary(namespace)
        began = time.monotonic()
        world.cluster.begin_to_move(namespace, target)
        time.sleep(ON_ITS_WAY_SECONDS)
        world.cluster.move_slot(namespace, target, keys_at_once=1)
        moved = round(time.monotonic() - began, 1)
        assert world.cluster.owner(namespace) is target
        world.await_all(jobs)
        world.await_order()
        return _measured(world, jobs) | {"seconds_of_the_move": moved}


def _measured(world: ClusterWorld, jobs: list[str]) -> Measured:
    return {
        "jobs": len(jobs),
        "results": len(world.results(jobs)),
        "logins": dict(world.times_logged_in()),
        "outcomes": dict(world.outcomes(jobs)),
        "jobs_by_shard": dict(sorted(Counter(map(world.shard_of, jobs)).items())),
    }


@contextmanager
def cluster_world(
    shards: int = SHARDS, node_timeout_ms: int = NODE_TIMEOUT_MS
) -> Iterator[ClusterWorld]:
    with (
        data_folder() as folder,
        redis_cluster(folder / "cluster", node_timeout_ms) as cluster,
        mail_farm(folder) as farm,
    ):
        world = ClusterWorld(folder, cluster, farm, shards)
        try:
            yield world
        finally:
            world.client.close()
            world.redis.close()
            for client, _ in world.shards:
                client.close()
