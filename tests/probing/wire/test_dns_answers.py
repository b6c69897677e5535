"""Who owns a name chooses how much DNS says of it: none of that is the worker's loss."""

import time
import tracemalloc
from pathlib import Path

import dns.message
import dns.name
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from producer.contract.codes import Code
from tests.support.name_server import name_server
from worker.probing.errors import NetworkFault
from worker.probing.wire.dns_answers import MAX_ANSWER_BYTES, MAX_KEPT, AddressCache
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


def test_the_longest_answer_that_is_read_takes_no_time_worth_speaking_of():
    name = dns.name.from_text(f"{DEEP}.")
    answer = dns.message.make_response(dns.message.make_query(name, "A"))
    answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", *addresses(110)))
    wire = answer.to_wire()
    assert MAX_ANSWER_BYTES - 100 < len(wire) <= MAX_ANSWER_BYTES
    times = []
    for _ in range(12):
        started = time.thread_time()
        dns.message.from_wire(wire)
        times.append(time.thread_time() - started)
    assert min(times) < 0.03


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
