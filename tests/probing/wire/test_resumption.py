"""Handshakes that resume an earlier TLS session: when, and never when not."""

import ssl
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from producer.contract.codes import Code
from producer.contract.report import Security
from tests.support import certificates
from tests.support.probing import client_context, loopback_network
from tests.support.servers import serve
from worker.probing.classify import providers
from worker.probing.gate import OpenGate
from worker.probing.prober import Prober
from worker.probing.target import Credential, ProbePlan, Protocol, Target
from worker.probing.wire.certificate import Leaf
from worker.probing.wire.resumption import LIFE_SECONDS, Peer, Resumption, TlsSessions

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class World:
    """A prober that keeps sessions, a clock that tests set, what the server saw."""

    def __init__(self, *, limit=8):
        self.now = 1000.0
        self.resumed = []
        names = {name: ["127.0.0.1"] for name in (certificates.NAME, "other.test")}
        self.network = replace(
            loopback_network(names),
            tls_sessions=TlsSessions(limit, lambda: self.now),
        )

    async def probe(self, server, security=Security.IMPLICIT_TLS, host=certificates.NAME):
        credential = Credential("jean@mail.test", SecretStr("Canary-7hunter2"))
        plan = ProbePlan(Protocol.SMTP, Target(host, server.port, security), credential)
        prober = Prober(self.network, OpenGate(), providers.load(), "probe.test", 60)
        return await prober.probe("job", plan, {})

    def log_in(self, *answers):
        """A server's half of one dialogue after another; the last answer to AUTH is repeated."""
        left = list(answers or ("235 2.7.0 ok",))

        async def script(wire):
            self.resumed.append(wire._tls.session_reused)
            await wire.line("220 mail.test")
            await wire.expect("EHLO ")
            await wire.line("250-mail.test", "250 AUTH PLAIN")
            await wire.expect("AUTH PLAIN ")
            await wire.line(left.pop(0) if len(left) > 1 else left[0])

        return script


