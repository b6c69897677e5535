"""A relay on loopback, for tests of what lies between a client and its server."""

import contextlib
import socket
import threading


class Relay:
    """Accepts on a port of its own and runs `pump` both ways for each connection."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for one in [self._listener, *self._sockets]:
            with contextlib.suppress(OSError):
                one.close()

    def pump(self, source: socket.socket, sink: socket.socket, *, asks: bool) -> None:
        """Hand on what comes from `source` until it ends; `asks`: it is the client."""
        raise NotImplementedError

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target_port))
                self._sockets += [client, server]
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(
                        target=self._run,
                        args=(source, sink),
                        kwargs={"asks": source is client},
                        daemon=True,
                    ).start()

    def _run(self, source: socket.socket, sink: socket.socket, *, asks: bool) -> None:
        with contextlib.suppress(OSError):
            self.pump(source, sink, asks=asks)
