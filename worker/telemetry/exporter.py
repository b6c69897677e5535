"""`/metrics`, `/healthz` and `/readyz`: a thread of the supervisor, or a process of its own.

The supervisor runs no job, so the page still answers while the workers drain, hang or are dead.
Queue figures come from Redis at each scrape; without Redis they are missing and the rest is there.
"""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Final

import redis
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from producer.contract.names import Queue
from producer.redis_clients import is_primary
from worker.queue.depth import Depth, measure
from worker.queue.layout import Layout
from worker.telemetry.pulse import STUCK_SECONDS, pulses

REDIS_TIMEOUT_SECONDS: Final = 1.5
"""A scrape gives up after ten; the page must answer well before, Redis or not."""

CLIENT_TIMEOUT_SECONDS: Final = 10
"""Someone who connects and says nothing is sent away."""

STATES: Final = ("ready", "delayed", "in_flight", "dead")


class PortTakenError(Exception):
    """The page cannot be served; the text names the setting and the reason."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures come from. `directory` None: there are no workers under this process.

    `client` should give up quickly and not retry (`REDIS_TIMEOUT_SECONDS`).
    """

    client: redis.Redis
    namespace: str
    version: str
    directory: Path | None = None

    def depths(self) -> list[Depth]:
        """What waits in Redis. Raises redis.RedisError."""
        return measure(self.client, Layout(self.namespace), Queue)

    def pulses(self) -> dict[str, float]:
        """Seconds since each worker process' last beat."""
        return pulses(self.directory) if self.directory else {}


class QueueCollector(Collector):
    """The two queue metrics; an unreachable Redis leaves them out, which `absent()` tells."""

    def __init__(self, read: Callable[[], Sequence[Depth]]) -> None:
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Read Redis once a scrape."""
        messages = GaugeMetricFamily(
            "mailvouch_queue_messages", "Messages of a queue, by state.", labels=("queue", "state")
        )
        oldest = GaugeMetricFamily(
            "mailvouch_queue_oldest_seconds",
            "Age of the message at the head of a queue.",
            labels=("queue",),
        )
        try:
            depths = self._read()
        except redis.RedisError:
            depths = ()
        for depth in depths:
            for state in STATES:
                messages.add_metric((depth.queue, state), getattr(depth, state))
            oldest.add_metric((depth.queue,), depth.oldest_seconds)
        yield messages
        yield oldest


class BuildCollector(Collector):
    """Which version runs; the same in all processes, so it is not summed."""

    def __init__(self, version: str) -> None:
        self._version = version

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Always 1: the label is what it says."""
        family = GaugeMetricFamily(
            "mailvouch_build_info", "The version that runs.", labels=("version",)
        )
        family.add_metric((self._version,), 1)
        yield family


class Exporter:
    """Binds at once, so that a taken port stops the start; serves between `start` and `stop`."""

    def __init__(self, host: str, port: int, sources: Sources) -> None:
        self._sources = sources
        self._draining = False
        self._registry = _registry(sources)
        try:
            self._server = _Server(host, port, self._pages())
        except OSError as error:
            reason = error.strerror or str(error)
            raise PortTakenError(
                f"MAILVOUCH_METRICS_PORT: cannot listen on {host}:{port}: {reason}"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="metrics", daemon=True
        )

    @property
    def url(self) -> str:
        """Where the page is; with port 0 the kernel chose one."""
        host, port = self._server.server_address[:2]
        name = str(host)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    def start(self) -> None:
        """Serve from a thread of this process."""
        self._thread.start()

    def serve(self) -> None:
        """Serve from this thread, until interrupted: a process that does nothing else."""
        self._server.serve_forever()

    def drain(self) -> None:
        """From now on not ready: no more jobs are fetched."""
        self._draining = True

    def stop(self) -> None:
        """Close the port."""
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()

    def _pages(self) -> "Pages":
        return {"/metrics": self._metrics, "/healthz": self._health, "/readyz": self._readiness}

    def _metrics(self, accept: str) -> "Page":
        encode, content_type = choose_encoder(accept)
        return HTTPStatus.OK, content_type, encode(self._registry)

    def _health(self, _accept: str) -> "Page":
        return _verdict(_stuck(self._sources.pulses()))

    def _readiness(self, _accept: str) -> "Page":
        return _verdict([*self._draining_now(), *self._without_redis(), *self._without_workers()])

    def _draining_now(self) -> list[str]:
        return ["draining: no more jobs are fetched"] if self._draining else []

    def _without_redis(self) -> list[str]:
        try:
            self._sources.client.ping()
            primary = is_primary(self._sources.client)
        except redis.RedisError as error:
            return [f"Redis does not answer: {type(error).__name__}"]
        return [] if primary else ["Redis is a replica: it takes no writes"]

    def _without_workers(self) -> list[str]:
        if self._sources.directory is None:
            return []
        ages = self._sources.pulses()
        if any(age < STUCK_SECONDS for age in ages.values()):
            return []
        return ["no worker process fetches jobs"]


Page = tuple[HTTPStatus, str, bytes]
Pages = dict[str, Callable[[str], Page]]


def _registry(sources: Sources) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(QueueCollector(sources.depths))
    registry.register(BuildCollector(sources.version))
    if sources.directory is not None:
        MultiProcessCollector(registry, str(sources.directory))
    return registry


def _stuck(ages: dict[str, float]) -> list[str]:
    return [
        f"worker process {slot}: no pulse for {age:.0f} s"
        for slot, age in sorted(ages.items())
        if age > STUCK_SECONDS
    ]


def _verdict(troubles: list[str]) -> Page:
    status = HTTPStatus.SERVICE_UNAVAILABLE if troubles else HTTPStatus.OK
    return status, "text/plain; charset=utf-8", "\n".join([*(troubles or ["ok"]), ""]).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A restart must not wait for the old connections to be forgotten.
    allow_reuse_address = True

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), type("Handler", (_Handler,), {"pages": pages}))

    def server_bind(self) -> None:
        """As http.server, less the reverse look-up of the own name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    def handle_error(self, request: object, client_address: object) -> None:
        """Someone who hangs up early is no news, and must not print to stderr."""


class _Handler(BaseHTTPRequestHandler):
    pages: ClassVar[Pages] = {}
    timeout = CLIENT_TIMEOUT_SECONDS
    server_version = "mailvouch"
    sys_version = ""

    def do_GET(self) -> None:
        page = self.pages.get(self.path.partition("?")[0])
        if page is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        status, content_type, body = page(self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        """A scrape is no event."""
