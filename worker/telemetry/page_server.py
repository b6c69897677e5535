"""The server under the metrics page: a thread for each client, and a bounded number of them."""

import logging
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final

CLIENT_TIMEOUT_SECONDS: Final = 10
"""Someone who connects and says nothing is sent away."""

MOST_CLIENTS: Final = 32
"""At a time: each takes a thread and a file, and without files no worker process can be started."""

REFUSED_ACCEPT_SECONDS: Final = 0.25

Page = tuple[HTTPStatus, str, bytes]
"""Status, content type, body."""

Pages = dict[str, Callable[[str], Page]]
"""By path; called with the request's Accept header."""

_log = logging.getLogger("worker.telemetry.exporter")

Connection = Any
"""A socket; socketserver's own type says: or a pair, for datagrams."""


class PageServer(ThreadingHTTPServer):
    """Binds when it is made. Raises OSError."""

    daemon_threads = True
    request_queue_size = 128
    # A restart must not wait for the old connections to be forgotten.
    allow_reuse_address = True

    def __init__(self, host: str, port: int, pages: Pages) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._clients: dict[Connection, None] = {}
        self._lock = threading.Lock()
        super().__init__((host, port), type("Handler", (_Handler,), {"pages": pages}))

    def server_bind(self) -> None:
        """As http.server, less the reverse look-up of the own name, which may take seconds."""
        socketserver.TCPServer.server_bind(self)
        host, self.server_port = self.server_address[:2]
        self.server_name = str(host)

    def get_request(self) -> tuple[Connection, Any]:
        """Accept a client. Raises OSError; where files run out it is not tried again at once.

        The client stays in the backlog, and the port as readable as it was (accept(2)).
        """
        try:
            return super().get_request()
        except OSError:
            time.sleep(REFUSED_ACCEPT_SECONDS)
            raise

    def verify_request(self, request: Connection, client_address: object) -> bool:
        """Let everybody in; of too many the first must go, so that a health check is answered."""
        del client_address
        with self._lock:
            if len(self._clients) >= MOST_CLIENTS:
                oldest = next(iter(self._clients))
                del self._clients[oldest]
                with suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
            self._clients[request] = None
        return True

    def shutdown_request(self, request: Connection) -> None:
        with self._lock:
            self._clients.pop(request, None)
        super().shutdown_request(request)

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
        try:
            status, content_type, body = page(self.headers.get("Accept", ""))
        except Exception:  # noqa: BLE001 - the next scrape may go well; this one must be seen
            _log.error("metrics_page_failed", exc_info=True)
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        """A scrape is no event."""
