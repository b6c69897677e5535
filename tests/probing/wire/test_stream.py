import asyncio

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from tests.support import certificates
from tests.support.probing import dial_server
from tests.support.servers import Wire, serve
from tests.support.waiting import settled, until
from worker.probing.errors import DeadlineFault, NetworkFault, ProbeFault, ProtocolFault, TlsFault
from worker.probing.wire.allowance import MAX_LINE_BYTES, MAX_SESSION_BYTES
from worker.probing.wire.session import MAX_LITERAL_BYTES, MAX_REPLY_LINES
from worker.probing.wire.stream import Stream

BOTH = pytest.mark.parametrize("security", [Security.CLEARTEXT, Security.IMPLICIT_TLS])


def context(security):
    return certificates.good() if security is Security.IMPLICIT_TLS else None


async def read_from(script, security=Security.CLEARTEXT, *, lines=1, deadline_seconds=60):
    """What a session reads from a scripted server, and its fault where it ended in one."""
    seen = []
    async with serve(script, tls=context(security)) as server:
        session = await dial_server(server, security, deadline_seconds=deadline_seconds)
        try:
            async with session.phase(PhaseName.GREETING):
                for _ in range(lines):
                    seen.append(await session.read_line())
                    session.record_reply(seen[-1:])
        except ProbeFault as fault:
            return seen, fault
        finally:
            await session.close()
    return seen, None


def sending(data, chunk=None, *, then=Wire.silence):
    async def script(wire):
        size = chunk or len(data) or 1
        for start in range(0, len(data), size):
            await wire.send(data[start : start + size])
            await asyncio.sleep(0)
        await then(wire)

    return script


async def closing(wire):
    wire.close()


@BOTH
@pytest.mark.parametrize("chunk", [1, 7, None])
async def test_lines_are_the_same_however_the_bytes_arrive(security, chunk):
    data = b"220-one\r\n220 two\r\n\r\nlf only\n250 a\rb\0c\xff\r\n"
    seen, fault = await read_from(sending(data, chunk), security, lines=5)
    assert fault is None
    assert seen == [b"220-one", b"220 two", b"", b"lf only", b"250 a\rb\0c\xff"]


WHAT_ENDS_A_WAIT_FOR_A_LINE = {
    "its end": lambda stream: stream.data_received(b"\n"),
    "the end of the connection": lambda stream: stream.eof_received(),
    "its loss": lambda stream: stream.connection_lost(None),
    "more than a line may have": lambda stream: stream.data_received(b"x" * MAX_LINE_BYTES),
    "more than a session may have": lambda stream: stream.data_received(b"x" * MAX_SESSION_BYTES),
}


@pytest.mark.parametrize(
    "ends", WHAT_ENDS_A_WAIT_FOR_A_LINE.values(), ids=WHAT_ENDS_A_WAIT_FOR_A_LINE
)
async def test_octets_of_a_line_wake_its_reader_only_once_there_is_something_to_tell(ends):
    stream = Stream()
    reading = stream.read_line()
    wake = reading.send(None)
    for octet in b"220 drop by drop":
        stream.data_received(bytes([octet]))
    assert not wake.done()
    ends(stream)
    assert wake.done()
    with pytest.raises((StopIteration, ProbeFault)):
        reading.send(None)


async def test_the_first_octet_of_tls_wakes_the_reader_of_a_plain_line():
    stream = Stream()
    reading = stream.read_line()
    wake = reading.send(None)
    stream.data_received(b"\x16")
    assert wake.done()
    with pytest.raises(TlsFault):
        reading.send(None)


@BOTH
@pytest.mark.parametrize("data", [b"", b"220 half a li", b"220-first\r\n220 seco"])
async def test_an_unfinished_line_at_the_end_is_no_line(security, data):
    seen, fault = await read_from(sending(data, then=closing), security, lines=2)
    assert fault.code is Code.CONNECTION_CLOSED
    assert seen == data.split(b"\r\n")[:-1]


async def test_a_reset_is_a_closed_connection():
    async def script(wire):
        wire.reset()

    _, fault = await read_from(script)
    assert fault.code is Code.CONNECTION_CLOSED