def agreed_session():
    """What a handshake in memory leaves behind."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = certificates.only_version(VERSIONS[0])
    client = client_context().wrap_bio(to_client, to_server, server_hostname=certificates.NAME)
    server = tls.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server, client):
        with suppress(ssl.SSLWantReadError):
            side.do_handshake()
    return client.session


@pytest.fixture
def world():
    return World()


@pytest.fixture(params=VERSIONS)
def tls(request):
    return certificates.only_version(request.param)


async def test_the_second_login_resumes_and_reports_the_same_certificate(world, tls):
    async with serve(world.log_in(), tls=tls) as server:
        first, second = [await world.probe(server) for _ in range(2)]
    assert world.resumed == [False, True]
    assert second.probe.code is Code.OK
    assert second.probe.tls == first.probe.tls
    assert second.probe.tls.subject_names
    assert any("* TLS resumed, " in line for line in second.transcript)
    assert not any("* TLS resumed, " in line for line in first.transcript)


async def test_starttls_resumes_likewise_but_never_what_implicit_tls_agreed(world):
    log_in = world.log_in()
    tls = certificates.only_version(VERSIONS[1])

    async def script(wire):
        await wire.line("220 mail.test")
        await wire.expect("EHLO ")
        await wire.line("250-mail.test", "250 STARTTLS")
        await wire.expect("STARTTLS")
        await wire.line("220 go")
        await wire.start_tls(tls)
        world.resumed.append(wire._tls.session_reused)
        await wire.expect("EHLO ")
        await wire.line("250-mail.test", "250 AUTH PLAIN")
        await wire.expect("AUTH PLAIN ")
        await wire.line("235 2.7.0 ok")

    async with serve(log_in, tls=tls) as server:
        port = server.port
        await world.probe(server)
    async with serve(script, port=port) as server:
        for _ in range(2):
            assert (await world.probe(server, Security.STARTTLS)).probe.code is Code.OK
    assert world.resumed == [False, False, True]


async def test_a_login_that_was_refused_is_worth_resuming_too(world, tls):
    async with serve(world.log_in("535 5.7.8 no", "235 2.7.0 ok"), tls=tls) as server:
        codes = [(await world.probe(server)).probe.code for _ in range(2)]
    assert codes == [Code.AUTHENTICATION_FAILED, Code.OK]
    assert world.resumed == [False, True]


async def test_a_dialogue_that_broke_off_leaves_nothing_to_resume(world, tls):
    log_in = world.log_in()

    async def script(wire):
        if wire.number == 2:
            world.resumed.append(wire._tls.session_reused)
            wire.close()
        else:
            await log_in(wire)

    async with serve(script, tls=tls) as server:
        codes = [(await world.probe(server)).probe.code for _ in range(3)]
    assert codes == [Code.OK, Code.CONNECTION_CLOSED, Code.OK]
    assert world.resumed == [False, True, False]


async def test_a_session_is_resumed_for_minutes_from_the_handshake_that_verified(world, tls):
    async with serve(world.log_in(), tls=tls) as server:
        for seconds in (0, LIFE_SECONDS * 0.6, LIFE_SECONDS * 0.6):
            world.now += seconds
            await world.probe(server)
    assert world.resumed == [False, True, False]


def test_a_session_does_not_outlive_the_certificate():
    peer = Peer("127.0.0.1", 993, "mail.test", Protocol.IMAP, Security.IMPLICIT_TLS)
    sessions, now = TlsSessions(), datetime.now(UTC)
    for seconds, offered in ((60, True), (-1, False)):
        leaf = Leaf(("mail.test",), "", now + timedelta(seconds=seconds))
        sessions.keep(peer, agreed_session(), leaf)
        assert (sessions.find(peer) is not None) is offered


def test_a_burst_of_logins_copies_the_session_once():
    peer = Peer("127.0.0.1", 993, "mail.test", Protocol.IMAP, Security.IMPLICIT_TLS)
    kept, agreed = TlsSessions(), agreed_session()
    leaf = Leaf(("mail.test",), "", datetime.now(UTC) + timedelta(days=1))
    copies = []

    class Counted:
        session_reused = False

        @property
        def session(self):
            copies.append(1)
            return agreed

    for _ in range(5):
        Resumption(kept, peer).keep(Counted(), leaf, extra_bytes=0)
    Resumption(TlsSessions(limit=0), peer).keep(Counted(), leaf, extra_bytes=0)
    assert len(copies) == 1


def test_of_many_servers_the_latest_are_remembered():
    sessions, session = TlsSessions(limit=2), agreed_session()
    peers = [Peer("127.0.0.1", n, "a", Protocol.IMAP, Security.IMPLICIT_TLS) for n in (1, 2, 3)]
    for peer in peers:
        sessions.keep(peer, session, Leaf(expires=datetime.now(UTC) + timedelta(days=1)))
    assert [sessions.find(peer) is not None for peer in peers] == [False, True, True]


async def test_another_name_of_the_same_server_is_verified_for_itself(world):
    async with serve(world.log_in(), tls=certificates.good("mail.test", "other.test")) as server:
        for host in ("mail.test", "other.test"):
            assert (await world.probe(server, host=host)).probe.tls.verified
    assert world.resumed == [False, False]


async def test_an_exchanged_certificate_is_judged_anew_by_a_server_without_the_old_tickets(world):
    async with serve(world.log_in(), tls=certificates.good("mail.test")) as server:
        port = server.port
        await world.probe(server)
    async with serve(world.log_in(), tls=certificates.expired(), port=port) as server:
        result = await world.probe(server)
    assert result.probe.code is Code.CERTIFICATE_EXPIRED
    assert not result.probe.tls.verified
    assert server.connections == 1


@pytest.mark.parametrize("answer", [b"", b"\x15\x03\x03\x00\x02\x02\x28"])
async def test_a_server_that_cannot_cope_with_a_session_gets_a_full_handshake(world, tls, answer):
    log_in = world.log_in()

    async def script(wire):
        if wire.number == 2:
            await wire.read(5)
            await wire.send(answer)
            wire.close()
        else:
            await wire.start_tls(tls)
            await log_in(wire)

    async with serve(script) as server:
        codes = [(await world.probe(server)).probe.code for _ in range(2)]
    assert codes == [Code.OK, Code.OK]
    assert server.connections == 3
    assert world.resumed == [False, False]


async def test_text_in_clear_is_an_injection_also_where_a_session_was_offered(world):
    tls = certificates.good()

    async def script(wire):
        await wire.line("220 mail.test")
        await wire.expect("EHLO ")
        await wire.line("250-mail.test", "250 STARTTLS")
        await wire.expect("STARTTLS")
        if wire.number == 2:
            await wire.line("220 go", "250 AUTH PLAIN")
            return
        await wire.line("220 go")
        await wire.start_tls(tls)
        await wire.expect("EHLO ")
        await wire.line("250-mail.test", "250 AUTH PLAIN")
        await wire.expect("AUTH PLAIN ")
        await wire.line("235 2.7.0 ok")

    async with serve(script) as server:
        results = [await world.probe(server, Security.STARTTLS) for _ in range(2)]
    assert [result.probe.code for result in results] == [Code.OK, Code.STARTTLS_INJECTION]
    assert server.connections == 2


async def test_tickets_beyond_measure_are_not_kept(world):
    tls = certificates.good("mail.test")
    tls.num_tickets = 40
    async with serve(world.log_in(), tls=tls) as server:
        for _ in range(2):
            assert (await world.probe(server)).probe.code is Code.OK
    assert world.resumed == [False, False]


async def test_with_a_limit_of_none_nothing_is_resumed(tls):
    world = World(limit=0)
    async with serve(world.log_in(), tls=tls) as server:
        for _ in range(2):
            await world.probe(server)
    assert world.resumed == [False, False]
