import asyncio
import ssl

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from tests.support import certificates
from tests.support.probing import dial_server
from tests.support.servers import Wire, serve
from worker.probing.errors import TlsFault


async def starttls(wire: Wire) -> None:
    await wire.line("220-mail.test", "220 ready")
    await wire.expect("EHLO probe.test")
    await wire.line("250-mail.test", "250 STARTTLS")
    await wire.expect("STARTTLS")
    await wire.line("220 go")
    await wire.start_tls(certificates.good())
    await wire.expect("EHLO probe.test")
    await wire.line("250 AUTH PLAIN")
    await wire.expect("AUTH PLAIN ")
    await wire.line("235 ok")


async def test_a_dialogue_goes_from_clear_text_into_tls():
    async with serve(starttls) as server:
        session = await dial_server(server, secrets=["hunter2-long"])
        async with session.phase(PhaseName.GREETING):
            greeting = [await session.read_line(), await session.read_line()]
            session.record_reply(greeting)
        session.require_silence()
        await session.send_line(b"EHLO probe.test")
        session.record_reply([await session.read_line(), await session.read_line()])
        await session.send_line(b"STARTTLS")
        session.record_reply([await session.read_line()])
        await session.start_tls()
        await session.send_line(b"EHLO probe.test")
        session.record_reply([await session.read_line()])
        await session.send_hidden_line(
            b"AUTH PLAIN AGh1bnRlcjItbG9uZw==", "AUTH PLAIN <hidden>", secret=True
        )
        session.record_reply([await session.read_line()])
        session.send_last_line(b"QUIT")
        await session.close()
    assert session.secure
    assert session.tls_facts is not None
    assert session.tls_facts.version == "TLSv1.3"
    assert session.tls_facts.verified
    assert certificates.NAME in session.tls_facts.subject_names[0]
    assert [(line.text, line.tls) for line in server.lines][:2] == [
        (b"EHLO probe.test", False),
        (b"STARTTLS", False),
    ]
    assert server.lines[-1].text == b"QUIT"
    assert session.transcript.lines() == [
        f"SMTP * connected to 127.0.0.1, port {server.port}",
        "SMTP S: 220-mail.test",
        "SMTP S: 220 ready",
        "SMTP C: EHLO probe.test",
        "SMTP S: 250-mail.test",
        "SMTP S: 250 STARTTLS",
        "SMTP C: STARTTLS",
        "SMTP S: 220 go",
        "SMTP * TLS established, TLSv1.3, TLS_AES_256_GCM_SHA384",
        "SMTP C: EHLO probe.test",
        "SMTP S: 250 AUTH PLAIN",
        "SMTP C: AUTH PLAIN <hidden>",
        "SMTP S: 235 ok",
        "SMTP C: QUIT",
    ]


@pytest.mark.parametrize(
    ("context", "code"),
    [
        (certificates.expired, Code.CERTIFICATE_EXPIRED),
        (certificates.not_yet_valid, Code.CERTIFICATE_EXPIRED),
        (certificates.wrong_name, Code.CERTIFICATE_NAME_MISMATCH),
        (certificates.common_name_only, Code.CERTIFICATE_NAME_MISMATCH),
        (certificates.self_signed, Code.CERTIFICATE_UNTRUSTED),
        (certificates.unknown_authority, Code.CERTIFICATE_UNTRUSTED),
        (certificates.for_clients_only, Code.CERTIFICATE_UNTRUSTED),
        (certificates.weak_key, Code.CERTIFICATE_WEAK),
    ],
)
async def test_a_bad_certificate_is_named_by_its_fault(context, code):
    async with serve(lambda wire: wire.line("220 never seen"), tls=context()) as server:
        with pytest.raises(TlsFault) as raised:
            await dial_server(server, Security.IMPLICIT_TLS)
    assert raised.value.code is code
    assert server.handshakes == 0 or not server.lines


async def test_a_line_that_is_held_goes_out_with_the_next_one(writes):
    async with serve(lambda wire: wire.silence()) as server:
        session = await dial_server(server)
        session.hold_hidden_line(b"MAIL FROM:<a@b.test>", "MAIL FROM:<hidden>")
        session.hold_line(b"NOOP")
        assert writes == []
        await session.send_line(b"RSET")
        await session.send_line(b"NOOP")
        await session.close()
    assert writes == [b"MAIL FROM:<a@b.test>\r\nNOOP\r\nRSET\r\n", b"NOOP\r\n"]
    assert [line.split(": ")[-1] for line in session.transcript.lines()[1:]] == [
        "MAIL FROM:<hidden>",
        "NOOP",
        "RSET",
        "NOOP",
    ]


async def test_our_last_flight_after_starttls_goes_out_with_the_next_line(writes):
    async with serve(starttls) as server:
        session = await dial_server(server)
        await session.read_line()
        await session.read_line()
        await session.send_line(b"EHLO probe.test")
        await session.read_line()
        await session.read_line()
        await session.send_line(b"STARTTLS")
        await session.read_line()
        writes.clear()
        await session.start_tls()
        await session.send_line(b"EHLO probe.test")
        assert await session.read_line() == b"250 AUTH PLAIN"
        assert len(writes) == 2, "ClientHello; Finished and EHLO"
        await session.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_reading_sends_nothing(writes, version):
    """Not even an empty record, where OpenSSL's write buffer is let go."""
    context = certificates.only_version(version)
    async with serve(lambda wire: wire.line("220 ready"), tls=context) as server:
        session = await dial_server(server, Security.IMPLICIT_TLS)
        assert await session.read_line() == b"220 ready"
        assert len(writes) == 2, "ClientHello and our last flight"
        await session.close()


class RecordingTransport:
    """In the place of a transport: notes what is handed to the kernel, call by call."""

    def __init__(self, transport, calls):
        self._transport = transport
        self._calls = calls

    def write(self, data):
        self._calls.append(data)
        self._transport.write(data)

    def __getattr__(self, name):
        return getattr(self._transport, name)


@pytest.fixture
async def writes(monkeypatch):
    calls = []
    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def connect_recorded(*arguments):
        transport, protocol = await connect(*arguments)
        protocol.connection_made(RecordingTransport(transport, calls))
        return transport, protocol

    monkeypatch.setattr(loop, "create_connection", connect_recorded)
    return calls
