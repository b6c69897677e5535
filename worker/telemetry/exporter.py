"""`/metrics`, `/healthz` and `/readyz`: a thread of the supervisor, or a process of its own.

The supervisor runs no job, so the page still answers while the workers drain, hang or are dead.
What waits in queues is read from Redis at each scrape; without Redis it is missing and
the rest is there.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import redis
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from producer.contract.names import Queue
from producer.redis_clients import is_primary
from worker.queue.depth import Depth, measure_all
from worker.queue.shard_clients import ShardClient
from worker.telemetry.collectors import (
    BuildCollector,
    ProcessesCollector,
    QueueCollector,
    SharedCollector,
    Workers,
    registry_of,
)
from worker.telemetry.heartbeat import Heartbeat
from worker.telemetry.page_server import Page, Pages, PageServer

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

REDIS_TIMEOUT_SECONDS: Final = 1.5
"""A scrape gives up after ten; the page must answer well before, Redis or not."""

POLL_SECONDS: Final = 0.1
"""How long `stop` waits at most."""

REASON_CHARACTERS: Final = 100

TEXT: Final = "text/plain; charset=utf-8"
INDEX: Final = {
    "/metrics": "for Prometheus",
    "/healthz": "200 while every worker process turns; else the orchestrator should restart them",
    "/readyz": "200 while jobs are fetched: Redis takes writes, a worker process lives, no drain",
}


class PortTakenError(Exception):
    """The page cannot be served; the text names the setting and the reason."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the metrics come from. `workers` None: there are none under this process.

    The clients should give up quickly and not retry (`REDIS_TIMEOUT_SECONDS`).
    """

    shards: Sequence[ShardClient]
    version: str
    workers: Workers | None = None

    def depths(self) -> list[Depth]:
        """What waits in Redis. Raises redis.RedisError."""
        return measure_all(self.shards, Queue)

    def heartbeats(self) -> Sequence[Heartbeat]:
        return self.workers.heartbeats() if self.workers else ()

    def registry(self) -> CollectorRegistry:
        collectors: list[Collector] = [QueueCollector(self.depths), BuildCollector(self.version)]
        if self.workers is not None:
            collectors.append(ProcessesCollector(self.workers))
            collectors.append(SharedCollector(self.workers))
        return registry_of(*collectors)


class Exporter:
    """Binds at once, so that a taken port stops the start; serves between `start` and `stop`."""

    def __init__(self, host: str, port: int, sources: Sources) -> None:
        self._sources = sources
        self._draining = False
        self._registry = sources.registry()
        try:
            self._server = PageServer(host, port, self._pages())
        except OSError as error:
            reason = error.strerror or str(error)
            raise PortTakenError(
                f"MAILVOUCH_METRICS_PORT: cannot listen on {host}:{port}: {reason} "
                "(0 takes any free port)"
            ) from error
        self._thread = threading.Thread(target=self.serve, name="metrics", daemon=True)

    @property
    def url(self) -> str:
        """Where the page is; with port 0 the kernel chose one."""
        host, port = self._server.server_address[:2]
        name = str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def start(self) -> None:
        self._thread.start()

    def serve(self) -> None:
        """Serve from this thread, until interrupted: a process that does nothing else."""
        self._server.serve_forever(POLL_SECONDS)

    def drain(self) -> None:
        """From now on not ready: no more jobs are fetched."""
        self._draining = True

    def stop(self) -> None:
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def _pages(self) -> Pages:
        return {
            "/": self._index,
            "/metrics": self._metrics,
            "/healthz": self._health,
            "/readyz": self._readiness,
        }

    def _index(self, _accept: str) -> Page:
        text = "".join(f"{path:<10}{line}\n" for path, line in INDEX.items())
        return HTTPStatus.OK, TEXT, text.encode()

    def _metrics(self, accept: str) -> Page:
        encode, content_type = choose_encoder(accept)
        return HTTPStatus.OK, content_type, encode(self._registry)

    def _health(self, _accept: str) -> Page:
        return _verdict(_stuck(self._sources.heartbeats()))

    def _readiness(self, _accept: str) -> Page:
        draining = ["draining: no more jobs are fetched"] if self._draining else []
        return _verdict([*draining, *self._without_redis(), *self._without_workers()])

    def _without_redis(self) -> list[str]:
        beats = {shard.client: shard.layout.heartbeats for shard in self._sources.shards}
        troubles = [_trouble(client) for client in beats]
        if self._sources.workers is not None and not any(troubles):  # else we may have no right to
            troubles = [_refusal(client, key) for client, key in beats.items()]
        return list(dict.fromkeys(filter(None, troubles)))

    def _without_workers(self) -> list[str]:
        if self._sources.workers is None:
            return []
        if any(beat.is_alive for beat in self._sources.heartbeats()):
            return []
        return ["no worker process fetches jobs"]


def _trouble(client: redis.Redis) -> str:
    try:
        client.ping()
        primary = is_primary(client)
    except redis.ResponseError as error:  # a full disk refuses even PING
        return f"Redis refuses: {_reason(error)}"
    except redis.RedisError as error:
        return f"Redis does not answer: {type(error).__name__}"
    return "" if primary else "Redis is a replica: it takes no writes"


def _refusal(client: redis.Redis, heartbeats: str) -> str:
    """Say why nothing can be written (full memory, full disk): no job is fetched then.

    The write that is tried changes nothing: the time of a member that there is not.
    """
    try:
        client.zadd(heartbeats, {"": 0.0}, xx=True)
    except redis.exceptions.NoPermissionError:
        return ""  # the log names what a worker lacks
    except redis.RedisError as error:
        return f"Redis takes no writes: {_reason(error)}"
    return ""


def _reason(error: redis.RedisError) -> str:
    return str(error).partition(".")[0][:REASON_CHARACTERS]


def _stuck(beats: Sequence[Heartbeat]) -> list[str]:
    return [
        f"worker process {beat.slot}: no heartbeat for {beat.age_seconds:.0f} s"
        for beat in beats
        if beat.is_stuck
    ]


def _verdict(troubles: list[str]) -> Page:
    status = HTTPStatus.SERVICE_UNAVAILABLE if troubles else HTTPStatus.OK
    return status, TEXT, "\n".join([*(troubles or ["ok"]), ""]).encode()
