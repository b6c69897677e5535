"""Run the gateway: sockets, TLS, signals. The end is orderly: waits get their 202, exit code 0."""

import asyncio
import gc
import resource
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import structlog
import uvicorn

from producer.gateway import protocol
from producer.gateway.app import Gateway, open_gateway
from producer.gateway.open_files import most_files
from producer.gateway.pace import PACE, Pace
from producer.gateway.settings import GatewaySettings
from producer.settings import PREFIX, SettingsError

SHARE_FOR_ANSWERS: Final = 0.1
MOST_SECONDS_FOR_ANSWERS: Final = 2.0
"""Of SHUTDOWN_SECONDS, what is left to send the last answers once the waits have ended."""

MOST_SECONDS_FOR_TLS_END: Final = 2.0
"""So long a closed TLS connection waits for the client's close_notify."""

MOST_SECONDS_FOR_CANCELLED: Final = 1.0
"""So long the requests that were cancelled at the end may take for their 503."""

KEEP_ALIVE_SECONDS: Final = 75
"""Longer than proxies keep a connection to us that rests (nginx and AWS's load balancer: 60 s).

Else one of them sends a request into a connection that we are closing, and its client gets a 502.
"""

BACKLOG: Final = 2048

_log = structlog.get_logger("gateway")


class _Server(uvicorn.Server):
    """uvicorn's server, with our signals and our time for TLS."""

    def __init__(self, config: uvicorn.Config, tls_seconds: float) -> None:
        super().__init__(config)
        self._tls_seconds = tls_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. uvicorn's own leaves asyncio's 60 s to a TLS client that says nothing."""
        tls = self.config.ssl
        self.servers = [
            await asyncio.get_running_loop().create_server(
                self._protocol,
                sock=listener,
                ssl=tls,
                backlog=BACKLOG,
                ssl_handshake_timeout=self._tls_seconds if tls else None,
                ssl_shutdown_timeout=MOST_SECONDS_FOR_TLS_END if tls else None,
            )
            for listener in sockets or ()
        ]
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain. uvicorn's own does not wait for the last answers of what it cancels."""
        await super().shutdown(sockets)
        if left := list(self.server_state.tasks):
            await asyncio.wait(left, timeout=MOST_SECONDS_FOR_CANCELLED)

    async def watch_answers(self, stall_seconds: float) -> None:
        """Give up answers that are not taken, until cancelled."""
        while True:
            await asyncio.sleep(stall_seconds)
            for connection in list(self.server_state.connections):
                if isinstance(connection, protocol.DeadlineProtocol):
                    connection.require_progress()

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state={}
        )
        return protocol

    # uvicorn would raise SIGTERM again after its drain and end with 143.
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> list[socket.socket]:
    """Open the listening sockets. Raises SettingsError."""
    opened: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, _, _, _, address in dict.fromkeys(found[:1] if port == 0 else found):
            opened.append(socket.create_server(address[:2], family=family, backlog=BACKLOG))
    except (OSError, UnicodeError, OverflowError) as error:
        for one in opened:
            one.close()
        reason = getattr(error, "strerror", None) or "no such address"
        line = f"{PREFIX}GATEWAY_PORT: cannot listen on {host}:{port}: {reason}"
        raise SettingsError([line]) from None
    return opened


def address_of(listener: socket.socket, *, tls: bool) -> str:
    """Return the URL of a listening socket, for people."""
    host, port = listener.getsockname()[:2]
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


async def run(
    settings: GatewaySettings, listeners: list[socket.socket], tls: ssl.SSLContext | None
) -> None:
    """Serve until SIGTERM or SIGINT. A second signal ends at once."""
    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(settings, listeners, tls, stopping))
    gc.freeze()  # a search of all that was imported holds up everybody for 40 ms, and finds nothing

    def stop() -> None:
        if stopping.is_set():
            serving.cancel()
        stopping.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop)
    with suppress(asyncio.CancelledError):
        await serving


async def serve(
    settings: GatewaySettings,
    listeners: list[socket.socket],
    tls: ssl.SSLContext | None,
    stopping: asyncio.Event,
    pace: Pace = PACE,
) -> None:
    """Serve until `stopping` is set, then drain."""
    async with open_gateway(settings, pace) as gateway:
        server = _Server(_config(gateway, settings, tls), settings.gateway_read_seconds)
        ending = asyncio.create_task(_end(server, gateway, stopping, settings.shutdown_seconds))
        watching = asyncio.create_task(server.watch_answers(pace.stalls))
        _log.info("gateway_started", address=address_of(listeners[0], tls=tls is not None))
        try:
            await server.serve(sockets=listeners)
        finally:
            ending.cancel()
            watching.cancel()
    _log.info("gateway_stopped")


def _config(
    gateway: Gateway, settings: GatewaySettings, tls: ssl.SSLContext | None
) -> uvicorn.Config:
    config = uvicorn.Config(
        gateway.app,
        http=protocol.protocol_with(settings.gateway_read_seconds, most_files()),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
    )
    config.load()
    config.ssl = tls
    return config


async def _end(
    server: uvicorn.Server, gateway: Gateway, stopping: asyncio.Event, shutdown_seconds: float
) -> None:
    """Streams end at once, their clients come back elsewhere; waits have until nearly the end."""
    await stopping.wait()
    _log.info("gateway_stopping", seconds=shutdown_seconds)
    server.should_exit = True
    gateway.arrivals.end_streams()
    answers = min(MOST_SECONDS_FOR_ANSWERS, SHARE_FOR_ANSWERS * shutdown_seconds)
    await asyncio.sleep(shutdown_seconds - answers)
    gateway.arrivals.end_waits()


def allow_many_connections() -> None:
    """Raise the soft limit of open files to the hard one: a waiter is a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
