"""Who owns a name chooses how much DNS says of it: none of that is the worker's loss."""

import struct
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from producer.contract.codes import Code
from tests.support.name_server import name_server
from tests.support.pace import assert_within
from worker.probing.errors import NetworkFault
from worker.probing.wire.dns_answers import (
    MAX_ANSWER_BYTES,
    MAX_KEPT,
    AddressCache,
    with_known_kinds,
)
from worker.probing.wire.resolver import DnsResolver

NO_HOSTS = Path("/nonexistent")
DEEP = ".".join("abcdefghijklmnopqrstuvwxyz"[number % 26] for number in range(110))


def addresses(count):
    return [f"198.51.{number >> 8}.{number & 255}" for number in range(count)]


async def resolve(name, records, kind="A", **more):
    table = {(name, kind): records}
    async with name_server(table, **more) as (servers, queries):
        resolver = DnsResolver(NO_HOSTS, servers)
        found = await (resolver.addresses(name) if kind == "A" else resolver.mx(name))
    return found, queries


async def test_an_answer_that_is_too_long_for_a_datagram_comes_by_tcp():
    found, queries = await resolve("mail.test", addresses(100), max_datagram=512)
    assert len(found) == 100
    assert queries.count(("mail.test", "A")) == 2


@pytest.mark.parametrize("max_datagram", [512, 65000])
@pytest.mark.parametrize("name", ["mail.test", DEEP])
async def test_an_answer_that_takes_long_to_read_is_not_read(name, max_datagram):
    records = addresses(600)
    async with name_server({(name, "A"): records}, max_datagram=max_datagram) as (servers, _):
        resolver = DnsResolver(NO_HOSTS, servers)
        with pytest.raises(NetworkFault) as raised:
            await resolver.addresses(name)
    assert raised.value.code is Code.DNS_TEMPORARY


async def test_mail_exchangers_are_bounded_likewise():
    with pytest.raises(NetworkFault) as raised:
        await resolve("mail.test", [f"{n} {DEEP}.{n}." for n in range(12)], "MX", max_datagram=512)
    assert raised.value.code is Code.DNS_TEMPORARY


LONGEST_NAME = b"\1a" * 126 + b"\0"
POINTER = b"\xc0\x0c"
"""To the question's name (RFC 1035, section 4.1.4)."""

RECORDS = {
    "A": POINTER + struct.pack("!HHIH", 1, 1, 60, 4) + b"\xc6\x33\x64\7",
    "NS": POINTER + struct.pack("!HHIH", 2, 1, 60, 2) + POINTER,
    "CNAME": POINTER + struct.pack("!HHIH", 5, 1, 60, 2) + POINTER,
    "SOA": POINTER + struct.pack("!HHIH", 6, 1, 60, 24) + POINTER * 2 + bytes(20),
    "MX": POINTER + struct.pack("!HHIH", 15, 1, 60, 4) + b"\0\1" + POINTER,
    "RP": POINTER + struct.pack("!HHIH", 17, 1, 60, 4) + POINTER * 2,
    "PX": POINTER + struct.pack("!HHIH", 26, 1, 60, 6) + b"\0\1" + POINTER * 2,
    "SRV": POINTER + struct.pack("!HHIH", 33, 1, 60, 8) + bytes(6) + POINTER,
    "unknown": POINTER + struct.pack("!HHIH", 65280, 1, 60, 0),
}


def full_message(kind, name):
    """2 KiB of one kind of record: a zone's owner may send them."""
    question = name + b"\0\1\0\1"
    count = (MAX_ANSWER_BYTES - 12 - len(question)) // len(RECORDS[kind])
    header = struct.pack("!6H", 1, 0x8180, 1, count, 0, 0)
    return header + question + RECORDS[kind] * count


def read(message):
    with suppress(dns.exception.FormError):
        dns.message.from_wire(with_known_kinds(message))


def seconds_to_read(message):
    started = time.thread_time()
    read(message)
    return time.thread_time() - started


@pytest.mark.parametrize("name", [LONGEST_NAME, LONGEST_NAME[-33:], LONGEST_NAME[-31:]])
@pytest.mark.parametrize("kind", RECORDS)
def test_no_answer_takes_long_to_read(kind, name):
    message = full_message(kind, name)
    assert_within(0.01, lambda: seconds_to_read(message))


