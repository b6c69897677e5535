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
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
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


@dataclass(slots=True)
class _Step:
    """A step of a handshake on its way to a thread and back. `end` is called on the event loop."""

    advance: Advance
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[bool]
    end: Callable[[bool], None]

    def run(self) -> None:
        """Take the step; in a thread."""
        before = time.thread_time()
        try:
            done: bool | BaseException = self.advance()
        except BaseException as error:  # noqa: BLE001 - of the handshake, for whoever waits for it
            done = error
        costly = time.thread_time() - before > COSTLY_SECONDS
        with suppress(RuntimeError):  # the loop may have ended before the work
            self.loop.call_soon_threadsafe(self._finish, done, costly)

    def _finish(self, done: bool | BaseException, costly: bool) -> None:  # noqa: FBT001
        self.end(costly)
        if self.answer.done():
            return  # whoever waited has given up
        if isinstance(done, BaseException):
            self.answer.set_exception(done)
        else:
            self.answer.set_result(done)


class Handshakes:
    """One per process, called from one event loop.

    Its threads are daemons: at the end of the process nobody waits for what nobody wants any more,
    as one would for the threads of an executor. A thread is started where none is idle, and kept.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(MAX_AT_ONCE)
        self._lanes: dict[Network, _Lane] = {}
        self._steps: SimpleQueue[_Step] = SimpleQueue()
        self._idle = 0

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
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()
        self._hand_over(_Step(advance, loop, answer, partial(self._release, network, lane)))
        return await answer

    async def _enter(self, lane: _Lane) -> None:
        await lane.free.acquire()
        try:
            await self._free.acquire()
        except asyncio.CancelledError:
            lane.free.release()
            raise

    def _hand_over(self, step: _Step) -> None:
        if self._idle:
            self._idle -= 1
        else:
            Thread(target=_serve, args=(self._steps,), name="tls-handshake", daemon=True).start()
        self._steps.put(step)

    def _release(self, network: Network, lane: _Lane, costly: bool) -> None:  # noqa: FBT001
        self._idle += 1
        self._free.release()
        lane.leave(costly=costly)
        self._leave(network, lane)

    def _leave(self, network: Network, lane: _Lane) -> None:
        lane.users -= 1
        if not lane.users:
            del self._lanes[network]


def _serve(steps: SimpleQueue[_Step]) -> None:
    while True:
        steps.get().run()
