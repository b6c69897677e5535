import asyncio
import os
import ssl

import pytest

from producer.contract.codes import Code
from producer.contract.report import PhaseName, Security
from tests.support import certificates
from tests.support.probing import client_context, dial_server
from tests.support.servers import Wire, serve
from worker.probing.errors import DeadlineFault, NetworkFault, ProbeFault, TlsFault
from worker.probing.wire.tls import make_context, tls_fault

SECRET = "hunter2-canary"


async def fault_of(script, tls=None, *, security=Security.IMPLICIT_TLS, **more):
    """The fault with which dialling and reading one line ends."""
    async with serve(script, tls=tls) as server:
        with pytest.raises(ProbeFault) as raised:
            session = await dial_server(server, security, **more)
            try:
                async with session.phase(PhaseName.GREETING):
                    await session.read_line()
            finally:
                await session.close()
    return raised.value


async def upgrade(script, **more):
    """The session, and its fault if any, after STARTTLS with a scripted server."""
    async with serve(script) as server:
        session = await dial_server(server, **more)
        await session.send_line(b"STARTTLS")
        await session.read_line()
        fault = None
        try:
            await session.start_tls()
        except ProbeFault as raised:
            fault = raised
        await session.close()
    return session, fault


async def go_ahead(wire, *more):
    await wire.expect("STARTTLS")
    await wire.line("220 go", *more)


# Mode mismatch and injection


async def test_plain_text_on_a_port_that_should_speak_tls_is_a_wrong_mode():
    mail = {"220 mail.test ESMTP": True, "* OK ready": True, "HTTP/1.1 400 Bad Request": False}
    for banner, is_mail in (mail | {"x": False}).items():
        fault = await fault_of(lambda wire, banner=banner: wire.line(banner))
        assert fault.code is Code.TLS_MODE_MISMATCH
        assert fault.hint == ("plain_greeting" if is_mail else None)


@pytest.mark.parametrize("record", [b"\x15\x03\x01\x00\x02\x02\x46", b"\x16\x03\x03\x00\x7a\x02"])
async def test_tls_where_a_plain_greeting_is_due_is_a_wrong_mode(record):
    fault = await fault_of(lambda wire: wire.send(record), security=Security.STARTTLS)
    assert (fault.code, fault.hint) == (Code.TLS_MODE_MISMATCH, "tls_greeting")


async def test_bytes_in_the_segment_of_the_go_ahead_are_an_injection():
    async def script(wire):
        await go_ahead(wire, "250-mail.test", "250 AUTH PLAIN LOGIN")
        await wire.start_tls(certificates.good())

    session, fault = await upgrade(script)
    assert fault.code is Code.STARTTLS_INJECTION
    assert not session.secure


async def test_an_unfinished_line_behind_the_go_ahead_is_an_injection():
    async def script(wire):
        await wire.expect("STARTTLS")
        await wire.send(b"220 go\r\n250-AUTH")
        await wire.start_tls(certificates.good())

    assert (await upgrade(script))[1].code is Code.STARTTLS_INJECTION


@pytest.mark.parametrize("late", [0, 0.05])
async def test_plain_text_that_comes_after_the_go_ahead_is_never_data(late):
    async def script(wire):
        await go_ahead(wire)
        await wire.wait(late)
        await wire.send_raw(b"250 AUTH PLAIN\r\n")
        await wire.start_tls(certificates.good())

    session, fault = await upgrade(script)
    assert fault.code is Code.STARTTLS_INJECTION
    assert session._stream.pending == 0


async def test_plain_text_in_the_middle_of_a_handshake_ends_it():
    async def script(wire):
        await go_ahead(wire)
        await wire.send_raw(b"\x16\x03\x03\x00\x05")
        await wire.send_raw(b"250 AUTH PLAIN\r\n" * 4)
        await wire.silence()

    session, fault = await upgrade(script, deadline_seconds=1)
    assert isinstance(fault, TlsFault | DeadlineFault)
    assert not session.secure


async def test_plain_text_inside_an_established_connection_breaks_it():
    async def script(wire):
        await wire.send_raw(b"220 plain\r\n")

    fault = await fault_of(script, certificates.good())
    assert fault.code is Code.TLS_HANDSHAKE_FAILED  # and no old version: one was agreed on


# The handshake


async def test_a_server_that_is_silent_in_the_handshake_runs_into_its_budget():
    fault = await fault_of(Wire.silence, deadline_seconds=0.3)
    assert fault.code is Code.DEADLINE_EXCEEDED