@BOTH
async def test_a_line_of_exactly_the_limit_passes_and_one_octet_more_does_not(security):
    line = b"x" * (MAX_LINE_BYTES - 1)
    seen, fault = await read_from(sending(line + b"\r\n"), security)
    assert seen == [line]
    _, fault = await read_from(sending(line + b"xx\r\n"), security)
    assert fault.code is Code.RESPONSE_TOO_LARGE


@BOTH
@pytest.mark.parametrize("unit", [b"A" * 4096, b"\r" * 4096], ids=["no line end", "CR only"])
async def test_a_flood_without_line_end_is_cut_off(security, unit):
    _, fault = await read_from(lambda wire: wire.flood(unit), security)
    assert fault.code is Code.RESPONSE_TOO_LARGE


@BOTH
async def test_a_flood_of_lines_is_cut_off_at_the_session_limit(security):
    seen, fault = await read_from(
        lambda wire: wire.flood(b"* 1 EXISTS\r\n" * 100), security, lines=10**6
    )
    assert fault.code is Code.RESPONSE_TOO_LARGE
    assert sum(map(len, seen)) <= MAX_SESSION_BYTES


async def test_a_reply_of_too_many_lines_is_cut_off():
    async with serve(lambda wire: wire.flood(b"220-x\r\n" * 50)) as server:
        session = await dial_server(server)
        with pytest.raises(ProtocolFault) as raised:
            for _ in range(MAX_REPLY_LINES + 1):
                await session.read_line()
        await session.close()
    assert raised.value.code is Code.RESPONSE_TOO_LARGE


async def test_a_reply_of_too_many_bytes_is_cut_off():
    async with serve(lambda wire: wire.flood(b"220-" + b"x" * 8000 + b"\r\n")) as server:
        session = await dial_server(server)
        with pytest.raises(ProtocolFault) as raised:
            for _ in range(10):
                await session.read_line()
        await session.close()
    assert raised.value.code is Code.RESPONSE_TOO_LARGE


@BOTH
async def test_nobody_reading_stops_the_server_and_not_our_memory(security):
    flood = b"x" * 1024 + b"\r\n"
    async with serve(lambda wire: wire.flood(flood), tls=context(security)) as server:
        session = await dial_server(server, security)
        held = await settled(lambda: session._stream.pending)
        assert MAX_LINE_BYTES < held <= MAX_SESSION_BYTES
        await session.close()


async def test_a_drip_is_stopped_by_the_deadline_of_the_phase():
    _, fault = await read_from(
        lambda wire: wire.drip(b"220 a very slow greeting" * 10, 0.02), deadline_seconds=0.4
    )
    assert fault.code is Code.DEADLINE_EXCEEDED
    assert fault.hint is None


async def test_a_window_that_stays_shut_is_stopped_by_the_deadline():
    client_is_gone = asyncio.Event()

    async def script(wire):
        wire.stop_reading()
        await client_is_gone.wait()
        wire.close()

    async with serve(script) as server:
        session = await dial_server(server, deadline_seconds=0.5)
        with pytest.raises(DeadlineFault):
            async with session.phase(PhaseName.AUTH):
                while True:
                    await session.send_line(b"x" * 60_000)
        session.send_last_line(b"QUIT")
        await session.close()
        client_is_gone.set()


@BOTH
async def test_silence_where_a_greeting_is_due_is_a_deadline(security):
    _, fault = await read_from(Wire.silence, security, deadline_seconds=0.4)
    assert fault.code is Code.DEADLINE_EXCEEDED
    expected = "silent_greeting" if security is Security.CLEARTEXT else None
    assert fault.hint == expected


@BOTH
async def test_octets_of_a_literal_are_read_as_they_are(security):
    async with serve(sending(b"* X {5}\r\na\r\nb\0)\r\n", 1), tls=context(security)) as server:
        session = await dial_server(server, security)
        assert await session.read_line() == b"* X {5}"
        assert await session.read_exactly(5) == b"a\r\nb\0"
        assert await session.read_line() == b")"
        await session.close()


