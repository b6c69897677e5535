"""Servers that mean harm, for the soak: each kind on a port of its own, all in one process.

    python -m bench.hostile DIRECTORY

Writes `hostile.json` (port -> host, protocol, security, kind) to DIRECTORY. Each has a network of
its own, as strangers have. A third of the kinds hold a probe as long as it lets them, the others
cost it whatever they can. What these servers compute themselves they do where nobody else wants
the core, as strangers compute on machines of their own.
"""

import argparse
import asyncio
import base64
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from bench.farm import write
from bench.machine import come_after_others
from tests.support import certificates
from tests.support.servers import Server, Wire

Script = Callable[[Wire], Awaitable[None]]

GONE: Final = (ConnectionError, ssl.SSLError, EOFError, BrokenPipeError, AssertionError)
FLOOD_BYTES: Final = 1024 * 1024


def smtp(*lines: str) -> Script:
    """Greet, offer what is in `lines`, and be silent."""

    async def script(wire: Wire) -> None:
        await wire.line("220 mail.test ESMTP")
        await wire.expect("EHLO ")
        await wire.line("250-mail.test", *lines)

    return script


async def nothing(wire: Wire) -> None:
    """Silence follows every script."""


async def drip(wire: Wire) -> None:
    await wire.drip(b"220-" + b"x" * 4000, 0.02)


async def many_lines_slowly(wire: Wire) -> None:
    for _ in range(1000):
        await wire.line("220-still here")
        await wire.wait(0.1)


