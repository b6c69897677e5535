"""What a server can make TLS cost: nothing of it is shared with other probes, all of it bounded."""

import asyncio
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from tests.support import certificates
from tests.support.pace import assert_within
from tests.support.probing import dial_server, loopback_network
from tests.support.servers import Wire, serve
from worker.probing.errors import ProbeFault
from worker.probing.target import Protocol, Target
from worker.probing.timeline import Timeline
from worker.probing.transcript import Transcript
from worker.probing.wire.allowance import MAX_ARRIVALS, MAX_HANDSHAKE_BYTES
from worker.probing.wire.dial import dial
from worker.probing.wire.tls import make_context

LONGEST_STRETCH_SECONDS = 0.02


class ForbiddenExecutor(ThreadPoolExecutor):
    """Stands where others' work would wait behind ours."""

    def submit(self, fn, /, *args, **kwargs):
        raise AssertionError(f"{fn} was given to a thread that all probes share")


async def ready(wire):
    await wire.line("220 ready")


async def fault_of(server, security=Security.IMPLICIT_TLS, **more):
    """How dialling and reading lines ends."""
    with pytest.raises(ProbeFault) as raised:
        session = await dial_server(server, security, **more)
        try:
            async with session.phase(PhaseName.GREETING):
                while True:
                    await session.read_line()
        finally:
            await session.close()
    return raised.value


async def test_no_handshake_waits_for_a_thread_however_many_there_are():
    asyncio.get_running_loop().set_default_executor(ForbiddenExecutor())
    async with serve(ready, tls=certificates.good()) as server:
        dialled = (dial_server(server, Security.IMPLICIT_TLS) for _ in range(12))
        for session in await asyncio.gather(*dialled):
            assert session.secure
            await session.close()


async def test_a_handshake_that_is_given_up_at_any_moment_does_no_harm():
    """The server's last octets come in the very turn of the loop in which we are cancelled."""
    context = certificates.good()
    flight_is_in = asyncio.Event()

    async def script(wire):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            incoming.write(await wire._receive())
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await wire.send_raw(outgoing.read())
                flight_is_in.set()

    async with serve(script) as server:
        for turns in range(24):
            flight_is_in.clear()
            session = await dial_server(server)
            task = asyncio.create_task(session.start_tls(Security.IMPLICIT_TLS))
            await flight_is_in.wait()
            for _ in range(turns % 8):
                await asyncio.sleep(0)
            task.cancel()
            session.send_last_line(b"QUIT")
            await asyncio.gather(task, return_exceptions=True)
            session.send_last_line(b"QUIT")
            await session.close()


async def test_nothing_is_said_on_a_handshake_that_failed():
    async with serve(Wire.silence, tls=certificates.expired()) as server:
        session = await dial_server(server)
        with pytest.raises(ProbeFault):
            await session.start_tls(Security.IMPLICIT_TLS)
        session.send_last_line(b"QUIT")
        await session.close()
    assert "C: QUIT" not in "\n".join(session.transcript.lines())


async def test_what_a_thread_works_on_is_not_touched_by_the_last_line_of_a_probe_that_gave_up():
    at_work = asyncio.Event()

    async def never_done(address, advance):
        at_work.set()
        await asyncio.Event().wait()

    network = replace(loopback_network(), handshakes=never_done)
    async with serve(Wire.silence, tls=certificates.good()) as server:
        target = Target(certificates.NAME, server.port, Security.CLEARTEXT)
        session = await dial(target, network, Timeline(20), Transcript(Protocol.SMTP))
        handshake = asyncio.create_task(session.start_tls(Security.IMPLICIT_TLS))
        await at_work.wait()
        handshake.cancel()
        await asyncio.gather(handshake, return_exceptions=True)
        session.send_last_line(b"QUIT")
        channel = session._stream._channel
        assert channel.fault is None  # OpenSSL was asked for nothing, so it had nothing to refuse
        assert not channel._outgoing.pending
        await session.close()


