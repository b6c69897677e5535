"""What an answer from DNS may cost: the owner of a name chooses what stands in it, up to 64 KiB.

dnspython parses a message at one go and keeps all of it in its cache. 4,000 records, each under a
name of 120 labels, are 0.7 s of computing; 2,000 such answers in the cache would be 1.3 GB. So what
is too long is not parsed, and of what is parsed the addresses alone are kept.

To parse a name inside a record takes dnspython time that is quadratic in its labels: 5 ms for 127;
2 KiB hold 200 such names, 0.8 s. So names of many labels are not parsed either, nor are records of
kinds that nobody asks for.
"""

# ruff: noqa: ASYNC109 - these are dnspython's interfaces

import asyncio
import socket
import struct
from typing import Any, Final

import dns.asyncbackend
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver

MAX_ANSWER_BYTES: Final = 2 * 1024
"""120 addresses; 10 ms of computing at the worst, 4 ms otherwise."""

MAX_LABELS: Final = 16
MAX_NAMES: Final = 32
"""Labels of one name, and names inside of records. Mail servers' answers have three to ten."""

MAX_KEPT: Final = 1000
MAX_KEPT_RECORDS: Final = 16
"""An answer that is kept takes 2 kB, with the longest of names 10 kB."""

_HEADER_BYTES: Final = 12
_OTHER_KIND: Final = struct.pack("!H", 0xFFFE)  # for private use (RFC 6895, section 3.1)
_NAMES_AT: Final = {
    dns.rdatatype.CNAME: (0,),
    dns.rdatatype.MX: (2,),
    dns.rdatatype.SRV: (6,),
    dns.rdatatype.SOA: (0, 0),  # the second follows the first
}
"""Where in a record its names begin, each counted from the end of the one before."""

_WITHOUT_NAMES: Final = (dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.OPT)


def with_known_kinds(message: bytes) -> bytes:
    """Return `message` (RFC 1035, section 4.1) with kinds of records that nobody asks for hidden.

    They get the number of a kind unknown to dnspython, which parses no name in them. Raises
    FormError for a name of more than `MAX_LABELS`, more than `MAX_NAMES`, several questions, and
    what is no message.
    """
    try:
        return _with_known_kinds(message)
    except (IndexError, struct.error):
        raise dns.exception.FormError from None


def _with_known_kinds(message: bytes) -> bytes:
    known = bytearray(message)
    questions, *records = struct.unpack_from("!4H", message, 4)
    at, names = _HEADER_BYTES, 0
    if questions > 1:  # nobody asked them, and a name each: 340 fit in, 15 ms
        raise dns.exception.FormError
    for _ in range(questions):
        at = _after_name(message, at) + 4
    for _ in range(sum(records)):
        at = _after_name(message, at)
        kind, _, _, size = struct.unpack_from("!HHIH", message, at)
        place = at + 10
        if kind in _NAMES_AT:
            for offset in _NAMES_AT[kind]:
                place = _after_name(message, place + offset)
                names += 1
        elif kind not in _WITHOUT_NAMES:
            known[at : at + 2] = _OTHER_KIND
        at += 10 + size
    if names > MAX_NAMES:
        raise dns.exception.FormError
    return bytes(known)


def _after_name(message: bytes, at: int) -> int:
    """Return where the name at this place ends. Raises FormError for one of too many labels."""
    end = labels = 0
    for _ in range(2 * MAX_LABELS + 1):  # each label may end in a pointer to the next one
        length = message[at]
        if not length:
            return end or at + 1
        if length >= 0xC0:
            end = end or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
        else:
            at += 1 + length
            labels += 1
        if labels > MAX_LABELS:
            break
    raise dns.exception.FormError


def _readable(datagram: bytes) -> bytes:
    """Return what dnspython may read of a datagram; of one that is refused the id and a failure.

    Nothing is raised: anybody may send one to our port, and whose answer it is dnspython sees when
    it has read it.
    """
    if len(datagram) > MAX_ANSWER_BYTES:
        return _failure(datagram, dns.flags.TC)
    try:
        return with_known_kinds(datagram)
    except dns.exception.FormError:
        return _failure(datagram)


def _failure(datagram: bytes, flags: int = 0) -> bytes:
    flags |= dns.flags.QR | dns.rcode.SERVFAIL
    return datagram[:2] + struct.pack("!5H", flags, 0, 0, 0, 0)


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
        return _readable(datagram), sender

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
        if size < _HEADER_BYTES:
            return await self._inner.recv(size, timeout)
        async with asyncio.timeout(timeout):
            return with_known_kinds(await self._read(size))

    async def _read(self, size: int) -> bytes:
        octets = b""
        while len(octets) < size:
            more = await self._inner.recv(size - len(octets), None)
            if not more:
                raise EOFError
            octets += more
        return octets

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
