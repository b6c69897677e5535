"""Names, addresses and ports through the whole probe (section 11)."""

import asyncio

import pytest
from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support.probing import LOOPBACK, loopback_network
from tests.support.servers import Wire, serve
from tests.support.waiting import until
from worker.probing.classify import providers
from worker.probing.errors import NetworkFault
from worker.probing.gate import OpenGate
from worker.probing.prober import Prober
from worker.probing.target import Credential, ProbePlan, Protocol, Target
from worker.probing.wire.egress import EgressPolicy

STRICT = EgressPolicy((), tuple(range(one, one + 1) for one in (25, 465, 587, 2525, 143, 993)))


async def probe(host, port=587, *, names=None, policy=STRICT, deadline_seconds=60):
    network = loopback_network(names or {"mail.example.com": ["203.0.113.9"]}, policy=policy)
    prober = Prober(network, OpenGate(), providers.load(), "probe.test", deadline_seconds)
    credential = Credential("jean", SecretStr("Canary-password"))
    plan = ProbePlan(Protocol.SMTP, Target(host, port, Security.STARTTLS), credential)
    return await prober.probe("job", plan, {})


MAPPED = """::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b:1::1 2002:7f00:1:: 2001:0:4136:e378:8000:63bf:3fff:fdd2 10.0.0.1 172.16.0.1 192.168.1.1
100.64.0.1 fc00::1 fe80::1%eth0 fec0::1 198.18.0.1 224.0.0.1 240.0.0.1 169.254.169.254 127.0.0.1
0.0.0.0 :: ::1 168.63.129.16 localhost db.internal redis"""


async def test_nothing_inside_is_dialled():
    for result in await asyncio.gather(*map(probe, MAPPED.split())):
        assert result.probe.code is Code.TARGET_NOT_ALLOWED
        assert result.probe.remote_address is None


NO_HOSTS = ["127.0.0.1\0.example.com", "good.example\r\nX", "a b", "a/b", "user@h", "h:25", "%00"]


@pytest.mark.parametrize("host", [*NO_HOSTS, "0x7f.1", "2130706433", "", "-", "a" * 64])
async def test_what_is_no_host_is_told_so(host):
    assert (await probe(host)).probe.code is Code.INVALID_FIELD


@pytest.mark.parametrize("port", [22, 6379, 11211, 3306, 0])
async def test_other_ports_are_not_dialled(port):
    result = await probe("mail.example.com", port, names={"mail.example.com": ["8.8.8.8"]})
    assert result.probe.code is Code.TARGET_NOT_ALLOWED


async def test_refusals_cannot_be_told_apart():
    inside = {"a.example.com": ["10.0.0.1"], "b.example.com": ["8.8.8.8", "127.0.0.1"]}
    results = await asyncio.gather(
        *(
            probe(host, port, names=inside)
            for host, port in [
                ("a.example.com", 587),
                ("b.example.com", 587),
                ("a.example.com", 22),
                ("10.0.0.1", 587),
            ]
        )
    )
    shown = {
        (one.probe.code, one.probe.phase, one.transcript, len(one.probe.phases)) for one in results
    }
    assert len(shown) == 1


@pytest.mark.parametrize("code", [Code.DNS_NOT_FOUND, Code.DNS_TEMPORARY])
async def test_dns_faults_are_told(code):
    result = await probe("mail.example.com", names={"mail.example.com": NetworkFault(code, "no")})
    assert result.probe.code is code


async def test_a_closed_port_is_told():
    async with serve(Wire.silence) as server:
        pass
    result = await probe(
        "mail.test", server.port, names={"mail.test": ["127.0.0.1"]}, policy=LOOPBACK
    )
    assert result.probe.code is Code.CONNECTION_REFUSED


async def test_many_dripping_servers_do_not_hold_up_a_good_one():
    async def drip(wire):
        await wire.drip(b"220 " + b"x" * 100, 0.2)

    async def good(wire):
        await wire.line("554 no service here")

    async with serve(drip) as slow, serve(good) as quick:
        names = {"mail.test": ["127.0.0.1"]}
        hanging = [
            asyncio.create_task(
                probe("mail.test", slow.port, names=names, policy=LOOPBACK, deadline_seconds=3)
            )
            for _ in range(100)
        ]
        await until(lambda: slow.connections == len(hanging))
        result = await probe("mail.test", quick.port, names=names, policy=LOOPBACK)
        assert result.probe.code is Code.GREETING_REJECTED
        assert not any(one.done() for one in hanging)
        codes = {one.probe.code for one in await asyncio.gather(*hanging)}
    assert codes == {Code.DEADLINE_EXCEEDED}
