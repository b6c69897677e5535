"""What an answer from DNS may cost: who owns a name chooses what stands in it, up to 64 KiB.

dnspython parses a message at one go and keeps all of it in its cache. 4,000 records, each under a
name of 120 labels, are 0.7 s of computing; 2,000 such answers in the cache would be 1.3 GB. So what
is too long is not parsed, and of what is parsed the addresses alone are kept.
"""

# ruff: noqa: ASYNC109 - these are dnspython's interfaces

import socket
from typing import Any, Final

import dns.asyncbackend
import dns.exception
import dns.message
import dns.rdatatype
import dns.resolver

MAX_ANSWER_BYTES: Final = 2 * 1024
"""120 addresses; 18 ms of computing at the worst, 4 ms otherwise."""

MAX_KEPT: Final = 1000
MAX_KEPT_RECORDS: Final = 16
"""An answer that is kept takes 2 kB, with the longest of names 10 kB."""


# Here and below: dns.asyncbackend passes on names of dns._asyncbackend in a way mypy does not see.
class _Datagrams(dns.asyncbackend.DatagramSocket):  # type: ignore[name-defined, misc]
    """A socket for DNS over UDP. What is too long is asked for again, over TCP."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner.family, inner.type)
        self._inner = inner

    async def sendto(self, what: bytes, destination: Any, timeout: float | None) -> Any:
        return await self._inner.sendto(what, destination, timeout)

    async def recvfrom(self, size: int, timeout: float | None) -> Any:
        datagram, sender = await self._inner.recvfrom(size, timeout)
        if len(datagram) > MAX_ANSWER_BYTES:
            raise dns.message.Truncated
        return datagram, sender

    async def close(self) -> None:
        await self._inner.close()


class _Octets(dns.asyncbackend.StreamSocket):  # type: ignore[name-defined, misc]
    """A socket for DNS over TCP. What is asked for first is a length, then so many octets."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner.family, inner.type)
        self._inner = inner

    async def sendall(self, what: bytes, timeout: float | None) -> Any:
        return await self._inner.sendall(what, timeout)

    async def recv(self, size: int, timeout: float | None) -> Any:
        if size > MAX_ANSWER_BYTES:
            raise dns.exception.FormError  # dnspython then asks another name server
        return await self._inner.recv(size, timeout)

    async def close(self) -> None:
        await self._inner.close()


class ShortAnswers(dns.asyncbackend.Backend):  # type: ignore[name-defined, misc]
    """asyncio's backend of dnspython, which reads no answer of more than `MAX_ANSWER_BYTES`."""

    def __init__(self) -> None:
        self._inner: Any = dns.asyncbackend.get_backend("asyncio")

    def name(self) -> str:
        return "asyncio, short answers"

    async def make_socket(self, af: int, socktype: int, *more: Any, **named: Any) -> Any:
        inner = await self._inner.make_socket(af, socktype, *more, **named)
        return _Datagrams(inner) if socktype == socket.SOCK_DGRAM else _Octets(inner)

    async def sleep(self, interval: float) -> None:
        await self._inner.sleep(interval)


class AddressCache(dns.resolver.LRUCache):
    """Keeps addresses, and that there are none, as long as the record's TTL allows."""

    def __init__(self) -> None:
        super().__init__(MAX_KEPT)

    def put(self, key: dns.resolver.CacheKey, value: dns.resolver.Answer) -> None:
        """Keep an answer without the message that it came in."""
        addresses = value.rrset is None or value.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
        if addresses and len(value) <= MAX_KEPT_RECORDS:
            bare = dns.message.QueryMessage(value.response.id)
            bare.flags = value.response.flags  # with the rcode: NXDOMAIN is kept as well
            value.response = bare
            value.chaining_result.cnames.clear()
            super().put(key, value)
