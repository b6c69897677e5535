import asyncio
import errno
import socket
import struct
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from threading import Thread

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, PhaseState, Security
from tests.support import certificates
from tests.support.ports import free_port
from tests.support.probing import LOOPBACK, loopback_network
from tests.support.servers import Wire, serve
from worker.probing.address_gate import TurnedAway
from worker.probing.errors import NetworkFault, ProbeFault, TargetFault
from worker.probing.gate import Cooldown
from worker.probing.target import Protocol, Target
from worker.probing.timeline import Timeline
from worker.probing.transcript import Transcript
from worker.probing.wire.connect import _network_fault, in_turn
from worker.probing.wire.dial import REFUSAL_STEP_SECONDS, dial
from worker.probing.wire.egress import EgressPolicy

STRICT = EgressPolicy(allow_networks=(), allow_ports=(range(587, 588),))


@contextmanager
def refusing(*hosts):
    """A port that is taken at these addresses and listened to at none: nobody else can open it."""
    with ExitStack() as stack:
        port = 0
        for host in hosts:
            taken = stack.enter_context(socket.socket())
            taken.bind((host, port))
            port = taken.getsockname()[1]
        yield port


async def dial_names(
    names, host="mail.test", port=587, *, policy=LOOPBACK, deadline=60, seconds=20
):
    network = loopback_network(names, policy=policy, connect_timeout_seconds=seconds)
    timeline = Timeline(60)
    transcript = Transcript(Protocol.SMTP)
    target = Target(host, port, Security.CLEARTEXT)
    try:
        session = await dial(target, network, timeline, transcript)
    except ProbeFault as fault:
        return fault, timeline, network.resolver
    await session.close()
    return session, timeline, network.resolver


async def test_the_session_knows_where_it_is_and_how_it_got_there():
    async with serve(Wire.silence) as server:
        session, timeline, resolver = await dial_names(
            {"mail.test": ["127.0.0.1"]}, "MAIL.test.", server.port
        )
    assert (session.host, session.port, session.secure) == ("mail.test", server.port, False)
    assert session.remote_address == "127.0.0.1"
    assert [phase.name for phase in timeline.phases()] == [PhaseName.DNS, PhaseName.CONNECT]
    assert resolver.asked == ["mail.test"]


async def test_a_literal_asks_no_resolver():
    async with serve(Wire.silence) as server:
        session, _, resolver = await dial_names({}, "127.0.0.1", server.port)
    assert session.host == "127.0.0.1"
    assert resolver.asked == []


async def test_a_name_is_resolved_once_and_its_second_answer_never_seen():
    class Rebinding:
        def __init__(self):
            self.answers = [["127.0.0.1"], ["10.0.0.1"]]

        async def addresses(self, host):
            return [ip_address(one) for one in self.answers.pop(0)]

    async with serve(Wire.silence) as server:
        network = loopback_network()
        object.__setattr__(network, "resolver", resolver := Rebinding())
        session = await dial(
            Target("mail.test", server.port, Security.CLEARTEXT),
            network,
            Timeline(60),
            Transcript(Protocol.SMTP),
        )
        await session.close()
    assert len(resolver.answers) == 1


@dataclass
class NotedAddresses:
    """Lets in whom it does not turn away, and knows who is inside."""

    turned_away: tuple[str, ...] = ()
    asked: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    async def enter(self, address):
        self.asked.append(address)
        if address in self.turned_away:
            raise TurnedAway(Cooldown(60))
        if address not in self.inside:
            self.inside.append(address)

    def leave(self, address):
        self.inside.remove(address)


async def dial_asking(gate, names, port, host="mail.test"):
    target = Target(host, port, Security.CLEARTEXT)
    network = loopback_network({"mail.test": names})
    session = await dial(target, network, Timeline(60), Transcript(Protocol.SMTP), gate=gate)
    await session.close()
    return session


async def test_the_gate_is_asked_before_each_address_and_only_the_one_in_use_is_held():
    with refusing("127.0.0.1", "127.0.0.2") as port:
        async with serve(Wire.silence, host="127.0.0.3", port=port):
            gate = NotedAddresses()
            await dial_asking(gate, ["127.0.0.1", "127.0.0.2", "127.0.0.3"], port)
    assert list(dict.fromkeys(gate.asked)) == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    assert gate.inside == ["127.0.0.3"]


async def test_an_address_that_turns_away_is_not_connected_to():
    async with serve(Wire.silence) as server:
        gate = NotedAddresses(turned_away=("127.0.0.1",))
        with pytest.raises(TurnedAway):
            await dial_asking(gate, ["127.0.0.1"], server.port)
        await dial_asking(gate, [], server.port, host="127.0.0.1")  # counted as a host already
    assert server.connections == 1
    assert gate.inside == []