async def handshake_half_done(wire: Wire) -> None:
    await wire.read(5)
    await wire.send_raw(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")


async def one_line_of_a_megabyte(wire: Wire) -> None:
    await wire.flood(b"220 " + b"A" * 65532, FLOOD_BYTES)


async def endless_reply(wire: Wire) -> None:
    await wire.flood(b"220-" + b"\x1b[2J%41&#x41;" * 20 + b"\r\n", FLOOD_BYTES)


async def endless_capabilities(wire: Wire) -> None:
    await wire.line("220 hi")
    await wire.expect("EHLO")
    await wire.flood(b"250-X" + b"Y" * 4000 + b"\r\n", FLOOD_BYTES)


async def escapes(wire: Wire) -> None:
    for code in (b"220", b"550"):
        texts = (
            b"%25" * 300,
            b"&amp;#" + b"9" * 300,
            b"\\x5cx41" * 100,
            b"QUFB" * 200,
            b"\0" * 500,
        )
        await wire.send(b"".join(code + b"-" + text + b"\r\n" for text in texts) * 8)
        await wire.send(code + b" end\r\n")
        await wire.read_line()


async def refuse_and_echo(wire: Wire) -> None:
    await smtp("250 AUTH PLAIN")(wire)
    line = await wire.read_line()
    await wire.line(f"535 5.7.8 {line.decode('latin-1')}")


async def close_at_login(wire: Wire) -> None:
    await smtp("250 AUTH PLAIN")(wire)
    await wire.read_line()
    wire.reset()


async def yes_in_words_of_no(wire: Wire) -> None:
    await smtp("250 AUTH PLAIN")(wire)
    await wire.read_line()
    await wire.line("235 authentication failed")


async def costly_scram(wire: Wire) -> None:
    await smtp("250 AUTH SCRAM-SHA-256")(wire)
    first = base64.b64decode((await wire.read_line()).rpartition(b" ")[2])
    nonce = first.rpartition(b"r=")[2]
    challenge = b"r=" + nonce + b"theirs,s=c2FsdA==,i=600000"
    await wire.line(f"334 {base64.b64encode(challenge).decode()}")
    await wire.read_line()
    await wire.line("535 5.7.8 no")


async def plain_text_after_go_ahead(wire: Wire) -> None:
    await smtp("250 STARTTLS")(wire)
    await wire.expect("STARTTLS")
    await wire.line("220 go")
    await wire.read(5)
    await wire.line("250 AUTH PLAIN")


async def garbage(wire: Wire) -> None:
    await wire.send_raw(bytes(range(256)) * 100)


async def preauth(wire: Wire) -> None:
    await wire.line("* PREAUTH welcome")


async def long_greeting_without_blank(wire: Wire) -> None:
    await wire.send(b"* OK " + b"!" * 8000 + b"\r\n" + b"(" * 8000 + b"\r\n")


async def literal_of_two_to_the_63(wire: Wire) -> None:
    await wire.line(
        "* OK [CAPABILITY IMAP4rev1] hi {9223372036854775808}", "* X {9223372036854775808}"
    )


async def nested_parentheses(wire: Wire) -> None:
    await wire.line("* OK hi")
    await wire.read_line()
    await wire.flood(b"* LIST " + b"(" * 4000 + b")" * 3000 + b"\r\n", FLOOD_BYTES)


async def bye_at_login(wire: Wire) -> None:
    await wire.line("* OK [CAPABILITY IMAP4rev1] hi")
    await wire.read_line()
    await wire.line("* BYE go away")
    wire.close()


async def continuations(wire: Wire) -> None:
    await wire.line("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi")
    await wire.flood(b"+ more\r\n" * 100, FLOOD_BYTES)


def large_certificate() -> ssl.SSLContext:
    names = ("mail.test", *(f"host-{number}.mail.test" for number in range(2000)))
    return certificates.own(lambda builder: builder, names=names)


def many_tickets() -> ssl.SSLContext:
    context = certificates.own(lambda builder: builder, issuer=certificates.authority())
    context.num_tickets = 400
    return context


HOLDING: Final[tuple[tuple[str, str, Script], ...]] = (
    ("smtp", "cleartext", nothing),
    ("imap", "cleartext", nothing),
    ("smtp", "implicit", nothing),
    ("smtp", "implicit", handshake_half_done),
    ("smtp", "cleartext", drip),
    ("smtp", "cleartext", many_lines_slowly),
    ("smtp", "cleartext", smtp("250 AUTH PLAIN")),
    ("imap", "starttls", continuations),
)
COSTLY: Final[tuple[tuple[str, str, Script], ...]] = (
    ("smtp", "cleartext", one_line_of_a_megabyte),
    ("smtp", "cleartext", endless_reply),
    ("smtp", "cleartext", endless_capabilities),
    ("smtp", "cleartext", escapes),
    ("smtp", "cleartext", refuse_and_echo),
    ("smtp", "cleartext", close_at_login),
    ("smtp", "cleartext", yes_in_words_of_no),
    ("smtp", "cleartext", costly_scram),
    ("smtp", "starttls", plain_text_after_go_ahead),
    ("smtp", "implicit", garbage),
    ("imap", "cleartext", preauth),
    ("imap", "cleartext", long_greeting_without_blank),
    ("imap", "cleartext", literal_of_two_to_the_63),
    ("imap", "cleartext", nested_parentheses),
    ("imap", "cleartext", bye_at_login),
)
UNDER_TLS: Final = (("large certificate", large_certificate), ("many tickets", many_tickets))


async def listen(host: str, script: Script, context: ssl.SSLContext | None = None) -> int:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(Server("", 0), reader, writer)
        with contextlib.suppress(*GONE):
            if context is not None:
                await wire.start_tls(context)
            await script(wire)
            await wire.silence()
        writer.transport.abort()

    listener = await asyncio.start_server(serve, host, 0, backlog=2000, limit=1024 * 1024)
    return int(listener.sockets[0].getsockname()[1])


def kinds() -> Iterator[tuple[dict[str, str], Script, ssl.SSLContext | None]]:
    for held, group in (("holding", HOLDING), ("costly", COSTLY)):
        for protocol, security, script in group:
            name = getattr(script, "__name__", "script")
            yield described(held, protocol, security, name), script, None
    for name, make in UNDER_TLS:
        yield described("costly", "smtp", "implicit", name), nothing, make()


def described(kind: str, protocol: str, security: str, name: str) -> dict[str, str]:
    return {"kind": kind, "protocol": protocol, "security": security, "name": name}


async def main(directory: Path) -> None:
    come_after_others()
    listening = {}
    for number, (kind, script, context) in enumerate(kinds(), 1):
        host = f"127.66.{number}.1"
        listening[await listen(host, script, context)] = {**kind, "host": host}
    write(directory / "hostile.json", listening)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("directory", type=Path)
    asyncio.run(main(parser.parse_args().directory))