@pytest.mark.parametrize("security", [Security.IMPLICIT_TLS, Security.STARTTLS])
async def test_a_chain_larger_than_any_honest_one_is_refused_unread(security):
    names = ("mail.test", *(f"host-{number}.mail.test" for number in range(2000)))
    context = certificates.own(
        lambda builder: builder, names=names, issuer=certificates.authority()
    )

    async def script(wire):
        if security is Security.STARTTLS:
            await wire.line("220 go")
            await wire.start_tls(context)

    tls = context if security is Security.IMPLICIT_TLS else None
    async with serve(script, tls=tls) as server:
        if security is Security.IMPLICIT_TLS:
            fault = await fault_of(server)
        else:
            session = await dial_server(server)
            await session.read_line()
            with pytest.raises(ProbeFault) as raised:
                await session.start_tls()
            fault = raised.value
            await session.close()
    assert fault.code is Code.RESPONSE_TOO_LARGE
    assert str(MAX_HANDSHAKE_BYTES) in fault.detail


def context_with(chain):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


@pytest.mark.parametrize(
    ("length", "curve", "code"),
    [
        (20, ec.SECP521R1(), None),  # as many as fit, each signature verified
        (100, ec.SECP256R1(), Code.RESPONSE_TOO_LARGE),
        (100, ec.SECP521R1(), Code.RESPONSE_TOO_LARGE),
    ],
)
def test_a_chain_of_many_keys_is_no_work_for_the_loop(length, curve, code, tmp_path):
    chain, root = certificates.long_chain(length, curve, tmp_path)

    def share():
        found, of_loop, of_all = asyncio.run(handshake_with(chain, root))
        assert [getattr(one, "code", None) for one in found] == [code]
        # Of the loop with what the server's side takes in it.
        return max(of_loop / LONGEST_STRETCH_SECONDS, of_all / (10 * LONGEST_STRETCH_SECONDS))

    assert_within(1, share)


async def handshake_with(chain, root):
    """How it ends, and the CPU seconds of the loop and of all threads."""
    network = replace(loopback_network(), tls_context=make_context(root))
    async with serve(Wire.silence, tls=context_with(chain)) as server:
        target = Target(certificates.NAME, server.port, Security.CLEARTEXT)
        session = await dial(target, network, Timeline(20), Transcript(Protocol.SMTP))
        of_loop, of_all = time.thread_time(), time.process_time()
        found = await asyncio.gather(
            session.start_tls(Security.IMPLICIT_TLS), return_exceptions=True
        )
        of_loop, of_all = time.thread_time() - of_loop, time.process_time() - of_all
        await session.close()
    return found, of_loop, of_all


async def test_a_flood_of_session_tickets_is_cut_off():
    context = certificates.own(lambda builder: builder, issuer=certificates.authority())
    context.num_tickets = 300
    async with serve(Wire.silence, tls=context) as server:
        fault = await fault_of(server)
    assert fault.code is Code.RESPONSE_TOO_LARGE


async def test_a_flood_of_records_without_words_is_cut_off():
    async def script(wire):
        for _ in range(3000):
            wire._tls.write(b"")  # OpenSSL sends nothing for it
            await wire.send(b" ")

    async with serve(script, tls=certificates.good()) as server:
        fault = await fault_of(server)
    assert fault.code is Code.RESPONSE_TOO_LARGE


async def test_a_handshake_that_comes_octet_by_octet_is_given_up():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = certificates.good().wrap_bio(incoming, outgoing, server_side=True)

    async def script(wire):
        incoming.write(await wire._receive())
        with pytest.raises(ssl.SSLWantReadError):
            server_side.do_handshake()
        for octet in outgoing.read():
            await wire.send_raw(bytes([octet]))
            await asyncio.sleep(0.0005)

    async with serve(script) as server:
        fault = await fault_of(server, deadline_seconds=30)
    assert fault.code is Code.RESPONSE_TOO_LARGE
    assert "TLS handshake in more than 128 pieces" in fault.detail


async def test_octets_that_come_one_by_one_do_not_cost_a_turn_each_for_ever():
    async def script(wire):
        await wire.drip(b"x" * 2 * MAX_ARRIVALS, 0)

    async with serve(script) as server:
        fault = await fault_of(server, Security.CLEARTEXT, deadline_seconds=30)
    assert fault.code is Code.RESPONSE_TOO_LARGE
    assert "pieces" in fault.detail
