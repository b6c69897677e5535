"""TLS handshakes beside the event loop, so that what one costs is nobody else's.

A stranger chooses how much work is in a handshake, and OpenSSL does it at one go: it decodes every
key of a chain before it judges any. Within 16 KiB of certificates with curves of their own making
that is 6 s of computing (an honest handshake: 0.5 ms). No limit of ours is known to OpenSSL, and in
TLS 1.3 nobody else sees the keys before it does. So it runs in threads, without the interpreter's
lock, and the system shares the cores out.

The loop blocks for the first milliseconds of a step, and most steps end within them. That is faster
than to go on meanwhile: a thread that returns to a busy loop waits for the interpreter's lock for
up to 5 ms, and every switch costs both. A step that lasts longer goes on beside the loop, which
does not block for that network again until one of its handshakes took less.
However many steps come due at once, the loop turns between them (see `patience`).

There are many threads and few for one network: costly keys hold up neighbours of their server only.
Each cheap handshake gives its network one more at a time, each costly step takes one away. A step
that lasts gives its place to others, and its thread gives way: it goes on where nobody else wants
the core. No step can be broken off, so strangers with many networks hold all the threads there may
be: networks whose last handshake was cheap have places of their own (see `handshake_places`).
"""

import _thread
import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Final
from weakref import ref

from producer.contract.codes import Code
from worker.probing.errors import NetworkFault
from worker.probing.wire.addresses import Address, Network, network_around
from worker.probing.wire.handshake_places import (
    MAX_LASTING,
    MAX_LASTING_OF_CHEAP,
    CheapNetworks,
    NetworkLimit,
    Places,
)
from worker.probing.wire.handshake_step import Advance, HandshakeStep, serve_handshakes
from worker.probing.wire.patience import Patience

LASTING_SECONDS: Final = 0.1
"""200 honest handshakes: a step that is not done by then no longer holds up others."""

NETWORK_BITS: Final = {4: 24, 6: 48}
"""What one stranger is usually given at the least."""


class Handshakes:
    """One per process, called from one event loop.

    At the end of the process nobody waits for its threads, as one would for those of an executor:
    nobody wants what they do any more. A thread is started where none is idle, and kept.
    """

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._places = Places(max_lasting=MAX_LASTING)
        self._places_of_cheap = Places(max_lasting=MAX_LASTING_OF_CHEAP)
        self._cheap = CheapNetworks()
        self._limits: dict[Network, NetworkLimit] = {}
        self._steps: SimpleQueue[HandshakeStep] = SimpleQueue()
        self._threads = 0
        self._idle = 0
        """Threads less steps: below 0 where steps wait for one."""

    def reserve(self) -> None:
        """Have one thread from the start. Raises RuntimeError where the system allows none."""
        self._add_thread()

    async def __call__(self, peer: Address, advance: Advance) -> bool:
        """Return what `advance` does, or raise what it raises.

        Once begun, it goes on where the caller gives up, and its place is taken until it has ended.
        """
        limit = self._limit_of(peer)
        limit.users += 1
        try:
            places = await self._enter(limit)
        except asyncio.CancelledError:
            self._leave(limit)
            raise
        step = HandshakeStep(advance)
        try:
            self._hand_over(step)
        except NetworkFault:
            places.free.release()
            limit.free.release()
            self._leave(limit)
            raise
        if limit.patient and self._patience.waits_for(step.ends_within):
            self._release(limit, places, step)
            return step.result()
        limit.patient = False
        loop = asyncio.get_running_loop()
        # Without the step in it: what a future calls at its end, it keeps.
        step.add_done_callback(partial(_call_on, loop, self._release, limit, places))
        loop.call_later(LASTING_SECONDS, self._let_others_by, places, ref(step))
        return await asyncio.wrap_future(step)

    def _limit_of(self, peer: Address) -> NetworkLimit:
        network = network_around(peer, NETWORK_BITS[peer.version])
        limit = self._limits.get(network)
        if limit is None:
            limit = self._limits[network] = NetworkLimit(network)
        return limit

    async def _enter(self, limit: NetworkLimit) -> Places:
        await limit.free.acquire()
        places = self._places_of_cheap if limit.network in self._cheap else self._places
        try:
            await self._enter_any(limit, places)
        except asyncio.CancelledError:
            limit.free.release()
            raise
        return places

    async def _enter_any(self, limit: NetworkLimit, places: Places) -> None:
        await places.free.acquire()
        try:
            if limit.patient:
                await self._patience.turn()
        except asyncio.CancelledError:
            places.free.release()
            raise

    def _hand_over(self, step: HandshakeStep) -> None:
        if self._idle < 1:
            self._start_thread()
        self._idle -= 1
        self._steps.put(step)

    def _start_thread(self) -> None:
        """Where the system allows no more of them, those that there are take the step, in turn.

        Raises NetworkFault where there is none at all.
        """
        try:
            self._add_thread()
        except RuntimeError as error:  # a limit of processes, or no memory
            if not self._threads:
                detail = "this worker can start no thread for a TLS handshake"
                raise NetworkFault(Code.INTERNAL_SERVER_ERROR, detail) from error

    def _add_thread(self) -> None:
        """Start a thread without waiting until it runs, as `threading.Thread.start` does.

        That would be beside busy ones: the loop stood still for 1.6 s to start the 64th.
        """
        _thread.start_new_thread(serve_handshakes, (self._steps,))
        self._threads += 1
        self._idle += 1

    def _release(self, limit: NetworkLimit, places: Places, step: HandshakeStep) -> None:
        if step.thread_ends:
            self._threads -= 1
        else:
            self._idle += 1
        places.leave(step)
        limit.leave(step)
        self._cheap.learn(limit.network, step)
        self._leave(limit)

    def _let_others_by(self, places: Places, lasting: ref[HandshakeStep]) -> None:
        """Let a step that still runs give way, and its place to another one where it may."""
        step = lasting()
        if step is None or not step.running():
            return
        if self._idle < 1:
            try:
                self._add_thread()
            except RuntimeError:  # then its thread must not end with it
                return
        step.give_way()
        places.let_others_by(step)

    def _leave(self, limit: NetworkLimit) -> None:
        limit.users -= 1
        if not limit.users:
            del self._limits[limit.network]


def _call_on(
    loop: asyncio.AbstractEventLoop,
    release: Callable[[NetworkLimit, Places, HandshakeStep], None],
    limit: NetworkLimit,
    places: Places,
    step: Future[bool],
) -> None:
    assert isinstance(step, HandshakeStep)
    with suppress(RuntimeError):  # the loop may have ended before the work
        loop.call_soon_threadsafe(release, limit, places, step)