async def test_a_further_address_that_turns_away_ends_the_attempts_at_others():
    with refusing("127.0.0.1") as port:
        gate = NotedAddresses(turned_away=("127.0.0.2",))
        with pytest.raises(TurnedAway):
            await dial_asking(gate, ["127.0.0.1", "127.0.0.2"], port)
    assert gate.inside == []


async def test_the_next_address_is_tried_when_the_first_refuses():
    with refusing("127.0.0.1", "127.0.0.2") as port:
        async with serve(Wire.silence, host="127.0.0.3", port=port) as server:
            names = {"mail.test": ["127.0.0.1", "127.0.0.2", "127.0.0.3"]}
            session, _, _ = await dial_names(names, port=port)
    assert session.remote_address == "127.0.0.3"
    assert server.connections == 1


async def test_the_next_address_is_tried_when_the_first_says_nothing():
    port = free_port("127.0.0.2")
    with socket.socket() as full:  # a backlog that is full drops SYN, as a firewall does
        full.bind(("127.0.0.2", port))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.settimeout(0)
            filler.connect_ex(("127.0.0.2", port))
        async with serve(Wire.silence, host="127.0.0.3", port=port) as server:
            names = {"mail.test": ["127.0.0.2", "127.0.0.3"]}
            session, _, _ = await dial_names(names, port=port)
        assert session.remote_address == "127.0.0.3"
        assert server.connections == 1
        fault, timeline, _ = await dial_names({"mail.test": ["127.0.0.2"]}, port=port, seconds=0.3)
        assert fault.code is Code.CONNECTION_TIMED_OUT
        assert timeline.last is PhaseName.CONNECT
        both = {"mail.test": ["127.0.0.2", "127.0.0.4"]}
        fault, _, _ = await dial_names(both, port=port, seconds=0.6)
        assert fault.code is Code.CONNECTION_REFUSED
        for filler in fillers:
            filler.close()


async def test_a_closed_port_is_a_refused_connection():
    fault, timeline, _ = await dial_names({"mail.test": ["127.0.0.1"]}, port=free_port())
    assert fault.code is Code.CONNECTION_REFUSED
    assert timeline.phases()[-1].state is PhaseState.FAILED


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ECONNREFUSED, Code.CONNECTION_REFUSED),
        (errno.ECONNRESET, Code.CONNECTION_CLOSED),
        (errno.ECONNABORTED, Code.CONNECTION_CLOSED),
        (errno.ETIMEDOUT, Code.CONNECTION_TIMED_OUT),
        (errno.ENETUNREACH, Code.NETWORK_UNREACHABLE),
        (errno.EHOSTUNREACH, Code.NETWORK_UNREACHABLE),
        (errno.EADDRNOTAVAIL, Code.NETWORK_UNREACHABLE),
        (errno.EAFNOSUPPORT, Code.NETWORK_UNREACHABLE),
        (errno.EMFILE, Code.INTERNAL_SERVER_ERROR),
        (errno.ENOBUFS, Code.INTERNAL_SERVER_ERROR),
    ],
)
def test_what_the_kernel_says_has_a_code(number, code):
    assert _network_fault(OSError(number, "text")).code is code