async def test_a_literal_beyond_the_limit_is_refused_unread():
    async with serve(sending(b"* X {4000000000}\r\n")) as server:
        session = await dial_server(server)
        await session.read_line()
        with pytest.raises(ProtocolFault) as raised:
            await session.read_exactly(MAX_LITERAL_BYTES + 1)
        await session.close()
    assert raised.value.code is Code.RESPONSE_TOO_LARGE


async def test_a_literal_cut_short_is_a_closed_connection():
    async with serve(sending(b"* X {5}\r\nab", then=closing)) as server:
        session = await dial_server(server)
        await session.read_line()
        with pytest.raises(NetworkFault) as raised:
            await session.read_exactly(5)
        await session.close()
    assert raised.value.code is Code.CONNECTION_CLOSED


@BOTH
async def test_a_word_out_of_turn_is_seen_before_the_next_command(security):
    async with serve(sending(b"220 hello\r\n250 early\r\n"), tls=context(security)) as server:
        session = await dial_server(server, security)
        await session.read_line()
        with pytest.raises(ProtocolFault) as raised:
            session.require_silence()
        await session.close()
    assert raised.value.code is Code.PROTOCOL_ERROR


async def test_what_was_said_before_the_end_is_still_read_after_it():
    async def script(wire):
        await wire.line("421 too busy")
        wire.close()

    async with serve(script) as server:
        session = await dial_server(server)
        await until(lambda: session._stream.pending > 0)
        await session.send_line(b"EHLO probe.test")
        assert await session.read_line() == b"421 too busy"
        with pytest.raises(NetworkFault):
            await session.read_line()
        await session.close()


@pytest.mark.parametrize("line", [b"a\r\nb", b"a\nb", b"a\rb", b"a\0b"])
async def test_no_line_break_gets_into_a_line(line):
    async with serve(Wire.silence) as server:
        session = await dial_server(server)
        with pytest.raises(ValueError, match="line break"):
            await session.send_line(line)
        with pytest.raises(ValueError, match="line break"):
            await session.send_hidden_line(line, "AUTH <hidden>", secret=True)
        with pytest.raises(ValueError, match="NUL"):
            await session.send_secret_literal(b"a\0")
        await session.close()
    assert server.lines == []


async def test_the_last_line_arrives_though_nobody_waits_for_the_answer():
    async with serve(lambda wire: wire.line("220 hello")) as server:
        session = await dial_server(server)
        await session.read_line()
        session.send_last_line(b"QUIT")
        await session.close()
        await session.close()
    assert server.commands == ["QUIT"]


@BOTH
async def test_reading_goes_on_where_it_was_paused(security):
    lines = [b"%d " % number + b"x" * 1000 for number in range(60)]
    async with serve(sending(b"\r\n".join(lines) + b"\r\n", 9000), tls=context(security)) as server:
        session = await dial_server(server, security)
        await settled(lambda: session._stream.pending)
        for line in lines:
            assert await session.read_line() == line
            session.record_reply([line])
        await session.close()


async def test_sending_goes_on_when_the_window_opens_again():
    sent, read = [], []

    async def script(wire):
        wire.stop_reading()
        await settled(lambda: len(sent))
        wire.go_on_reading()
        while len(read) < 200:
            read.append(await wire.read_line())

    async with serve(script) as server:
        session = await dial_server(server)
        async with session.phase(PhaseName.AUTH):
            for _ in range(200):
                await session.send_line(b"x" * 60_000)
                sent.append(1)
        await session.close()
    assert len(read) == 200


async def test_a_literal_is_sent_as_it_is_and_shown_as_nothing():
    async with serve(lambda wire: wire.expect("a\xff\tb$")) as server:
        session = await dial_server(server)
        await session.send_secret_literal(b"a\xff\tb")
        await session.send_hidden_line(b"", "<hidden>", secret=True)
        await until(lambda: server.lines != [])
        await session.close()
    assert session.transcript.lines()[1:] == ["SMTP C: <hidden>", "SMTP C: <hidden>"]
