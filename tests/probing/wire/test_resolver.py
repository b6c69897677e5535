import asyncio
import os
from ipaddress import ip_address
from pathlib import Path

import pytest
from dns.resolver import LRUCache

from producer.contract.codes import Code
from tests.support.name_server import name_server
from worker.probing.errors import NetworkFault
from worker.probing.wire.hosts_file import HostsFile, parse
from worker.probing.wire.name_servers import NameServers
from worker.probing.wire.resolver import DnsResolver

NO_HOSTS = Path("/nonexistent")


async def resolve(table, name, hosts=NO_HOSTS, **more):
    async with name_server(table, **more) as (servers, queries):
        found = await DnsResolver(hosts, servers).addresses(name)
        return [str(address) for address in found], queries


async def test_both_families_are_asked_for():
    table = {("mail.test", "A"): ["192.0.2.1", "192.0.2.2"], ("mail.test", "AAAA"): ["2001:db8::1"]}
    found, queries = await resolve(table, "mail.test")
    assert sorted(found) == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]
    assert sorted(queries) == [("mail.test", "A"), ("mail.test", "AAAA")]


@pytest.mark.parametrize("other", [(), "SERVFAIL", "NXDOMAIN", "REFUSED"])
@pytest.mark.parametrize("kind", ["A", "AAAA"])
async def test_one_family_is_enough(kind, other):
    address = "192.0.2.1" if kind == "A" else "2001:db8::1"
    table = {
        ("mail.test", "A"): other,
        ("mail.test", "AAAA"): other,
        ("mail.test", kind): [address],
    }
    assert (await resolve(table, "mail.test"))[0] == [address]


async def test_a_family_that_is_never_answered_does_not_hold_up_the_other():
    table = {("mail.test", "A"): ["192.0.2.1"], ("mail.test", "AAAA"): "silent"}
    found, _ = await resolve(table, "mail.test", lifetime_seconds=20)
    assert found == ["192.0.2.1"]


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({}, Code.DNS_NOT_FOUND),
        ({("mail.test", "TXT"): ["x"]}, Code.DNS_NOT_FOUND),
        ({("mail.test", "A"): "SERVFAIL", ("mail.test", "AAAA"): "SERVFAIL"}, Code.DNS_TEMPORARY),
        ({("mail.test", "A"): "SERVFAIL", ("mail.test", "AAAA"): ()}, Code.DNS_TEMPORARY),
        ({("mail.test", "A"): "silent", ("mail.test", "AAAA"): "silent"}, Code.DNS_TEMPORARY),
        ({("mail.test", "A"): "silent", ("mail.test", "AAAA"): ()}, Code.DNS_TEMPORARY),
    ],
)
async def test_no_address_is_told_from_no_answer(table, code):
    seconds = 0.3 if "silent" in table.values() else 20  # an answer must not be late
    with pytest.raises(NetworkFault) as raised:
        await resolve(table, "mail.test", lifetime_seconds=seconds)
    assert raised.value.code is code


async def test_a_name_that_never_exists_is_not_asked_for():
    async with name_server({("mail.invalid", "A"): ["192.0.2.1"]}) as (servers, queries):
        resolver = DnsResolver(NO_HOSTS, servers)
        with pytest.raises(NetworkFault) as raised:
            await resolver.addresses("mail.invalid")
        assert await resolver.mx("mail.invalid") == []
    assert raised.value.code is Code.DNS_NOT_FOUND
    assert queries == []


async def test_a_lookup_can_be_given_up():
    table = {("mail.test", "A"): "silent", ("mail.test", "AAAA"): "silent"}
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await resolve(table, "mail.test", lifetime_seconds=30)


async def test_of_very_many_addresses_all_are_given_to_be_judged():
    table = {("mail.test", "A"): [f"192.0.2.{last}" for last in range(1, 110)]}
    assert len((await resolve(table, "mail.test"))[0]) == 109


async def test_an_answer_is_kept_as_long_as_it_may_be():
    table = {("mail.test", "A"): ["192.0.2.1"], ("mail.test", "AAAA"): ["2001:db8::1"]}
    async with name_server(table) as (servers, queries):
        servers.cache = LRUCache(10)
        for _ in range(3):
            await DnsResolver(NO_HOSTS, servers).addresses("mail.test")
    assert len(queries) == 2


