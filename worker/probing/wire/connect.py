"""Happy Eyeballs (RFC 8305) over addresses that have been judged."""

import asyncio
import errno
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, zip_longest
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName
from worker.probing.address_gate import AddressGate
from worker.probing.errors import NetworkFault, TargetFault
from worker.probing.timeline import Timeline
from worker.probing.wire.addresses import Address, as_address
from worker.probing.wire.stream import Stream

ATTEMPT_DELAY_SECONDS: Final = 0.25
"""RFC 8305, section 8: the recommended head start of each attempt."""

_UNREACHABLE: Final = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
    | {errno.ENETDOWN, errno.EHOSTDOWN, errno.EACCES, errno.EPERM}
)

_GONE: Final = frozenset({errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN, errno.EPIPE})
"""A server that takes the connection and resets it before we could look at it."""

_OUR_OWN: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What this machine lacks; it says nothing of the host."""

_TELLING: Final = (
    *(Code.CONNECTION_CLOSED, Code.CONNECTION_REFUSED, Code.CONNECTION_TIMED_OUT),
    *(Code.INTERNAL_SERVER_ERROR, Code.NETWORK_UNREACHABLE),
)
"""Most telling first: the first two came from the host, the last may be a missing IPv6 here."""

Connection = tuple[Stream, Address]


@dataclass(frozen=True, slots=True)
class Destination:
    """Addresses to be tried in this order, each only once the gate has let us in.

    The caller enters for the first beforehand: a wait in `connect` takes of the time to connect.
    """

    addresses: Sequence[Address]
    port: int
    gate: AddressGate


async def connect(destination: Destination, timeline: Timeline, *, seconds: float) -> Connection:
    """The first connection that comes about, as phase CONNECT within `seconds`.

    Raises NetworkFault: of all attempts, the failure that tells most; TurnedAway.
    """
    faults: list[NetworkFault] = []
    try:
        async with timeline.phase(PhaseName.CONNECT, seconds=seconds):
            return await _race(destination, faults)
    except NetworkFault as fault:
        raise min([*faults, fault], key=lambda one: _TELLING.index(one.code)) from fault


def in_turn(addresses: Sequence[Address]) -> list[Address]:
    """Families in turn, beginning with the resolver's first choice."""
    first = [one for one in addresses if one.version == addresses[0].version]
    second = [one for one in addresses if one.version != addresses[0].version]
    pairs = zip_longest(first, second)
    return [address for address in chain.from_iterable(pairs) if address is not None]


async def _race(destination: Destination, faults: list[NetworkFault]) -> Connection:
    addresses, port, gate = destination.addresses, destination.port, destination.gate
    if len(addresses) == 1:
        return await _attempt(addresses[0], port, gate)
    waiting = list(reversed(addresses))
    attempts: set[asyncio.Task[Connection]] = set()
    try:
        while waiting or attempts:
            if waiting:
                attempts.add(asyncio.create_task(_attempt(waiting.pop(), port, gate)))
            done, _ = await asyncio.wait(
                attempts,
                timeout=ATTEMPT_DELAY_SECONDS if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            winner = _winner(done, faults)
            if winner is not None:
                attempts.remove(winner)
                return winner.result()
            attempts -= done
        raise faults.pop()
    finally:
        for attempt in attempts:
            attempt.add_done_callback(partial(_discard, gate))
            attempt.cancel()


def _winner(
    done: set["asyncio.Task[Connection]"], faults: list[NetworkFault]
) -> "asyncio.Task[Connection] | None":
    for attempt in done:
        fault = attempt.exception()
        if fault is None:
            return attempt
        if not isinstance(fault, NetworkFault):
            raise fault
        faults.append(fault)
    return None


def _discard(gate: AddressGate, attempt: "asyncio.Task[Connection]") -> None:
    """Close what came about beside the winner, or after the race was over."""
    if not attempt.cancelled() and attempt.exception() is None:
        stream, address = attempt.result()
        stream.close()
        gate.leave(str(address))


async def _attempt(address: Address, port: int, gate: AddressGate) -> Connection:
    await gate.enter(str(address))
    try:
        return await _open(address, port)
    except BaseException:
        gate.leave(str(address))
        raise


async def _open(address: Address, port: int) -> Connection:
    loop, literal = asyncio.get_running_loop(), str(address)
    try:
        # A literal: neither event loop asks a resolver for it again. Both set TCP_NODELAY.
        transport, stream = await loop.create_connection(Stream, literal, port)
    except OSError as error:
        raise _network_fault(error) from error
    peer = transport.get_extra_info("peername")
    if peer is None:  # of a connection that is no more
        transport.abort()
        raise _reset()
    if peer[1] != port or (peer[0] != literal and as_address(peer[0]) != address):
        transport.abort()
        detail = "the connection went elsewhere than it was meant to"
        raise TargetFault(Code.TARGET_NOT_ALLOWED, detail)
    return stream, address


def _network_fault(error: OSError) -> NetworkFault:
    if isinstance(error, ConnectionRefusedError):
        return NetworkFault(Code.CONNECTION_REFUSED, "nothing listens on this port")
    if error.errno == errno.ETIMEDOUT:
        return NetworkFault(Code.CONNECTION_TIMED_OUT, "the host did not answer")
    if error.errno in _GONE:
        return _reset()
    if error.errno in _UNREACHABLE:
        return NetworkFault(Code.NETWORK_UNREACHABLE, "there is no way to the host")
    name = errno.errorcode.get(error.errno or 0, "unknown error")
    if error.errno in _OUR_OWN:
        detail = f"this worker has no file or memory left for a connection ({name})"
        return NetworkFault(Code.INTERNAL_SERVER_ERROR, detail)
    return NetworkFault(Code.NETWORK_UNREACHABLE, f"no connection could be opened ({name})")


def _reset() -> NetworkFault:
    return NetworkFault(Code.CONNECTION_CLOSED, "the server reset the connection at once")
