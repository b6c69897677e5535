"""The codes that no hostile server leads to, each through a whole probe."""

import errno
import socket

import pytest
from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support.hostile import CREDENTIAL, play
from tests.support.probing import loopback_network
from tests.support.servers import serve
from worker.probing.classify import providers
from worker.probing.errors import NetworkFault
from worker.probing.gate import OpenGate
from worker.probing.prober import Prober
from worker.probing.target import Credential, ProbePlan, Protocol, Target

LOGIN = Credential("tim", SecretStr("Canary-7hunter2"))
LOGGED_IN = (*CREDENTIAL, "S: 235 2.7.0 ok", "C: MAIL FROM:")


async def probe(port: int, network=None):
    target = Target("mail.test", port, Security.CLEARTEXT)
    plan = ProbePlan(Protocol.SMTP, target, LOGIN, sender="sales@dealer.test")
    prober = Prober(network or loopback_network(), OpenGate(), providers.load(), "probe.test", 60)
    return await prober.probe("job", plan, {})


@pytest.mark.parametrize(
    ("steps", "code", "failed"),
    [
        (
            (*CREDENTIAL, "S: 451 Authentication failed: Maximum credits exceeded"),
            Code.QUOTA_EXCEEDED,
            True,
        ),
        (
            (*LOGGED_IN, "S: 553 5.7.1 Sender address rejected: not owned by user tim"),
            Code.SENDER_REJECTED,
            False,
        ),
        ((*LOGGED_IN, "S: 451 4.7.1 try again later"), Code.SENDER_INCONCLUSIVE, False),
    ],
)
async def test_what_a_server_says_leads_to_the_code(steps, code, failed):
    async with serve(lambda wire: play(wire, steps)) as server:
        result = await probe(server.port)

    assert (result.probe.code, result.failed) == (code, failed)
    assert (f"SMTP_{code}" in dict(result.warnings)) is not failed


async def test_a_server_that_answers_no_syn_times_out():
    with socket.socket() as full:  # a backlog that is full drops SYN, as a firewall does
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(("127.0.0.1", port))
        result = await probe(port, loopback_network(connect_timeout_seconds=0.5))
        for filler in fillers:
            filler.close()

    assert (result.probe.code, result.probe.retryable) == (Code.CONNECTION_TIMED_OUT, True)


async def test_a_network_without_a_way_there_is_unreachable():
    no_way = NetworkFault(Code.NETWORK_UNREACHABLE, errno.errorcode[errno.ENETUNREACH])

    result = await probe(25, loopback_network({"mail.test": no_way}))

    assert result.probe.code is Code.NETWORK_UNREACHABLE
