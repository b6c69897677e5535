"""From a target to a session: resolve once, judge every address, connect, TLS."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from worker.probing.address_gate import AddressGate
from worker.probing.errors import NetworkFault, TargetFault
from worker.probing.target import Target
from worker.probing.timeline import Timeline
from worker.probing.transcript import Transcript
from worker.probing.wire.addresses import Address
from worker.probing.wire.connect import Destination, connect, in_turn
from worker.probing.wire.egress import EgressPolicy, is_special, not_allowed, special_name
from worker.probing.wire.handshakes import Handshakes
from worker.probing.wire.host import Host, read_host
from worker.probing.wire.resolver import Resolver
from worker.probing.wire.resumption import Peer, Resumption, TlsSessions
from worker.probing.wire.session import Session
from worker.probing.wire.trust import Trust

REFUSAL_STEP_SECONDS: Final = 0.5
"""What the policy refuses is answered on the next such mark, however quickly it was found out."""


@dataclass(frozen=True, slots=True)
class Network:
    """What all probes of a process share to get anywhere."""

    resolver: Resolver
    policy: EgressPolicy
    tls_context: ssl.SSLContext
    connect_timeout_seconds: float = 8.0
    tls_sessions: TlsSessions = field(default_factory=lambda: TlsSessions(limit=0))
    handshakes: Handshakes = field(default_factory=Handshakes)


async def dial(
    target: Target,
    network: Network,
    timeline: Timeline,
    transcript: Transcript,
    on_connect: Callable[[Session], None] | None = None,
    *,
    gate: AddressGate | None = None,
) -> Session:
    """A session with the target, inside TLS where that is implicit. No greeting is read.

    `on_connect` is given the session before the handshake, so that it can tell of the certificate
    even if that fails. `gate` is asked before each address; no limits where it is None.

    Raises TargetFault, NetworkFault, TlsFault, DeadlineFault; TurnedAway where the gate says no.
    Then nothing is left open.
    """
    host = read_host(target.host)
    async with timeline.phase(PhaseName.DNS):
        addresses = await _permitted(host, target.port, network, timeline)
    entered = AddressGate() if gate is None or host.literal is not None else gate
    destination = Destination(in_turn(addresses), target.port, entered)
    await _wait_for_turn(destination, timeline, transcript)
    stream, address = await connect(destination, timeline, seconds=network.connect_timeout_seconds)
    transcript.event(f"connected to {address}, port {target.port}")
    peer = Peer(str(address), target.port, host.name, transcript.protocol, target.security)
    trust = _trust(network, peer, address)
    session = Session(stream, trust, timeline, transcript, remote_address=str(address))
    if on_connect is not None:
        on_connect(session)
    if target.security is Security.IMPLICIT_TLS:
        try:
            await session.start_tls(Security.IMPLICIT_TLS)
        except BaseException:
            await session.close()
            raise
    return session


def _trust(network: Network, peer: Peer, address: Address) -> Trust:
    resumption = Resumption(network.tls_sessions, peer)
    run_in_thread = partial(network.handshakes, address)
    return Trust(peer.name, peer.port, network.tls_context, resumption, run_in_thread)


async def _wait_for_turn(
    destination: Destination, timeline: Timeline, transcript: Transcript
) -> None:
    """Wait at the gate for the first address. That uses up no time of the probe's."""
    clock = asyncio.get_running_loop().time
    started = clock()
    await destination.gate.enter(str(destination.addresses[0]))
    timeline.put_off(clock() - started)
    transcript.waited(clock() - started)


async def _permitted(
    host: Host, port: int, network: Network, timeline: Timeline
) -> tuple[Address, ...]:
    started = asyncio.get_running_loop().time()
    try:
        network.policy.require_port(port)
        return network.policy.judge(host, await _resolve(host, network.resolver))
    except TargetFault:
        spent = asyncio.get_running_loop().time() - started
        mark = (int(spent / REFUSAL_STEP_SECONDS) + 1) * REFUSAL_STEP_SECONDS
        await asyncio.sleep(min(mark - spent, timeline.seconds_left / 2))
        raise


async def _resolve(host: Host, resolver: Resolver) -> Sequence[Address]:
    if host.literal is not None:
        return [host.literal]
    try:
        return await resolver.addresses(host.name)
    except NetworkFault as fault:
        if is_special(host) and fault.code is Code.DNS_NOT_FOUND:
            # Else one could ask which names a private zone has.
            raise not_allowed(special_name(host)) from fault
        raise
