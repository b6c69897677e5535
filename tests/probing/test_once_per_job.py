import asyncio
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support import certificates
from tests.support.probing import LOOPBACK, client_context, loopback_network
from tests.support.servers import FakeResolver, serve
from worker.probing.classify import providers
from worker.probing.errors import DeadlineFault, NetworkFault, ProbeFault
from worker.probing.gate import Admitted, OpenGate
from worker.probing.once_per_job import MAX_LOOKS, LooksOfJob, NamesOfJob, Once
from worker.probing.prober import Prober
from worker.probing.target import Credential, ProbePlan, Protocol, Target
from worker.probing.wire.dial import Network
from worker.probing.wire.egress import EgressPolicy

VICTIM = "victim.test"


@dataclass
class CountingGate:
    """`most` is how many were inside at once; `places` None: any number.

    Of hosts. Addresses are all let in, `addresses` of them are held.
    """

    places: int | None = None
    inside: int = 0
    most: int = 0
    addresses: int = 0
    entered: list[str] = field(default_factory=list)
    left: asyncio.Condition = field(default_factory=asyncio.Condition)
    telling: asyncio.Future | None = None

    async def enter(self, probe):
        if probe.address is not None:
            self.addresses += 1
            return Admitted(probe.address, probe)
        async with self.left:
            await self.left.wait_for(lambda: self.places is None or self.inside < self.places)
            self.inside += 1
        self.most = max(self.most, self.inside)
        self.entered.append(f"{probe.plan.target.host}:{probe.plan.target.port}")
        return Admitted("ticket", probe)

    def leave(self, admitted, finding):
        if admitted.probe.address is not None:
            self.addresses -= 1
            return
        self.inside -= 1
        self.telling = asyncio.ensure_future(self._tell())

    async def _tell(self):
        async with self.left:
            self.left.notify_all()


def network(resolver):
    return Network(resolver, LOOPBACK, client_context(), 1.0)


class Patient(FakeResolver):
    """Answers in the next turn of the loop, so that questions meet."""

    async def addresses(self, host):
        await asyncio.sleep(0)
        return await super().addresses(host)

    async def srv(self, name):
        await asyncio.sleep(0)
        return await super().srv(name)


async def turn_away(wire):
    await wire.line("554 no service here")
    wire.close()


async def test_services_of_fifty_domains_that_point_at_one_host_open_few_connections_to_it():
    async with serve(turn_away) as server:
        domains = [f"d{number}.test" for number in range(50)]
        services = {
            f"{service}.{domain}": [(0, 1, server.port, VICTIM)]
            for domain in domains
            for service in ("_submissions._tcp", "_submission._tcp", "_imaps._tcp", "_imap._tcp")
        }
        resolver = Patient({VICTIM: ["127.0.0.1"]}, services=services)
        gate = CountingGate()
        prober = Prober(network(resolver), gate, providers.load(), "probe.test", 20)
        job = prober.for_job("job")
        wanted = [(domain, protocol) for domain in domains for protocol in Protocol]
        found = await asyncio.gather(*(job.discover(*one) for one in wanted))
    assert set(found) == {None}
    assert server.connections == len(gate.entered) == 4  # two protocols, two modes
    assert gate.inside == 0
    assert len(resolver.asked) == len(set(resolver.asked))


async def test_looks_at_many_hosts_are_few_at_once_and_few_in_all():
    hosts = [f"h{number}.test" for number in range(2 * MAX_LOOKS)]
    async with serve(lambda wire: wire.line("220 ready")) as server:
        gate = CountingGate()
        names = {host: ["127.0.0.1"] for host in hosts}
        looks = LooksOfJob("job", network(FakeResolver(names)), gate)

        async def look(host):
            target = Target(host, server.port, Security.STARTTLS)
            try:
                await looks.greeted(Protocol.SMTP, target, 20)
            except ProbeFault as fault:
                return fault.code
            return None

        seen = await asyncio.gather(*map(look, hosts))
    assert server.connections == MAX_LOOKS == 48
    assert gate.most <= 6
    assert gate.inside == gate.addresses == 0
    assert seen.count(None) == MAX_LOOKS
    assert set(seen[MAX_LOOKS:]) == {Code.DEADLINE_EXCEEDED}


async def test_a_look_that_finds_no_place_at_the_server_says_nothing_of_it():
    gate = CountingGate(places=0)
    looks = LooksOfJob("job", network(FakeResolver({VICTIM: ["127.0.0.1"]})), gate)
    with pytest.raises(DeadlineFault):
        await looks.greeted(Protocol.SMTP, Target(VICTIM, 587, Security.STARTTLS), 0.05)
    assert gate.entered == []
    assert looks._free._value == 6


