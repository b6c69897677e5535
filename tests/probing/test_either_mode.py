"""Where encryption is asked for and not which kind, the port tells (docs/CONTRACT.md section 7)."""

import pytest
from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support import certificates
from tests.support.probing import loopback_network
from tests.support.servers import Wire, serve
from worker.probing.classify import providers
from worker.probing.gate import OpenGate
from worker.probing.prober import Prober
from worker.probing.target import Credential, ProbePlan, Protocol, Target

SECRET = "Canary-7hunter2"


async def probe(server, *, deadline_seconds=6):
    target = Target(certificates.NAME, server.port, Security.STARTTLS)
    credential = Credential("jean@mail.test", SecretStr(SECRET))
    plan = ProbePlan(Protocol.SMTP, target, credential, or_implicit_tls=True)
    network = loopback_network(connect_timeout_seconds=1)
    prober = Prober(network, OpenGate(), providers.load(), "probe.test", deadline_seconds)
    return await prober.probe("job", plan, {})


async def log_in(wire):
    await wire.expect("EHLO ")
    await wire.line("250-mail.test", "250 AUTH PLAIN")
    await wire.expect("AUTH PLAIN ")
    await wire.line("235 2.7.0 ok")


async def implicit(wire):
    await wire.line("220 mail.test")
    await log_in(wire)


async def starttls(wire):
    await wire.line("220 mail.test")
    await wire.expect("EHLO ")
    await wire.line("250-mail.test", "250 STARTTLS")
    await wire.expect("STARTTLS")
    await wire.line("220 go")
    await wire.start_tls(certificates.good())
    await log_in(wire)


async def test_a_port_that_waits_for_a_client_hello_is_spoken_to_in_implicit_tls():
    async with serve(implicit, tls=certificates.good()) as server:
        result = await probe(server)
    assert result.probe.code is Code.OK
    assert result.probe.tls.verified
    assert server.in_clear == []


async def test_a_port_that_greets_is_asked_for_starttls_and_only_once():
    async with serve(starttls) as server:
        result = await probe(server)
    assert result.probe.code is Code.OK
    assert server.connections == 1
    assert not [line for line in server.in_clear if "AUTH" in line]


async def test_a_server_that_greets_late_is_given_its_time_after_all():
    """As greet_pause does it: who speaks first is turned away."""

    async def script(wire):
        if wire.number == 1:
            await wire.silence()
        if wire.number == 2:
            await wire.read(1)
            await wire.line("554 you spoke before the greeting")
            wire.close()
            return
        await starttls(wire)

    async with serve(script) as server:
        result = await probe(server)
    assert result.probe.code is Code.OK
    assert server.connections == 3
    assert not [line for line in server.in_clear if "AUTH" in line]


async def test_a_bad_certificate_of_implicit_tls_is_what_is_told():
    async with serve(implicit, tls=certificates.expired()) as server:
        result = await probe(server)
    assert result.probe.code is Code.CERTIFICATE_EXPIRED
    assert server.commands == []


async def test_a_server_without_any_encryption_never_gets_the_password():
    async def plain(wire):
        await wire.line("220 mail.test")
        await wire.expect("EHLO ")
        await wire.line("250-mail.test", "250 AUTH PLAIN")

    async with serve(plain) as server:
        result = await probe(server)
    assert result.probe.code is Code.STARTTLS_NOT_OFFERED
    assert not [line for line in server.commands if "AUTH" in line]


@pytest.mark.parametrize("script", [Wire.silence, lambda wire: wire.drip(b"2" * 500, 0.02)])
async def test_a_port_that_is_silent_or_drips_ends_within_the_deadline(script):
    async with serve(script) as server:
        result = await probe(server, deadline_seconds=1.0)
    assert result.probe.code is Code.DEADLINE_EXCEEDED
    assert server.connections <= 3


async def test_an_alert_in_clear_text_tells_at_once():
    async def script(wire):
        if wire.number == 1:
            await wire.send_raw(b"\x15\x03\x01\x00\x02\x02\x28")
            await wire.silence()
        await wire.start_tls(certificates.good())
        await implicit(wire)

    async with serve(script) as server:
        result = await probe(server)
    assert result.probe.code is Code.OK
