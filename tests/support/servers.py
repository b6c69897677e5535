"""Scripted servers on loopback: a test writes both halves of a dialogue.

    async def script(wire):
        await wire.line("220 ready")
        await wire.expect("EHLO ")
        await wire.line("250-mail.test", "250 AUTH PLAIN")

    async with serve(script, tls=certificates.good()) as server:
        ...
    assert server.commands == ["EHLO probe.test", ...]

Every line of the client's is taken down, with whether it came inside TLS. After the script the
server goes on taking down lines until the client is gone. TLS is done by hand here as well, so
that a script may interleave plain text, records and silence as it likes.
"""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

from producer.contract.codes import Code
from worker.probing.errors import NetworkFault
from worker.probing.wire.addresses import Address

_GONE = (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, EOFError, BrokenPipeError)


@dataclass(frozen=True, slots=True)
class ClientLine:
    text: bytes
    tls: bool


@dataclass(slots=True)
class Server:
    """What was seen. `problems` are assertions of the script that failed."""

    host: str
    port: int
    lines: list[ClientLine] = field(default_factory=list)
    connections: int = 0
    handshakes: int = 0
    bytes_sent: int = 0
    problems: list[BaseException] = field(default_factory=list)

    @property
    def commands(self) -> list[str]:
        return [line.text.decode("latin-1") for line in self.lines]

    @property
    def in_clear(self) -> list[str]:
        return [line.text.decode("latin-1") for line in self.lines if not line.tls]


class Wire:
    """One connection, seen from the server."""

    def __init__(
        self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.server = server
        self.number = server.connections
        self._reader = reader
        self._writer = writer
        self._tls: ssl.SSLObject | None = None
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._buffer = bytearray()

    async def send(self, data: bytes) -> None:
        """Bytes as they are, inside TLS once that is up."""
        if self._tls is not None:
            self._tls.write(data)
            data = self._outgoing.read()
        await self.send_raw(data)

    async def send_raw(self, data: bytes) -> None:
        """Bytes under TLS: records, truncated or forged."""
        if self._writer.is_closing():  # uvloop's transport answers a write with a RuntimeError
            raise ConnectionResetError
        self.server.bytes_sent += len(data)
        self._writer.write(data)
        await self._writer.drain()

    async def line(self, *lines: str) -> None:
        r"""Lines with CRLF, in one segment. `\xNN` characters go out as single octets."""
        await self.send("".join(f"{line}\r\n" for line in lines).encode("latin-1"))

    async def read(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._more()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def read_line(self) -> bytes:
        """One line of the client's, taken down, without CRLF."""
        while b"\n" not in self._buffer:
            await self._more()
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer[:] = rest
        line = line.removesuffix(b"\r")
        self.server.lines.append(ClientLine(line, self._tls is not None))
        return line

    async def expect(self, pattern: str) -> re.Match[str]:
        """A line that begins with the regular expression `pattern`."""
        line = (await self.read_line()).decode("latin-1")
        match = re.match(pattern, line)
        assert match, f"expected {pattern!r}, the client sent {line!r}"
        return match

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Handshake; what the client has sent so far belongs to it."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._incoming.write(bytes(self._buffer))
        self._buffer.clear()
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self.send_raw(self._outgoing.read())
                self._incoming.write(await self._receive())
            except ssl.SSLError:
                await self.send_raw(self._outgoing.read())
                raise
        await self.send_raw(self._outgoing.read())
        self._tls = tls
        self.server.handshakes += 1

    async def drip(self, data: bytes, every: float) -> None:
        """One octet at a time."""
        for octet in data:
            await self.send(bytes([octet]))
            await asyncio.sleep(every)

    async def flood(self, data: bytes, limit: int = 8 * 1024 * 1024) -> None:
        """`data` over and over, until the client goes or `limit` octets are sent."""
        for _ in range(limit // len(data) + 1):
            await self.send(data)
            await asyncio.sleep(0)

    async def silence(self) -> None:
        """Say nothing, until the client goes."""
        while True:
            await self.read_line()

    def stop_reading(self) -> None:
        """Let the window close."""
        self._writer.transport.pause_reading()

    def go_on_reading(self) -> None:
        """Open the window again."""
        self._writer.transport.resume_reading()

    def close(self) -> None:
        """FIN, without close_notify."""
        self._writer.close()

    def end(self) -> None:
        """FIN for our direction only."""
        self._writer.write_eof()

    def reset(self) -> None:
        """RST."""
        linger = struct.pack("ii", 1, 0)
        opened = self._writer.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()

    async def _more(self) -> None:
        if self._tls is None:
            self._buffer += await self._receive()
            return
        with suppress(ssl.SSLWantReadError):
            data = self._tls.read(65536)
            if not data:  # close_notify
                raise EOFError
            self._buffer += data
            return
        self._incoming.write(await self._receive())

    async def _receive(self) -> bytes:
        data = await self._reader.read(65536)
        if not data:
            raise EOFError
        return data


Script = Callable[[Wire], Awaitable[None]]


@asynccontextmanager
async def serve(
    script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Server]:
    """Run `script` for every connection; `tls` means implicit TLS.

    On leaving, whatever assertion of the script failed is raised.
    """
    tasks: set[asyncio.Task[None]] = set()
    server = Server(host, port)

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        wire = Wire(server, reader, writer)
        try:
            if tls is not None:
                await wire.start_tls(tls)
            await script(wire)
            await wire.silence()
        except _GONE:
            pass
        except AssertionError as problem:
            server.problems.append(problem)
        finally:
            writer.transport.abort()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve_one(reader, writer))
        tasks.add(task)

    listener = await asyncio.start_server(accept, host, port, limit=1024 * 1024)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
        await asyncio.wait(tasks, timeout=2) if tasks else None
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    errors = [one for one in results if isinstance(one, Exception)]
    for problem in (*server.problems, *errors):
        raise problem


async def silent(wire: Wire) -> None:
    """A server that accepts and says nothing."""
    await wire.silence()


@dataclass(slots=True)
class FakeResolver:
    """Names to addresses, in place of DNS. A fault in the table is raised."""

    names: Mapping[str, Sequence[str] | Exception] = field(default_factory=dict)
    exchangers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    services: Mapping[str, Sequence[tuple[int, int, int, str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def addresses(self, host: str) -> Sequence[Address]:
        self.asked.append(host)
        found = self.names.get(host, ())
        if isinstance(found, Exception):
            raise found
        if not found:
            raise NetworkFault(Code.DNS_NOT_FOUND, "the name has no address")
        return [ip_address(address) for address in found]

    async def mx(self, domain: str) -> Sequence[str]:
        self.asked.append(domain)
        return self.exchangers.get(domain, ())

    async def srv(self, name: str) -> Sequence[tuple[int, int, int, str]]:
        self.asked.append(name)
        return self.services.get(name, ())