async def test_a_probe_gives_its_place_back_before_it_looks_around():
    """With one place at the server both come through, one after the other."""
    gate = CountingGate(places=1)
    resolver = FakeResolver({certificates.NAME: ["127.0.0.1"]})
    prober = Prober(network(resolver), gate, providers.load(), "probe.test", 2.0)
    async with serve(lambda wire: wire.line("220 ready")) as server:
        target = Target(certificates.NAME, server.port, Security.IMPLICIT_TLS)
        plan = ProbePlan(Protocol.SMTP, target, Credential("jean", SecretStr("Canary-7")))
        result = await prober.probe("job", plan, {})
    assert result.probe.code is Code.TLS_MODE_MISMATCH
    assert gate.most == 1
    assert gate.entered[0].endswith(f":{server.port}")
    assert [one.rpartition(":")[2] for one in gate.entered[1:]] == ["465", "587", "2525"]


async def test_a_batch_asks_for_the_addresses_of_one_host_once():
    resolver = Patient({VICTIM: ["127.0.0.1"]})
    names = NamesOfJob(resolver)
    found = await asyncio.gather(*(names.addresses(VICTIM) for _ in range(50)))
    assert resolver.asked == [VICTIM]
    assert len({tuple(addresses) for addresses in found}) == 1


async def test_a_fault_is_an_answer_too():
    asked = []

    async def fail():
        asked.append(1)
        raise NetworkFault(Code.DNS_NOT_FOUND, "no such name")

    once = Once()
    for _ in range(3):
        with pytest.raises(NetworkFault) as raised:
            await once.ask("name", fail)
        assert raised.value.code is Code.DNS_NOT_FOUND
    assert asked == [1]


async def test_whoever_gives_up_leaves_nobody_waiting():
    begun = asyncio.Event()

    async def for_ever():
        begun.set()
        await asyncio.sleep(60)

    once = Once()
    first = asyncio.create_task(once.ask("name", for_ever))
    await begun.wait()
    others = [asyncio.create_task(once.ask("name", for_ever)) for _ in range(2)]
    await asyncio.sleep(0)
    others[0].cancel()
    await asyncio.sleep(0)
    assert not first.done()  # one who only listened takes nothing away from the others
    first.cancel()
    with pytest.raises(DeadlineFault):
        await others[1]


async def test_who_gives_up_on_a_name_spoils_it_for_nobody():
    class Slow(FakeResolver):
        def __init__(self):
            super().__init__({VICTIM: ["127.0.0.1"]})
            self.begun, self.may_answer = asyncio.Event(), asyncio.Event()

        async def addresses(self, host):
            self.begun.set()
            await self.may_answer.wait()
            return await super().addresses(host)

    resolver = Slow()
    names = NamesOfJob(resolver)
    first = asyncio.create_task(names.addresses(VICTIM))
    await resolver.begun.wait()
    meanwhile = asyncio.create_task(names.addresses(VICTIM))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(NetworkFault) as raised:
        await meanwhile
    assert raised.value.code is Code.DNS_TEMPORARY
    resolver.may_answer.set()
    assert [str(one) for one in await names.addresses(VICTIM)] == ["127.0.0.1"]


async def test_a_wait_at_the_gate_is_told():
    class Slow(OpenGate):
        async def enter(self, probe):
            await asyncio.sleep(0.15)
            return await super().enter(probe)

    prober = Prober(network(FakeResolver()), Slow(), providers.load(), "probe.test", 2.0)
    target = Target("nowhere.test", 587, Security.STARTTLS)
    result = await prober.probe("job", ProbePlan(Protocol.SMTP, target, None), {})
    assert any("waited 0." in line for line in result.transcript)


async def greets(wire):
    await wire.line("220 ready")


async def refuses(wire):
    await wire.line("554 no service here")


async def test_through_the_network_a_greeting_is_all_that_is_asked_for():
    async with serve(greets) as server:
        target = Target(certificates.NAME, server.port, Security.STARTTLS)
        await LooksOfJob("job", loopback_network(), OpenGate()).greeted(Protocol.SMTP, target, 5)
    assert server.commands == ["QUIT"]


async def test_through_the_network_a_refusing_greeting_is_none():
    async with serve(refuses) as server:
        target = Target(certificates.NAME, server.port, Security.STARTTLS)
        with pytest.raises(ProbeFault):
            await LooksOfJob("job", loopback_network(), OpenGate()).greeted(
                Protocol.SMTP, target, 5
            )


async def test_the_networks_policy_says_which_ports_may_be_looked_at():
    policy = EgressPolicy(allow_networks=(), allow_ports=(range(465, 466),))
    look = LooksOfJob("job", loopback_network(policy=policy), OpenGate())
    assert look.allows(465)
    assert not look.allows(2525)
