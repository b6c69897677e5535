"""What one job may find out at servers and name servers: each thing once, and not much of it.

The names are the tenant's or, by MX and SRV, those of whoever writes the zone: without limits here
a batch of 50 items would open hundreds of connections to one host of somebody's choice. So a look
at a port passes the gate as a probe does, a job asks for nothing twice, and both the number of its
looks and how many go on at once are bounded. A look that is not made is a suggestion less, and no
failure.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from producer.contract.codes import Code
from worker.probing.address_gate import AddressesOfProbe
from worker.probing.errors import (
    DeadlineFault,
    NetworkFault,
    ProbeFault,
    TargetFault,
    forget_frames,
)
from worker.probing.gate import Admitted, Gate, ProbeOfJob
from worker.probing.imap import dialogue as imap
from worker.probing.smtp import dialogue as smtp
from worker.probing.target import ProbePlan, Protocol, Target
from worker.probing.timeline import Timeline
from worker.probing.transcript import Transcript
from worker.probing.wire.addresses import Address
from worker.probing.wire.dial import Network, dial
from worker.probing.wire.host import read_host
from worker.probing.wire.resolver import Resolver, Service
from worker.probing.wire.session import Session

MAX_LOOKS: Final = 48
"""Of one job, at ports. A batch whose accounts share a provider needs three or four."""

MAX_LOOKS_AT_ONCE: Final = 6

MAX_DOMAINS: Final = 50
"""Of one job, whose MX and four services are asked for: each item of a usual batch may have one."""

T = TypeVar("T")


class Once(Generic[T]):
    """Finds the answer to each question once: to be asked again, also meanwhile, gives the same.

    A fault is an answer, too.
    """

    def __init__(
        self, limit: int | None = None, given_up: Callable[[], ProbeFault] | None = None
    ) -> None:
        """`given_up` makes the answer for others that wait, where the first to ask is cancelled.

        The question is then open again. Without `given_up` it is not: a look is made once.
        """
        self._limit = limit
        self._given_up = given_up
        self._answers: dict[Hashable, asyncio.Future[T | ProbeFault]] = {}

    async def ask(self, question: Hashable, find_out: Callable[[], Awaitable[T]]) -> T:
        """Raises the fault that `find_out` raised, and DeadlineFault beyond the limit."""
        known = self._answers.get(question)
        answer = await (asyncio.shield(known) if known else self._find_out(question, find_out))
        if isinstance(answer, ProbeFault):
            raise type(answer)(answer.code, answer.detail, note=answer.note)
        return answer

    async def _find_out(
        self, question: Hashable, find_out: Callable[[], Awaitable[T]]
    ) -> T | ProbeFault:
        if self._limit is not None and len(self._answers) >= self._limit:
            raise not_made("this job has asked for enough")
        told = self._answers[question] = asyncio.get_running_loop().create_future()
        answer: T | ProbeFault = not_made("nobody waited for the answer")
        try:
            answer = await find_out()
        except ProbeFault as fault:
            forget_frames(fault)
            answer = fault
        except asyncio.CancelledError:
            if self._given_up is not None:
                answer = self._given_up()
                del self._answers[question]
            raise
        finally:
            told.set_result(answer)
        return answer


def not_made(why: str) -> DeadlineFault:
    """The fault of a look that could not be made: it tells nothing of the server."""
    return DeadlineFault(Code.DEADLINE_EXCEEDED, why)


def no_answer() -> NetworkFault:
    """The fault for those that waited with a probe whose time ran out before DNS answered."""
    return NetworkFault(Code.DNS_TEMPORARY, "no answer from DNS in time")


@dataclass(frozen=True, slots=True)
class NamesOfJob:
    """The resolver, asked for each name once a job, and again where the first to ask gave up."""

    resolver: Resolver
    _addresses: Once[Sequence[Address]] = field(default_factory=lambda: Once(given_up=no_answer))
    _exchangers: Once[Sequence[str]] = field(default_factory=lambda: Once(MAX_DOMAINS, no_answer))
    _services: Once[Sequence[Service]] = field(
        default_factory=lambda: Once(4 * MAX_DOMAINS, no_answer)
    )

    async def addresses(self, host: str) -> Sequence[Address]:
        return await self._addresses.ask(host, lambda: self.resolver.addresses(host))

    async def mx(self, domain: str) -> Sequence[str]:
        return await self._exchangers.ask(domain, lambda: self.resolver.mx(domain))

    async def srv(self, name: str) -> Sequence[Service]:
        return await self._services.ask(name, lambda: self.resolver.srv(name))


GREET: Final[dict[Protocol, Callable[[Session], Awaitable[None]]]] = {
    Protocol.SMTP: smtp.greet,
    Protocol.IMAP: imap.greet,
}


class LooksOfJob:
    """`suggest.Look` through the probes' own network: same policy, certificates and gate."""

    def __init__(self, job_id: str, network: Network, gate: Gate) -> None:
        self._job_id = job_id
        self._gate = gate
        self._network = network
        self._once: Once[None] = Once(MAX_LOOKS)
        self._free = asyncio.Semaphore(MAX_LOOKS_AT_ONCE)

    def allows(self, port: int) -> bool:
        try:
            self._network.policy.require_port(port)
        except TargetFault:
            return False
        return True

    async def greeted(self, protocol: Protocol, target: Target, seconds: float) -> None:
        """As of `Look`. Half of the time at most is spent on waiting to be let in."""
        host = read_host(target.host).name
        question = (protocol, host, target.port, target.security)
        await self._once.ask(question, lambda: self._look(protocol, target, seconds))

    async def _look(self, protocol: Protocol, target: Target, seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        ends = clock() + seconds
        admitted = await self._enter(protocol, target, seconds / 2)
        addresses = AddressesOfProbe(self._gate, admitted.probe)
        try:
            await self._greet(protocol, target, ends - clock(), addresses)
        finally:
            self._free.release()
            addresses.leave_all(None)
            self._gate.leave(admitted, None)

    async def _greet(
        self, protocol: Protocol, target: Target, seconds: float, addresses: AddressesOfProbe
    ) -> None:
        timeline, transcript = Timeline(seconds), Transcript(protocol)
        session = await dial(target, self._network, timeline, transcript, gate=addresses)
        try:
            await GREET[protocol](session)
        finally:
            await session.close()

    async def _enter(self, protocol: Protocol, target: Target, seconds: float) -> Admitted:
        probe = ProbeOfJob(self._job_id, ProbePlan(protocol, target, credential=None))
        try:
            async with asyncio.timeout(seconds):
                await self._free.acquire()
                try:
                    admission = await self._gate.enter(probe)
                except BaseException:
                    self._free.release()
                    raise
        except TimeoutError:
            raise not_made("too many connections are open already") from None
        assert isinstance(admission, Admitted)  # without a login there is nothing to cool down
        return admission
