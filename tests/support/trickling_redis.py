"""A Redis behind a relay that, once it is asked for something, answers a byte now and then.

A time-out for each read never runs out on it: whoever waits for its reply waits for ever.
"""

import contextlib
import socket
import threading
import time

PAUSE_SECONDS = 0.2


class TricklingRedis:
    """Relays to a port of loopback until a client sends `trigger`."""

    def __init__(self, target_port: int, trigger: bytes) -> None:
        self._target_port = target_port
        self._trigger = trigger
        self.trickles = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        port = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target_port))
                self._sockets += [client, server]
                for pump in (self._ask, self._answer):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self._trigger in data:
                    self.trickles.set()
                    client.sendall(b"$99999999\r\n")
                while self.trickles.is_set():
                    client.sendall(b"x")
                    time.sleep(PAUSE_SECONDS)
                server.sendall(data)
        server.close()

    def _answer(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
