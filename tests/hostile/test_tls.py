"""Certificates and handshakes through the whole probe, implicit and after STARTTLS (section 7)."""

import ssl
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from producer.contract.codes import Code
from tests.support import certificates
from tests.support.hostile import CREDENTIAL, OFFER, SECRET, UPGRADE, S, run, smtp

BAD = {
    "T-expired": (certificates.expired, Code.CERTIFICATE_EXPIRED),
    "T-notyet": (certificates.not_yet_valid, Code.CERTIFICATE_EXPIRED),
    "T-selfsigned": (certificates.self_signed, Code.CERTIFICATE_UNTRUSTED),
    "T-untrusted": (certificates.unknown_authority, Code.CERTIFICATE_UNTRUSTED),
    "T-hostname": (certificates.wrong_name, Code.CERTIFICATE_NAME_MISMATCH),
    "T-cn-only": (certificates.common_name_only, Code.CERTIFICATE_NAME_MISMATCH),
    "T-weak": (certificates.weak_key, Code.CERTIFICATE_WEAK),
    "T-clienteku": (certificates.for_clients_only, Code.CERTIFICATE_UNTRUSTED),
    "T-mtls 1.3": (certificates.demanding_client_certificate, Code.CLIENT_CERTIFICATE_REQUIRED),
    "T-mtls 1.2": (
        lambda: certificates.demanding_client_certificate(ssl.TLSVersion.TLSv1_2),
        Code.CLIENT_CERTIFICATE_REQUIRED,
    ),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_certificate_is_told_and_gets_no_credential(name):
    make, code = BAD[name]
    outcome = await run(smtp(name, *CREDENTIAL, code=code, context=make, credentials=0))
    assert outcome.server.commands == []
    mtls = code is Code.CLIENT_CERTIFICATE_REQUIRED
    assert outcome.result.probe.tls is not None
    assert outcome.result.probe.tls.verified == (mtls and name.endswith("1.3"))
    assert outcome.result.probe.tls.subject_names


@pytest.mark.parametrize("name", BAD)
async def test_so_it_is_after_starttls(name):
    make, code = BAD[name]
    context = make()
    steps = (*UPGRADE, "S: 220 go", lambda wire: wire.start_tls(context), "C: EHLO ", *OFFER)
    case = smtp(name, *steps, code=code, mode=S, credentials=0, quits=False)
    outcome = await run(case)
    assert outcome.server.commands[-1] in ("STARTTLS", "EHLO probe.test")


@pytest.mark.parametrize("alert", [40, 42, 70, 80, 86, 112, 116, 120])
async def test_an_alert_in_the_handshake_is_told(alert):
    async def script(wire):
        await wire.read(5)
        await wire.send_raw(b"\x15\x03\x03\x00\x02\x02" + bytes([alert]))
        wire.close()

    told = {70: Code.TLS_VERSION_UNSUPPORTED, 116: Code.CLIENT_CERTIFICATE_REQUIRED}
    code = told.get(alert, Code.TLS_HANDSHAKE_FAILED)
    case = smtp(f"alert {alert}", *UPGRADE, "S: 220 go", script, code=code, mode=S)
    await run(replace(case, quits=False))


GARBAGE = {
    "nothing": (b"", "CONNECTION_CLOSED"),
    "one octet": (b"\x16", "TLS_HANDSHAKE_FAILED"),
    "zeros": (b"\x16\x03\x03\x40\x00" + b"\0" * 99, "TLS_HANDSHAKE_FAILED"),
    "application data": (b"\x17\x03\x03\x00\x05hello", "STARTTLS_INJECTION"),
    "change cipher spec": (b"\x14\x03\x03\x00\x01\x01", "STARTTLS_INJECTION"),
    "SSL 2": (b"\x80\x2e\x01\x00\x02", "STARTTLS_INJECTION"),
    "done too early": (b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00", "TLS_HANDSHAKE_FAILED"),
    "an empty record": (b"\x16\x03\x03\x00\x00", "TLS_HANDSHAKE_FAILED"),
    "close notify": (b"\x15\x03\x03\x00\x02\x01\x00", "TLS_HANDSHAKE_FAILED"),
    "many zeros": (b"\0" * 20_000, "RESPONSE_TOO_LARGE"),
    "many ones": (b"\xff" * 300_000, "RESPONSE_TOO_LARGE"),
}


@pytest.mark.parametrize(("first", "code"), GARBAGE.values(), ids=GARBAGE)
async def test_garbage_in_place_of_a_server_hello_ends_the_handshake(first, code):
    async def script(wire):
        await wire.read(5)
        await wire.send_raw(first)
        wire.close()

    case = smtp("garbage", *UPGRADE, "S: 220 go", script, code=Code(code), mode=S, quits=False)
    await run(case)


async def test_a_certificate_with_thousands_of_names_does_no_harm():
    names = ("mail.test", *(f"host-{number}.mail.test" for number in range(3000)))
    context = certificates.own(
        lambda builder: builder, names=names, issuer=certificates.authority()
    )
    case = smtp(
        "T-hugechain",
        *CREDENTIAL,
        "S: 235 ok",
        code=Code.RESPONSE_TOO_LARGE,
        context=lambda: context,
    )
    outcome = await run(case)
    assert len(outcome.result.probe.model_dump_json()) < 8192


def der(tag, *parts):
    body = b"".join(parts)
    return bytes([tag, 0x82]) + len(body).to_bytes(2, "big") + body


async def test_a_certificate_that_cannot_be_read_whole_is_none_that_was_not_verified():
    identifier = der(6, b"\x2a" + b"\xff" * 600 + b"\x7f")  # OpenSSL writes out no longer ones
    name = der(0xA4, der(0x30, der(0x31, der(0x30, identifier, der(12, b"x")))))
    names = der(0x30, der(0x82, b"mail.test"), name)
    extension = x509.UnrecognizedExtension(ExtensionOID.SUBJECT_ALTERNATIVE_NAME, names)
    context = certificates.own(
        lambda builder: builder.add_extension(extension, critical=False),
        names=(),
        issuer=certificates.authority(),
    )
    case = smtp("T-identifier", *CREDENTIAL, "S: 235 ok", code=Code.OK, context=lambda: context)
    outcome = await run(case)
    assert outcome.result.probe.tls.verified
    assert outcome.result.probe.tls.subject_names == ()


@pytest.mark.parametrize("name", [f"{SECRET}.test", SECRET[::-1], SECRET.encode().hex()])
async def test_a_certificate_that_holds_the_secret_shows_nothing_of_itself(name):
    context = certificates.own(
        lambda builder: builder,
        names=("mail.test",),
        common_name=name,
        issuer=None,
    )
    case = smtp("X-echo-cert", code=Code.CERTIFICATE_UNTRUSTED, context=lambda: context)
    outcome = await run(case)
    assert outcome.result.probe.tls.issuer == "[withheld]"


async def test_a_good_certificate_of_a_strong_kind_works():
    async def chatter(wire):
        await wire.line("220 mail.test")
        await wire.expect("EHLO ")

    case = smtp("T-ec384", chatter, *OFFER, "C: AUTH PLAIN ", "S: 235 ok", code=Code.OK)
    outcome = await run(case)
    assert outcome.result.probe.tls.verified
    assert outcome.result.probe.tls.version == "TLSv1.3"


@pytest.mark.parametrize("banner", ["220 mail.test ESMTP", "* OK IMAP4rev1", "HTTP/1.1 400 no"])
async def test_a_plain_server_on_a_tls_port_is_a_wrong_mode(banner):
    await run(
        smtp(
            "T-plain",
            f"S: {banner}",
            code=Code.TLS_MODE_MISMATCH,
            context=None,
            quits=False,
        )
    )
