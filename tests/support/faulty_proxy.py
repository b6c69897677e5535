"""A TCP proxy on loopback whose connections can go silent: open, and nothing comes through."""

import socket

from tests.support.relay import Relay


class FaultyProxy(Relay):
    """Forwards to a port of loopback. `silence` holds for the connections of that moment."""

    def __init__(self, target_port: int) -> None:
        self._generation = 0
        super().__init__(target_port)

    def silence(self) -> None:
        """Swallow all that the present connections send, in both directions, for ever."""
        self._generation += 1

    def pump(self, source: socket.socket, sink: socket.socket, *, asks: bool) -> None:
        generation = self._generation
        while data := source.recv(65536):
            if generation == self._generation:
                sink.sendall(data)
        if generation == self._generation:
            sink.shutdown(socket.SHUT_WR)
