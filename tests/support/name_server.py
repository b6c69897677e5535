"""A name server on loopback that says what its table says."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

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
    def __init__(self, table: Table) -> None:
        self.table = table
        self.queries: list[tuple[str, str]] = []

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data, addr) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(question.rdtype)
        self.queries.append((name, kind))
        found = self.table.get((name, kind), ())
        if found == "silent":
            return
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        if isinstance(found, str):
            reply.set_rcode(dns.rcode.from_text(found))
        elif found:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        elif all(known != name for known, _ in self.table):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(reply.to_wire(max_size=4096), addr)


@asynccontextmanager
async def name_server(
    table: Table, *, lifetime_seconds: float = 2.0
) -> AsyncIterator[tuple[dns.asyncresolver.Resolver, list[tuple[str, str]]]]:
    """A resolver that asks it, and the list of what was asked."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: _NameServer(table), local_addr=("127.0.0.1", 0)
    )
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = transport.get_extra_info("sockname")[1]
    resolver.lifetime = lifetime_seconds
    resolver.timeout = lifetime_seconds
    try:
        yield resolver, server.queries
    finally:
        transport.close()