async def test_a_handshake_that_drips_runs_into_its_budget():
    fault = await fault_of(
        lambda wire: wire.drip(b"\x16\x03\x03\x40\x00" + b"\0" * 100, 0.02), deadline_seconds=0.4
    )
    assert fault.code is Code.DEADLINE_EXCEEDED


async def test_a_server_that_leaves_at_once_has_closed_the_connection():
    async def script(wire):
        wire.close()

    fault = await fault_of(script)
    assert isinstance(fault, NetworkFault)
    assert fault.code is Code.CONNECTION_CLOSED


async def test_a_server_that_leaves_in_the_middle_has_broken_the_handshake():
    async def script(wire):
        await wire.send(b"\x16\x03\x03\x00\x7a\x02\x00")
        wire.close()

    assert (await fault_of(script)).code is Code.TLS_HANDSHAKE_FAILED


@pytest.mark.parametrize("alert", [40, 80, 112, 86])
async def test_an_alert_ends_the_handshake(alert):
    async def script(wire):
        await wire.send(b"\x15\x03\x03\x00\x02\x02" + bytes([alert]))
        wire.close()

    assert (await fault_of(script)).code is Code.TLS_HANDSHAKE_FAILED


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x03\x00\x04abcd", b"\x16\x03\x03\xff\xff" + b"x" * 999]
)
async def test_garbage_in_records_ends_the_handshake(garbage):
    async def script(wire):
        await wire.send(garbage)
        wire.close()

    assert (await fault_of(script)).code is Code.TLS_HANDSHAKE_FAILED


async def test_a_server_of_old_versions_only_is_named_so():
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            context = certificates.only_version(version)
        fault = await fault_of(Wire.silence, context)
        assert fault.code is Code.TLS_VERSION_UNSUPPORTED


@pytest.mark.parametrize("record_version", [b"\x03\x00", b"\x03\x01"])
async def test_the_alert_of_an_old_server_is_named_so(record_version):
    async def script(wire):
        await wire.send(b"\x15" + record_version + b"\x00\x02\x02\x46")

    assert (await fault_of(script)).code is Code.TLS_VERSION_UNSUPPORTED


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_wants_a_client_certificate_is_named_so(version):
    context = certificates.demanding_client_certificate(version)
    fault = await fault_of(lambda wire: wire.line("220 ready"), context)
    assert fault.code is Code.CLIENT_CERTIFICATE_REQUIRED


async def test_so_is_one_after_starttls():
    context = certificates.demanding_client_certificate()

    async def script(wire):
        await go_ahead(wire)
        await wire.start_tls(context)

    async with serve(script) as server:
        session = await dial_server(server)
        await session.send_line(b"STARTTLS")
        await session.read_line()
        await session.start_tls()
        with pytest.raises(TlsFault) as raised:
            await session.send_line(b"EHLO probe.test")
            await session.read_line()
        await session.close()
    assert raised.value.code is Code.CLIENT_CERTIFICATE_REQUIRED


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_both_versions_that_are_safe_work(version):
    async with serve(
        lambda wire: wire.line("220 ready"), tls=certificates.only_version(version)
    ) as server:
        session = await dial_server(server, Security.IMPLICIT_TLS)
        assert await session.read_line() == b"220 ready"
        assert session.tls_facts.version == version.name.replace("_", ".")
        await session.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "mail.test", "MAIL.test."])
async def test_a_name_or_a_literal_is_verified_as_what_it_is(host):
    async with serve(lambda wire: wire.line("220 ready"), tls=certificates.good()) as server:
        session = await dial_server(server, Security.IMPLICIT_TLS, host=host)
        assert session.tls_facts.verified
        await session.close()


async def test_an_address_in_no_certificate_is_a_name_mismatch():
    fault = await fault_of(Wire.silence, certificates.good("mail.test"), host="127.0.0.1")
    assert fault.code is Code.CERTIFICATE_NAME_MISMATCH


async def test_a_flood_of_empty_records_meets_the_session_limit():
    async def script(wire):
        for _ in range(20_000):
            await wire.send_raw(b"\x14\x03\x03\x00\x01\x01")  # ChangeCipherSpec, ignored in 1.3

    fault = await fault_of(script, certificates.good())
    assert fault.code in (Code.RESPONSE_TOO_LARGE, Code.TLS_HANDSHAKE_FAILED)


