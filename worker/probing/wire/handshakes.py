"""TLS handshakes beside the event loop, so that what one costs is nobody else's.

A stranger chooses how much work is in a handshake, and OpenSSL does it at one go: it decodes every
key of a chain before it judges any. Within 16 KiB of certificates with curves of their own making
that is 6 s of computing (an honest handshake: 0.5 ms). No limit of ours is known to OpenSSL, and in
TLS 1.3 nobody else sees the keys before it does. So it runs in threads, without the interpreter's
lock, and the system shares the cores out.

There are many threads and few for one network: who sends costly keys holds up their own neighbours.
Each cheap handshake gives its network one more at a time, each costly one takes one away: beside a
busy loop a thread waits for the interpreter's lock, and a burst of honest logins would wait in turn
for longer than the phase may last.
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Thread
from typing import Final

from worker.probing.wire.addresses import Address, Network, network_around

MAX_AT_ONCE: Final = 64
MAX_PER_NETWORK: Final = 2
"""Of a network of which nothing is known."""

MAX_PER_HONEST_NETWORK: Final = 16
COSTLY_SECONDS: Final = 0.02
"""Of computing: 40 honest handshakes."""

NETWORK_BITS: Final = {4: 24, 6: 48}
"""What one stranger is usually given at the least."""

Advance = Callable[[], bool]


@dataclass(slots=True)
class _Lane:
    """The handshakes with one network."""

    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_PER_NETWORK))
    users: int = 0
    limit: int = MAX_PER_NETWORK

    def leave(self, *, costly: bool) -> None:
        """End a handshake; the network gains or loses a place by what it took."""
        if costly and self.limit > MAX_PER_NETWORK:
            self.limit -= 1
            return
        self.free.release()
        if not costly and self.limit < MAX_PER_HONEST_NETWORK:
            self.limit += 1
            self.free.release()


class Handshakes:
    """One per process, called from one event loop.

    A daemon thread for each: at the end of the process nobody waits for what nobody wants any more,
    as one would for the threads of an executor.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(MAX_AT_ONCE)
        self._lanes: dict[Network, _Lane] = {}

    async def __call__(self, peer: Address, advance: Advance) -> bool:
        """Return what `advance` does, or raise what it raises.

        It goes on where the caller gives up, and its place is taken until it has ended.
        """
        network = network_around(peer, NETWORK_BITS[peer.version])
        lane = self._lanes.setdefault(network, _Lane())
        lane.users += 1
        try:
            await self._enter(lane)
        except asyncio.CancelledError:
            self._leave(network, lane)
            raise
        work: Future[bool] = Future()
        work.set_running_or_notify_cancel()
        loop = asyncio.get_running_loop()
        work.add_done_callback(partial(self._on_end, loop, network, lane))
        Thread(target=_fulfil, args=(work, advance), name="tls-handshake", daemon=True).start()
        return await asyncio.wrap_future(work)

    async def _enter(self, lane: _Lane) -> None:
        await lane.free.acquire()
        try:
            await self._free.acquire()
        except asyncio.CancelledError:
            lane.free.release()
            raise

    def _on_end(
        self, loop: asyncio.AbstractEventLoop, network: Network, lane: _Lane, _: Future[bool]
    ) -> None:
        costly = time.thread_time() > COSTLY_SECONDS  # of a thread that did nothing else
        with suppress(RuntimeError):  # the loop may have ended before the work
            loop.call_soon_threadsafe(partial(self._release, network, lane, costly=costly))

    def _release(self, network: Network, lane: _Lane, *, costly: bool) -> None:
        self._free.release()
        lane.leave(costly=costly)
        self._leave(network, lane)

    def _leave(self, network: Network, lane: _Lane) -> None:
        lane.users -= 1
        if not lane.users:
            del self._lanes[network]


def _fulfil(work: Future[bool], advance: Advance) -> None:
    try:
        work.set_result(advance())
    except BaseException as error:  # noqa: BLE001 - of the handshake, for whoever waits for it
        work.set_exception(error)