def test_an_answer_to_several_questions_is_refused():
    question = b"\4mail\4test\0" + b"\0\1\0\1"
    with pytest.raises(dns.exception.FormError):
        with_known_kinds(struct.pack("!6H", 1, 0x8180, 2, 0, 0, 0) + question * 2)
    with_known_kinds(struct.pack("!6H", 1, 0x8180, 1, 0, 0, 0) + question)


@pytest.mark.parametrize("cut", [3, 11, 13, 30, 40])
def test_what_is_no_message_is_refused(cut):
    message = full_message("MX", b"\4mail\4test\0")
    with pytest.raises(dns.exception.FormError):
        with_known_kinds(message[:cut])


def test_a_pointer_to_itself_is_refused():
    message = struct.pack("!6H", 1, 0x8180, 1, 0, 0, 0) + POINTER + b"\0\1\0\1"
    with pytest.raises(dns.exception.FormError):
        with_known_kinds(message)


@pytest.mark.parametrize(
    "forged",
    [b"no", b"no message at all", bytes(MAX_ANSWER_BYTES + 1), full_message("MX", LONGEST_NAME)],
    ids=["short", "text", "too long", "many labels"],
)
async def test_a_datagram_that_answers_no_question_of_ours_changes_nothing(forged):
    """Whoever can send to our port could end each look-up: CVE-2023-29483 of dnspython."""
    found, queries = await resolve("mail.test", addresses(1), forged=forged)
    assert [str(address) for address in found] == addresses(1)
    assert queries.count(("mail.test", "A")) == 1


async def test_usual_answers_are_read_as_they_are():
    exchangers = [f"{number} mx{number}.eu.mail.protection.example.test." for number in range(16)]
    found, _ = await resolve("mail.test", exchangers, "MX", max_datagram=512)
    assert found == [record.split()[1][:-1] for record in exchangers]


def answer_of(name, kind, records):
    query = dns.message.make_query(name, kind)
    reply = dns.message.make_response(query)
    if records:
        reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, *records))
    for number in range(12):
        reply.authority.append(dns.rrset.from_text(f"{number}.{DEEP}.", 60, "IN", "NS", "x."))
    message = dns.message.from_wire(reply.to_wire())
    question = message.question[0]
    return dns.resolver.Answer(question.name, question.rdtype, question.rdclass, message)


def test_of_an_answer_the_addresses_alone_are_kept():
    cache, count = AddressCache(), 4
    answer_of(DEEP, "A", addresses(16))  # with the first, dnspython loads what it needs
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(count):
            answer = answer_of(f"{number}.{DEEP}", "A", addresses(16))
            cache.put((answer.qname, answer.rdtype, answer.rdclass), answer)
        del answer
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < count * 13 * 1024, grown / count
    kept = cache.get((dns.name.from_text(f"3.{DEEP}."), dns.rdatatype.A, 1))
    assert {one.to_text() for one in kept} == {*addresses(16)}


@pytest.mark.parametrize(
    ("kind", "records", "kept"),
    [("A", 16, True), ("A", 17, False), ("AAAA", 0, True), ("MX", 1, False), ("MX", 0, True)],
)
def test_what_is_kept_is_few_addresses_or_that_there_is_nothing(kind, records, kept):
    cache = AddressCache()
    texts = addresses(records) if kind == "A" else ["1 mail.test."][:records]
    answer = answer_of("mail.test", kind, texts)
    cache.put((answer.qname, answer.rdtype, answer.rdclass), answer)
    found = cache.get((answer.qname, answer.rdtype, answer.rdclass))
    assert (found is not None) is kept
    assert cache.max_size == MAX_KEPT


async def test_that_a_name_does_not_exist_is_asked_for_once():
    async with name_server({}) as (servers, queries):
        servers.cache = AddressCache()
        for _ in range(3):
            with pytest.raises(NetworkFault) as raised:
                await DnsResolver(NO_HOSTS, servers).addresses("nowhere.test")
            assert raised.value.code is Code.DNS_NOT_FOUND
    assert len(queries) == 2
