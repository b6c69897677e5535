"""A Redis behind a relay that, once it is asked for something, answers a byte now and then.

A time-out for each read never runs out on it: whoever waits for its reply waits for ever.
"""

import contextlib
import socket
import threading
import time

from tests.support.relay import Relay

PAUSE_SECONDS = 0.2


class TricklingRedis(Relay):
    """Relays to a port of loopback until a client sends `trigger`."""

    def __init__(self, target_port: int, trigger: bytes) -> None:
        self._trigger = trigger
        self.trickles = threading.Event()
        super().__init__(target_port)
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def pump(self, source: socket.socket, sink: socket.socket, *, asks: bool) -> None:
        if not asks:
            while data := source.recv(65536):
                sink.sendall(data)
            return
        with contextlib.suppress(OSError):
            self._ask(source, sink)
        sink.close()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        while data := client.recv(65536):
            if self._trigger in data:
                self.trickles.set()
                client.sendall(b"$99999999\r\n")
            while self.trickles.is_set():
                client.sendall(b"x")
                time.sleep(PAUSE_SECONDS)
            server.sendall(data)
