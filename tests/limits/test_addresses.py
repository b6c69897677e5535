"""However many names point at a server, it gets what one host may get."""

import asyncio

import pytest
from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support.probing import LOOPBACK, client_context
from tests.support.servers import FakeResolver, serve
from worker.probing.classify import providers
from worker.probing.gate import Finding, ProbeOfJob
from worker.probing.prober import Prober
from worker.probing.target import Credential, ProbePlan, Protocol, Target
from worker.probing.wire.dial import Network

NAMES = [f"host-{number}.attacker.test" for number in range(12)]

pytestmark = pytest.mark.redis_server


def prober(gate, names=None):
    """Every name of the attacker's zone is the victim, which listens on 127.0.0.1."""
    zone = names or dict.fromkeys(NAMES, ("127.0.0.1",))
    network = Network(FakeResolver(zone), LOOPBACK, client_context(), 2.0)
    return Prober(network, gate, providers.load(), "probe.test", 20.0)


def plan(host, port, secret="wrong", user="amy@victim.test"):
    target = Target(host, port, Security.CLEARTEXT)
    return ProbePlan(Protocol.SMTP, target, Credential(user, SecretStr(secret)))


class Victim:
    """Refuses logins, and counts them and its connections."""

    def __init__(self):
        self.inside = self.most = self.logins = 0

    async def __call__(self, wire):
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self._converse(wire)
        finally:
            self.inside -= 1

    async def _converse(self, wire):
        await wire.wait(0.02)  # so that who may come at once is there at once
        await wire.line("220 mail.victim.test ESMTP")
        await wire.expect("EHLO ")
        await wire.line("250-mail.victim.test", "250 AUTH PLAIN")
        await wire.expect("AUTH PLAIN ")
        self.logins += 1
        await wire.line("535 5.7.8 authentication failed")


async def test_names_of_one_address_share_its_places(open_gate):
    one, other = (prober(open_gate(host_concurrency=3)) for _ in range(2))
    victim = Victim()
    async with serve(victim) as server:
        plans = [plan(name, server.port, user=f"{name}@victim.test") for name in NAMES]
        probes = [
            (one if number % 2 else other).probe(f"job {number}", each, {})
            for number, each in enumerate(plans)
        ]
        results = await asyncio.gather(*probes)
    assert {result.probe.code for result in results} == {Code.AUTHENTICATION_FAILED}
    assert victim.most <= 3


async def test_refused_logins_count_by_the_address_that_got_them(open_gate):
    """Also those by the address itself, by a name with more addresses, and of another process."""
    zone = dict.fromkeys(NAMES, ("127.0.0.1",)) | {NAMES[1]: ("127.0.0.1", "127.0.0.2")}
    victim = Victim()
    async with serve(victim) as server:
        codes = []
        for number, host in enumerate(["127.0.0.1", *NAMES[:5]]):
            gate = open_gate(login_failure_limit=3)
            each = plan(host, server.port, secret=f"guess {number}")
            codes.append((await prober(gate, zone).probe(f"job {number}", each, {})).probe.code)
    assert codes == [Code.AUTHENTICATION_FAILED] * 3 + [Code.LOGIN_COOLDOWN] * 3
    assert victim.logins == 3


async def test_a_host_that_is_given_as_an_address_is_counted_once(open_gate):
    gate = open_gate(host_concurrency=1)
    async with serve(Victim()) as server:
        result = await prober(gate).probe("job", plan("127.0.0.1", server.port), {})
    assert result.probe.code is Code.AUTHENTICATION_FAILED


async def test_who_waits_for_an_address_gives_its_place_back_when_it_gives_up(open_gate):
    gate, victim = open_gate(host_concurrency=1), Victim()
    async with serve(victim) as server:
        busy = ProbeOfJob("holds", plan("127.0.0.1", server.port, user="holds"))
        holder = await gate.enter(busy)
        waiting = asyncio.create_task(
            prober(gate).probe("waits", plan(NAMES[0], server.port, user="waits"), {})
        )
        await asyncio.sleep(0.1)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert server.connections == 0
        gate.leave(holder, Finding(Code.OK))
        result = await asyncio.wait_for(
            prober(gate).probe("next", plan(NAMES[0], server.port, user="next"), {}), 15
        )
    assert result.probe.code is Code.AUTHENTICATION_FAILED
