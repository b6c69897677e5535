"""How many TLS handshakes run at once: with one network, and with all of one class of networks."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from worker.probing.wire.addresses import Network
from worker.probing.wire.handshake_step import HandshakeStep
from worker.probing.wire.patience import PATIENCE_SECONDS

MAX_AT_ONCE: Final = 16
"""Of the loop's own priority: it waits for a core and for the interpreter's lock behind as many.
64 of them held it up for a second, 16 do for a tenth."""

MAX_PER_NETWORK: Final = 2
"""Of a network of which nothing is known."""

MAX_PER_HONEST_NETWORK: Final = 16
COSTLY_SECONDS: Final = 0.02
"""Of computing: 40 honest handshakes."""

MAX_LASTING: Final = 128
"""Beyond `MAX_AT_ONCE`, of those that give way: some 0.2 MB for each."""

MAX_LASTING_OF_CHEAP: Final = 32
"""Likewise, of networks whose last handshake had been cheap."""

MAX_CHEAP_NETWORKS: Final = 2048
"""So many are remembered: some 0.5 kB for each."""


@dataclass(slots=True)
class NetworkLimit:
    """How many handshakes with one network run at once."""

    network: Network
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_PER_NETWORK))
    users: int = 0
    places: int = MAX_PER_NETWORK
    patient: bool = True

    def leave(self, step: HandshakeStep) -> None:
        """End a step; a costly one takes a place away, the end of a cheap handshake gives one.

        A cheap step in the middle says nothing: a flight comes in as many as a server likes.
        """
        self.patient = step.seconds <= PATIENCE_SECONDS
        if is_costly(step) and self.places > MAX_PER_NETWORK:
            self.places -= 1
            return
        self.free.release()
        if step.succeeded and not is_costly(step) and self.places < MAX_PER_HONEST_NETWORK:
            self.places += 1
            self.free.release()


class Places:
    """How many run at once with all networks of a class: those known to be cheap, or all others."""

    def __init__(self, *, max_lasting: int) -> None:
        self.free = asyncio.Semaphore(MAX_AT_ONCE)
        self._max_lasting = max_lasting
        self._lasting = 0

    def let_others_by(self, step: HandshakeStep) -> None:
        """Free the place of a step that lasts, unless there are too many of them already."""
        if self._lasting < self._max_lasting:
            self._lasting += 1
            step.lasts = True
            self.free.release()

    def leave(self, step: HandshakeStep) -> None:
        if step.lasts:
            self._lasting -= 1
        else:
            self.free.release()


class CheapNetworks:
    """Networks whose last handshake succeeded and was cheap, those of late."""

    def __init__(self) -> None:
        self._networks: OrderedDict[Network, None] = OrderedDict()

    def __contains__(self, network: Network) -> bool:
        return network in self._networks

    def learn(self, network: Network, step: HandshakeStep) -> None:
        """Take what a step that ended says of its network."""
        if is_costly(step):
            self._networks.pop(network, None)
        elif step.succeeded:
            self._networks[network] = None
            self._networks.move_to_end(network)
            if len(self._networks) > MAX_CHEAP_NETWORKS:
                self._networks.popitem(last=False)


def is_costly(step: HandshakeStep) -> bool:
    """Tell whether it took more computing than honest ones do."""
    return step.seconds > COSTLY_SECONDS
