"""A name server on loopback that says what its table says, over UDP and over TCP."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import randrange

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Table = Mapping[tuple[str, str], Sequence[str] | str]
"""(name, type) to records; or to an rcode such as "SERVFAIL"; or to "silent". Else NXDOMAIN for a
name that is not in the table at all, and an empty answer."""


class _NameServer(asyncio.DatagramProtocol):
    def __init__(self, table: Table, max_datagram: int, forged: bytes | None) -> None:
        self.table = table
        self.queries: list[tuple[str, str]] = []
        self.max_datagram = max_datagram
        self.forged = forged

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data, addr) -> None:
        if self.forged is not None:
            self.transport.sendto(bytes([data[0] ^ 1]) + self.forged[1:], addr)
        if reply := self.reply(data):
            self.transport.sendto(
                reply.to_wire(max_size=self.max_datagram, prefer_truncation=True), addr
            )

    async def serve_stream(self, reader, writer) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        if reply := self.reply(await reader.readexactly(size)):
            writer.write(reply.to_wire(max_size=65535, prepend_length=True))
            await writer.drain()
        writer.close()

    def reply(self, data: bytes) -> dns.message.Message | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(question.rdtype)
        self.queries.append((name, kind))
        found = self.table.get((name, kind), ())
        if found == "silent":
            return None
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if isinstance(found, str):
            reply.set_rcode(dns.rcode.from_text(found))
        elif found:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        elif all(known != name for known, _ in self.table):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply


@asynccontextmanager
async def name_server(
    table: Table,
    *,
    lifetime_seconds: float = 2.0,
    max_datagram: int = 2048,
    forged: bytes | None = None,
) -> AsyncIterator[tuple[dns.asyncresolver.Resolver, list[tuple[str, str]]]]:
    """A resolver that asks it, and the list of what was asked.

    `forged` comes before each answer, with an id that was not asked for.
    """
    server = _NameServer(table, max_datagram, forged)
    address, port, streams = await _listen(server)
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [address]
    resolver.port = port
    resolver.lifetime = lifetime_seconds
    resolver.timeout = lifetime_seconds
    try:
        yield resolver, server.queries
    finally:
        server.transport.close()
        streams.close()


async def _listen(server: _NameServer) -> tuple[str, int, asyncio.Server]:
    """Listen at one port for UDP and TCP, at an address of its own.

    Tries again where a program that listens at every address has that port for TCP.
    """
    loop = asyncio.get_running_loop()
    while True:
        address = f"127.{randrange(1, 255)}.{randrange(255)}.{randrange(1, 255)}"
        await loop.create_datagram_endpoint(lambda: server, local_addr=(address, 0))
        port = server.transport.get_extra_info("sockname")[1]
        try:
            return address, port, await asyncio.start_server(server.serve_stream, address, port)
        except OSError:
            server.transport.close()
