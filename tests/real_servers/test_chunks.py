"""However a server cuts its octets, the dialogue is the same."""

import pytest

from producer.contract.report import Security
from tests.support import certificates
from tests.support.chunks import CHUNK_SIZES
from tests.support.fake_session import credential
from tests.support.peers.talk import converse
from tests.support.servers import serve
from worker.probing.target import Answer, Protocol

LOGIN = credential("tim", "secret")


async def say(wire, chunk_octets, *lines):
    data = "".join(f"{line}\r\n" for line in lines).encode()
    step = chunk_octets or len(data)
    for start in range(0, len(data), step):
        await wire.send(data[start : start + step])
        await wire.wait(0.001)  # so that the chunks do not meet in one segment


@pytest.mark.parametrize("chunk_octets", CHUNK_SIZES)
@pytest.mark.parametrize("security", [Security.CLEARTEXT, Security.IMPLICIT_TLS])
async def test_an_smtp_login_succeeds_at_any_chunk_size(chunk_octets, security):
    async def script(wire):
        await say(wire, chunk_octets, "220-please wait", "220 mail.test")
        await wire.expect("EHLO ")
        await say(wire, chunk_octets, "250-mail.test", "250-SIZE 1000", "250 AUTH PLAIN LOGIN")
        await wire.expect("AUTH PLAIN ")
        await say(wire, chunk_octets, "235-2.7.0 ok", "235 2.7.0 welcome")

    tls = certificates.good() if security is Security.IMPLICIT_TLS else None
    async with serve(script, tls=tls) as server:
        talked = await converse(Protocol.SMTP, server.port, security, LOGIN)
    assert talked.answer == Answer(mechanism="PLAIN")
    assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize("chunk_octets", CHUNK_SIZES)
@pytest.mark.parametrize("security", [Security.CLEARTEXT, Security.IMPLICIT_TLS])
async def test_an_imap_login_succeeds_at_any_chunk_size(chunk_octets, security):
    async def script(wire):
        await say(wire, chunk_octets, "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready")
        tag = await wire.expect("(.+) AUTHENTICATE PLAIN ")
        await say(wire, chunk_octets, '* LIST () "/" {5}', "INBOX", f"{tag[1]} OK [X] done")
        tag = await wire.expect("(.+) EXAMINE INBOX")
        await say(wire, chunk_octets, "* 3 EXISTS", f"{tag[1]} OK [READ-ONLY] done")

    tls = certificates.good() if security is Security.IMPLICIT_TLS else None
    async with serve(script, tls=tls) as server:
        talked = await converse(Protocol.IMAP, server.port, security, LOGIN)
    assert talked.answer == Answer(mechanism="PLAIN")
    assert server.commands[-1].endswith(" LOGOUT")
