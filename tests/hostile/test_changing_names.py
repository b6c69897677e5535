"""Names that lead inside: by answers that change between look-ups, by services, by other families.

Run against a name server and a server that must never be connected to.
"""

from ipaddress import ip_network

import pytest
from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support.name_server import name_server
from tests.support.probing import client_context
from tests.support.servers import serve, silent
from worker.probing.classify import providers
from worker.probing.gate import OpenGate
from worker.probing.prober import Prober
from worker.probing.target import Credential, ProbePlan, Protocol, Target
from worker.probing.wire.dial import Network
from worker.probing.wire.egress import EgressPolicy
from worker.probing.wire.resolver import DnsResolver

OUTSIDE, INSIDE = "127.0.0.7", "127.66.0.9"
POLICY = EgressPolicy((ip_network("127.0.0.0/16"),), (range(1, 65536),))
NAME = "mail.evil.test"


class Changing(dict):
    """A table whose answers each hold for one look-up, the last one for all that follow."""

    def get(self, question, default=()):
        answers = super().get(question, default)
        return answers.pop(0) if len(answers) > 1 else answers[0] if answers else default


def prober(resolver, tmp_path):
    network = Network(DnsResolver(tmp_path / "hosts", resolver), POLICY, client_context(), 2.0)
    return Prober(network, OpenGate(), providers.load(), "probe.test", 3.0)


def plan(port):
    target = Target(NAME, port, Security.CLEARTEXT)
    return ProbePlan(Protocol.SMTP, target, Credential("jean", SecretStr("Canary-7hunter2")))


async def test_a_name_that_leads_inside_the_second_time_is_refused_then(tmp_path):
    table = Changing({(NAME, "A"): [[OUTSIDE], [INSIDE]]})
    async with serve(silent, host=INSIDE) as inside, name_server(table) as (resolver, _):
        ours = prober(resolver, tmp_path)
        codes = [(await ours.probe(job, plan(inside.port), {})).probe.code for job in "ab"]
    assert codes == [Code.CONNECTION_REFUSED, Code.TARGET_NOT_ALLOWED]
    assert not inside.connections


async def test_the_looks_of_a_job_go_where_its_probe_went_whatever_the_name_says_by_then(tmp_path):
    table = Changing({(NAME, "A"): [[OUTSIDE], [INSIDE]]})
    async with serve(silent, host=INSIDE) as inside, name_server(table) as (resolver, asked):
        result = await prober(resolver, tmp_path).probe("job", plan(inside.port), {})
    assert result.probe.code is Code.CONNECTION_REFUSED
    assert asked.count((NAME, "A")) == 1
    assert not inside.connections


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("A", INSIDE),
        ("AAAA", f"::ffff:{INSIDE}"),
        ("AAAA", f"64:ff9b::{INSIDE}"),
        ("AAAA", f"::{INSIDE}"),
        ("AAAA", "2002:7f42:9::1"),
        ("AAAA", "::1"),
    ],
)
async def test_one_address_inside_spoils_those_beside_it(kind, address, tmp_path):
    table = Changing({(NAME, "A"): [[OUTSIDE]]})
    table[NAME, kind] = [[*table.get((NAME, kind)), address]]
    async with serve(silent, host=INSIDE) as inside, name_server(table) as (resolver, _):
        result = await prober(resolver, tmp_path).probe("job", plan(inside.port), {})
    assert result.probe.code is Code.TARGET_NOT_ALLOWED
    assert not inside.connections


@pytest.mark.parametrize("target", ["in.evil.test", INSIDE, "localhost", "2130706433", "127.1"])
async def test_no_service_that_a_zone_names_is_looked_at_inside(target, tmp_path):
    async with serve(silent, host=INSIDE) as inside:
        table = Changing({
            ("_submission._tcp.evil.test", "SRV"): [[f"0 0 {inside.port} {target}."]],
            ("in.evil.test", "A"): [[INSIDE]],
            ("localhost", "A"): [[INSIDE]],
        })  # fmt: skip
        async with name_server(table) as (resolver, asked):
            job = prober(resolver, tmp_path).for_job("job")
            assert await job.discover("evil.test", Protocol.SMTP) is None
    assert ("_submission._tcp.evil.test", "SRV") in asked
    assert not inside.connections