async def test_the_hosts_file_goes_before_dns(tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("192.0.2.7 mail.test\n")
    found, queries = await resolve({("mail.test", "A"): ["192.0.2.1"]}, "mail.test", hosts)
    assert found == ["192.0.2.7"]
    assert queries == []


async def test_mail_exchangers_come_best_first_and_a_null_mx_is_none():
    table = {
        ("a.test", "MX"): ["20 second.test.", "10 First.test."],
        ("b.test", "MX"): ["0 ."],
        ("c.test", "MX"): "SERVFAIL",
    }
    async with name_server(table) as (servers, _):
        resolver = DnsResolver(NO_HOSTS, servers)
        assert await resolver.mx("a.test") == ["first.test", "second.test"]
        assert await resolver.mx("b.test") == []
        assert await resolver.mx("nowhere.test") == []
        with pytest.raises(NetworkFault) as raised:
            await resolver.mx("c.test")
    assert raised.value.code is Code.DNS_TEMPORARY


async def test_services_come_best_first_and_a_dot_means_not_offered():
    table = {
        ("_imaps._tcp.a.test", "SRV"): [
            "10 5 993 b.test.",
            "0 0 993 a.test.",
            "10 9 1 x.test.",
        ],
        ("_imap._tcp.a.test", "SRV"): ["0 0 0 ."],
    }
    async with name_server(table) as (servers, _):
        resolver = DnsResolver(NO_HOSTS, servers)
        assert await resolver.srv("_imaps._tcp.a.test") == [
            (0, 0, 993, "a.test"),
            (10, 9, 1, "x.test"),
            (10, 5, 993, "b.test"),
        ]
        assert await resolver.srv("_imap._tcp.a.test") == []
        assert await resolver.srv("_submission._tcp.a.test") == []


@pytest.mark.parametrize("name", ["a" * 64 + ".test", "a..test", "\\300.test", "x" * 300])
async def test_a_name_that_dns_cannot_carry_does_not_exist(name):
    with pytest.raises(NetworkFault) as raised:
        await resolve({}, name)
    assert raised.value.code is Code.DNS_NOT_FOUND


def test_a_hosts_file_is_read_as_hosts_5_says():
    text = """
# comment
127.0.0.1\tlocalhost  Alias.Test # trailing
::1 localhost
not-an-address mail.test
192.0.2.1
fe80::1%eth0 scoped.test
"""
    assert parse(text) == {
        "localhost": [ip_address("127.0.0.1"), ip_address("::1")],
        "alias.test": [ip_address("127.0.0.1")],
        "scoped.test": [ip_address("fe80::1%eth0")],
    }


def test_a_hosts_file_is_read_anew_when_it_changes(tmp_path):
    path = tmp_path / "hosts"
    hosts = HostsFile(path)
    assert hosts.addresses("mail.test") == ()
    path.write_text("192.0.2.1 mail.test\n")
    assert hosts.addresses("MAIL.test") == [ip_address("192.0.2.1")]
    path.write_text("192.0.2.2 mail.test\n")
    os.utime(path, ns=(1, 1))
    assert hosts.addresses("mail.test") == [ip_address("192.0.2.2")]
    path.unlink()
    assert hosts.addresses("mail.test") == ()


def listed_in(file):
    """What is asked now: addresses, by a file of resolv.conf(5)."""
    servers = NameServers(file)
    return lambda: [str(one) for one in servers.resolver().nameservers]


def test_name_servers_are_read_anew_when_their_file_changes(tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 192.0.2.1\n")
    now = listed_in(file)
    assert now() == ["192.0.2.1"]
    file.write_text("search b.test\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n")
    assert now() == ["192.0.2.2", "192.0.2.3"]


@pytest.mark.parametrize("unreadable", [b"", b"nameserver nobody\n", b"# caf\xe9\n", None])
def test_while_they_cannot_be_read_those_of_before_are_asked(tmp_path, unreadable):
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 192.0.2.1\n")
    now = listed_in(file)
    assert now() == ["192.0.2.1"]
    if unreadable is None:
        file.unlink()
    else:
        file.write_bytes(unreadable)
    assert now() == ["192.0.2.1"]
    file.write_text("nameserver 192.0.2.2 # of another length\n")
    assert now() == ["192.0.2.2"]


def test_answers_are_kept_as_long_as_the_name_servers_are_the_same(tmp_path):
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 192.0.2.1\n")
    servers = NameServers(file)
    first = servers.resolver()
    assert servers.resolver() is first
    file.write_text("nameserver 192.0.2.22\n")
    assert servers.resolver().cache is not first.cache


@pytest.mark.parametrize("unreadable", [b"", b"nameserver nobody\n", b"# caf\xe9\n", None])
async def test_without_name_servers_no_name_is_called_unknown(tmp_path, unreadable):
    file = tmp_path / "resolv.conf"
    if unreadable is not None:
        file.write_bytes(unreadable)
    with pytest.raises(NetworkFault) as raised:
        await DnsResolver(NO_HOSTS, name_servers=file).addresses("mail.test")
    assert raised.value.code is Code.DNS_TEMPORARY