async def test_an_end_without_close_notify_leaves_no_half_line():
    async def script(wire):
        await wire.send(b"235-2.7.0 o")
        wire.close()

    fault = await fault_of(script, certificates.good())
    assert fault.code is Code.CONNECTION_CLOSED


# Facts


async def test_facts_are_known_of_a_certificate_that_failed():
    async with serve(Wire.silence, tls=certificates.expired()) as server:
        session = await dial_server(server, Security.STARTTLS)
        with pytest.raises(TlsFault):
            await session.start_tls(Security.IMPLICIT_TLS)
        await session.close()
    facts = session.tls_facts
    assert not facts.verified
    assert facts.reason == "the certificate has expired"
    assert facts.subject_names == ("mail.test",)
    assert facts.days_left < -300
    assert "trustme" in facts.issuer


async def test_facts_hold_no_secret_and_are_bounded():
    names = tuple(f"{'x' * 50}{number}.test" for number in range(120))
    context = certificates.own(
        lambda builder: builder, names=("mail.test", f"{SECRET}.test", *names)
    )
    async with serve(Wire.silence, tls=context) as server:
        session = await dial_server(server, Security.STARTTLS, secrets=["other-secret"])
        with pytest.raises(TlsFault):
            await session.start_tls(Security.IMPLICIT_TLS)
        assert sum(map(len, session.tls_facts.subject_names)) <= 2048
        assert f"{SECRET}.test" in session.tls_facts.subject_names
        await session.close()
        session = await dial_server(server, Security.STARTTLS, secrets=[SECRET])
        with pytest.raises(TlsFault):
            await session.start_tls(Security.IMPLICIT_TLS)
        assert SECRET not in session.tls_facts.model_dump_json()
        await session.close()


async def test_facts_are_printable():
    context = certificates.own(
        lambda builder: builder, names=(), common_name="evil\x1b[2J\u202e\r\nSMTP S: 235 ok"
    )
    async with serve(Wire.silence, tls=context) as server:
        session = await dial_server(server, Security.STARTTLS)
        with pytest.raises(TlsFault):
            await session.start_tls(Security.IMPLICIT_TLS)
        await session.close()
    assert all(one.isprintable() for one in session.tls_facts.subject_names)
    assert session.tls_facts.issuer.isprintable()


# The context


def test_the_context_is_strict():
    context = make_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.hostname_checks_common_name
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION
    assert not context.options & getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
    assert context.security_level == 2


def test_no_certificate_is_taken_compressed():
    """RFC 8879: extension 27 of the ClientHello offers it."""
    context = make_context()
    assert context.options & (1 << 33)
    outgoing = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="mail.test")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    assert 27 not in extensions(outgoing.read()[9:])


def extensions(hello):
    at = 34 + 1 + hello[34]  # version, random, the session's id
    at += 2 + int.from_bytes(hello[at : at + 2], "big")  # cipher suites
    at += 1 + hello[at]  # compression
    rest = hello[at + 2 :]
    found = []
    while rest:
        found.append(int.from_bytes(rest[:2], "big"))
        rest = rest[4 + int.from_bytes(rest[2:4], "big") :]
    assert 0 in found  # server_name: they were read right
    return found


def test_the_context_takes_an_extra_authority(tmp_path):
    context = make_context(certificates.ca_file(tmp_path))
    assert context.cert_store_stats()["x509_ca"] == make_context().cert_store_stats()["x509_ca"] + 1


def test_the_context_writes_no_session_keys(tmp_path, monkeypatch):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert make_context().keylog_filename is None
    assert not os.listdir(tmp_path)  # noqa: PTH208


def test_a_failure_without_a_reason_is_a_failed_handshake():
    assert (
        tls_fault(ssl.SSLError("?"), agreed=False, answered=True).code is Code.TLS_HANDSHAKE_FAILED
    )


async def test_sessions_are_not_resumed():
    seen, hits = [], client_context().session_stats()["hits"]

    async def script(wire):
        seen.append(wire._tls.session_reused)
        await wire.line("220 ready")

    async with serve(script, tls=certificates.good()) as server:
        for _ in range(2):
            session = await dial_server(server, Security.IMPLICIT_TLS)
            await session.read_line()
            await session.close()
            await asyncio.sleep(0)
    assert seen == [False, False]
    assert client_context().session_stats()["hits"] == hits