@contextmanager
def resetting(host="127.0.0.1"):
    """A server in a thread that takes every connection and resets it, however early that is."""
    with socket.create_server((host, 0)) as listener:
        thread = Thread(target=_reset_all, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _reset_all(listener):
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()


async def greeting_of(host, port, names):
    network = loopback_network({host: names})
    target, transcript = Target(host, port, Security.CLEARTEXT), Transcript(Protocol.SMTP)
    session = await dial(target, network, Timeline(60), transcript)
    try:
        return await session.read_line()
    finally:
        await session.close()


@pytest.mark.parametrize("names", [["127.0.0.2"], ["127.0.0.88", "127.0.0.2"]])
async def test_a_server_that_resets_at_once_has_closed_the_connection(names):
    # While we connect, look at who is connected, or read: the kernel decides. Nobody is at .88.
    with resetting("127.0.0.2") as port:
        for _ in range(20):
            with pytest.raises(NetworkFault) as raised:
                await greeting_of("mail.test", port, names)
            assert raised.value.code is Code.CONNECTION_CLOSED


class GoneTransport(asyncio.Transport):
    """Of a socket that was reset: the kernel knows no peer of it."""

    aborted = False

    def abort(self):
        self.aborted = True


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_connection_that_is_gone_before_it_is_looked_at_was_closed(monkeypatch):
    async def gone(protocol, host, port):
        return transport, protocol()

    transport = GoneTransport()
    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", gone)
    fault, _, _ = await dial_names({"mail.test": ["127.0.0.1"]})
    assert fault.code is Code.CONNECTION_CLOSED
    assert transport.aborted


def test_families_take_turns():
    given = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"]
    order = [str(one) for one in in_turn([ip_address(one) for one in given])]
    assert order == ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"]


async def test_giving_up_in_the_race_leaves_no_attempt_behind():
    port = free_port("127.0.0.2")
    with socket.socket() as full:
        full.bind(("127.0.0.2", port))
        full.listen(0)
        with socket.socket() as filler:
            filler.settimeout(0)
            filler.connect_ex(("127.0.0.2", port))
            names = {"mail.test": ["127.0.0.2", "127.0.0.5"]}
            before = asyncio.all_tasks()
            await dial_names(names, port=port, seconds=0.4)
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == before


REFUSED = {
    "a name that leads inside": ({"mail.test": ["10.0.0.1"]}, "mail.test", 587),
    "mixed answers": ({"mail.test": ["8.8.8.8", "::1"]}, "mail.test", 587),
    "a forbidden literal": ({}, "127.0.0.1", 587),
    "a mapped literal": ({}, "::ffff:127.0.0.1", 587),
    "a scoped literal": ({}, "fe80::1%eth0", 587),
    "a port": ({"mail.test": ["8.8.8.8"]}, "mail.test", 22),
    "a special name": ({"db.internal": ["8.8.8.8"]}, "db.internal", 587),
    "a special name that does not exist": ({}, "no.internal", 587),
    "a single label": ({}, "redis", 587),
}


async def test_every_refusal_looks_the_same_in_text_time_and_phases():
    faults = await asyncio.gather(
        *(dial_names(names, host, port, policy=STRICT) for names, host, port in REFUSED.values())
    )
    assert {(type(fault), str(fault), fault.hint) for fault, _, _ in faults} == {
        (TargetFault, str(faults[0][0]), None)
    }
    assert faults[0][0].code is Code.TARGET_NOT_ALLOWED
    for _, timeline, _ in faults:
        (phase,) = timeline.phases()
        assert (phase.name, phase.state) == (PhaseName.DNS, PhaseState.FAILED)
        assert phase.milliseconds >= REFUSAL_STEP_SECONDS * 1000 - 20


async def test_a_name_that_never_exists_is_in_no_private_zone():
    fault, _, _ = await dial_names({}, "gone.invalid", policy=STRICT)
    assert fault.code is Code.DNS_NOT_FOUND


async def test_a_host_that_is_none_is_refused_before_any_phase():
    fault, timeline, resolver = await dial_names({}, "127.0.0.1\0.example.com", policy=STRICT)
    assert fault.code is Code.INVALID_FIELD
    assert timeline.phases() == ()
    assert resolver.asked == []


@pytest.mark.parametrize("code", [Code.DNS_NOT_FOUND, Code.DNS_TEMPORARY])
async def test_a_fault_of_dns_is_passed_on(code):
    fault, timeline, _ = await dial_names({"mail.test": NetworkFault(code, "no")})
    assert fault.code is code
    assert timeline.last is PhaseName.DNS


async def test_a_failed_handshake_leaves_no_connection_open():
    gone = asyncio.Event()

    async def script(wire):
        try:
            await wire.line("220 plain")
            await wire.read_line()
        finally:
            gone.set()

    async with serve(script) as server:
        with pytest.raises(ProbeFault):
            await dial(
                Target("mail.test", server.port, Security.IMPLICIT_TLS),
                loopback_network(),
                Timeline(60),
                Transcript(Protocol.SMTP),
            )
        async with asyncio.timeout(2):
            await gone.wait()


async def test_an_international_name_is_verified_by_its_a_label():
    context = certificates.good("xn--bcher-kva.test")
    async with serve(lambda wire: wire.line("220 ready"), tls=context) as server:
        session = await dial(
            Target("bücher.test", server.port, Security.IMPLICIT_TLS),
            loopback_network({"xn--bcher-kva.test": ["127.0.0.1"]}),
            Timeline(60),
            Transcript(Protocol.SMTP),
        )
        assert session.tls_facts.verified
        assert session.host == "xn--bcher-kva.test"
        await session.close()


@pytest.mark.parametrize("host", ["a.mail.test", "a.b.mail.test"])
async def test_a_wildcard_stands_for_one_label(host):
    context = certificates.good("*.mail.test")
    seen = []
    async with serve(Wire.silence, tls=context) as server:
        try:
            session = await dial(
                Target(host, server.port, Security.IMPLICIT_TLS),
                loopback_network({host: ["127.0.0.1"]}),
                Timeline(60),
                Transcript(Protocol.SMTP),
            )
            await session.close()
        except ProbeFault as fault:
            seen.append(fault.code)
    assert seen == ([] if host == "a.mail.test" else [Code.CERTIFICATE_NAME_MISMATCH])


@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_connection_that_went_elsewhere_is_dropped(monkeypatch):
    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def through_a_proxy(protocol, host, port):
        return await connect(protocol, "127.0.0.2", port)

    monkeypatch.setattr(loop, "create_connection", through_a_proxy)
    async with serve(Wire.silence, host="127.0.0.2") as server:
        fault, _, _ = await dial_names({"mail.test": ["127.0.0.1"]}, port=server.port)
    assert fault.code is Code.TARGET_NOT_ALLOWED
    assert server.lines == []
