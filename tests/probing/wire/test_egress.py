from ipaddress import ip_address, ip_network

import pytest

from producer.contract.codes import Code
from worker.probing.errors import TargetFault
from worker.probing.wire.addresses import is_public, unwrap
from worker.probing.wire.egress import MAX_ADDRESSES, EgressPolicy
from worker.probing.wire.host import Host, read_host

POLICY = EgressPolicy(
    allow_networks=(), allow_ports=tuple(range(one, one + 1) for one in (25, 465, 587, 143, 993))
)
OPEN_LOOPBACK = EgressPolicy((ip_network("127.0.0.0/8"), ip_network("::1/128")), POLICY.allow_ports)


def words(text):
    return text.split()


FORBIDDEN = words("""
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1
192.31.196.1 192.52.193.1 192.88.99.1 192.168.0.1 192.175.48.1 198.18.0.1 198.19.255.255
198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16 ::
::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::ffff:100.64.0.1 ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 100:0:0:1::1 2001::1 2001:0:4136:e378::1
2001:10::1 2001:20::1 2001:1ff::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1 2620:4f:8000::1
3fff::1 3fff:fff::1 4000::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 2a00:1450::1%eth0
fec0::1 ff02::1 1::1 ::8.8.8.8
""")

PUBLIC = words("""
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1
169.253.255.255 172.15.255.255 172.32.0.1 192.0.1.1 192.167.255.255 192.169.0.1 198.17.255.255
198.20.0.1 223.255.255.255 168.63.129.15 ::ffff:8.8.8.8 2001:200::1 2001:4860:4860::8888
2a00:1450:4001::1 2620:4f:8001::1 2003::1 3ffe::1
""")


@pytest.mark.parametrize("address", FORBIDDEN)
def test_what_is_not_the_public_internet_is_not_dialled(address):
    assert not is_public(unwrap(ip_address(address)))
    with pytest.raises(TargetFault) as raised:
        POLICY.judge(Host("mail.example.com"), [ip_address(address)])
    assert raised.value.code is Code.TARGET_NOT_ALLOWED


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_dialled(address):
    assert is_public(unwrap(ip_address(address)))
    assert POLICY.judge(Host("mail.example.com"), [ip_address(address)])


def test_a_mapped_address_is_dialled_as_what_it_is():
    judged = POLICY.judge(Host("mail.example.com"), [ip_address("::ffff:8.8.8.8")])
    assert judged == (ip_address("8.8.8.8"),)


@pytest.mark.parametrize("mixed", [("8.8.8.8", "127.0.0.1"), ("::1", "8.8.8.8"), ("10.0.0.1",)])
def test_one_forbidden_address_spoils_the_target(mixed):
    with pytest.raises(TargetFault):
        POLICY.judge(Host("mail.example.com"), map(ip_address, mixed))


def test_an_operator_may_open_networks_and_nothing_more():
    assert OPEN_LOOPBACK.judge(Host("mail.test"), [ip_address("127.0.0.5")])
    assert OPEN_LOOPBACK.judge(Host("mail.test"), [ip_address("::ffff:127.0.0.5")])
    with pytest.raises(TargetFault):
        OPEN_LOOPBACK.judge(Host("mail.test"), [ip_address("10.0.0.1")])


def test_no_opening_lets_a_scoped_address_pass():
    policy = EgressPolicy((ip_network("fe80::/10"),), POLICY.allow_ports)
    assert policy.judge(Host("mail.test"), [ip_address("fe80::1")])
    with pytest.raises(TargetFault):
        policy.judge(Host("mail.test"), [ip_address("fe80::1%eth0")])


IN_DISGUISE = [
    ("64:ff9b::/96", "64:ff9b::{v4}"),
    ("64:ff9b:1::/96", "64:ff9b:1::{v4}"),
    ("64:ff9b:1::/48", "64:ff9b:1:{high}:{low48}::"),
    ("64:ff9b:1::/56", "64:ff9b:1:{first}:{rest56}::"),
    ("64:ff9b:1:7::/64", "64:ff9b:1:7:{u64}:0"),
    ("2002::/16", "2002:{high}:{low}::1"),
    ("2001::/32", "2001:0:{high}:{low}::f7f7:f7f7"),  # the server; the client is 8.8.8.8
    ("2001::/32", "2001:0:808:808::{inverted}"),  # the client; the server is 8.8.8.8
    ("::/96", "::{v4}"),
    ("::ffff:0:0:0/96", "::ffff:0:{v4}"),
    ("fd00:5::/64", "fd00:5::5efe:{v4}"),
    ("fd00:5::/64", "fd00:5::200:5efe:{v4}"),
    ("::/0", "64:ff9b::{v4}"),
    ("::/0", "2002:{high}:{low}::1"),
]


def disguise(form: str, v4: str) -> str:
    """RFC 6052 section 2.2: octet 8 of an address with an embedded IPv4 one stays zero."""
    a, b, c, d = octets = ip_address(v4).packed
    return form.format(
        v4=v4,
        high=f"{a:02x}{b:02x}",
        low=f"{c:02x}{d:02x}",
        inverted=f"{255 - a:02x}{255 - b:02x}:{255 - c:02x}{255 - d:02x}",
        low48=f"{c:02x}:{d:02x}00",
        first=f"{a:02x}",
        rest56=f"{b:02x}:{c:02x}{d:02x}",
        u64=f"{octets[0]:02x}:{b:02x}{c:02x}:{d:02x}00",
    )


@pytest.mark.parametrize(("opened", "form"), IN_DISGUISE)
def test_an_opened_ipv6_network_opens_no_ipv4_address_behind_it(opened, form):
    policy = EgressPolicy((ip_network(opened),), POLICY.allow_ports)
    host = Host("mail.example.com")
    assert policy.judge(host, [ip_address(disguise(form, "8.8.8.8"))])
    for inside in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "168.63.129.16", "100.64.0.1"):
        with pytest.raises(TargetFault) as raised:
            policy.judge(host, [ip_address(disguise(form, inside))])
        assert raised.value.code is Code.TARGET_NOT_ALLOWED


@pytest.mark.parametrize(("opened", "form"), IN_DISGUISE)
def test_an_ipv4_network_that_is_opened_as_well_may_be_reached_in_disguise(opened, form):
    policy = EgressPolicy((ip_network(opened), ip_network("10.0.0.0/8")), POLICY.allow_ports)
    assert policy.judge(Host("mail.example.com"), [ip_address(disguise(form, "10.0.0.1"))])


def test_a_nat64_prefix_of_unknown_length_is_judged_at_every_length():
    policy = EgressPolicy((ip_network("64:ff9b::/32"),), POLICY.allow_ports)
    host = Host("mail.example.com")
    assert policy.judge(host, [ip_address("64:ff9b:1:808:8:808:808:808")])
    for refused in ("64:ff9b:1:808:8:808:7f00:1", "64:ff9b:1:7f00:0:108:808:808"):
        with pytest.raises(TargetFault):
            policy.judge(host, [ip_address(refused)])


def test_loopback_can_be_opened_alone():
    policy = EgressPolicy((ip_network("::1/128"),), POLICY.allow_ports)
    assert policy.judge(Host("::1", ip_address("::1")), [ip_address("::1")])


SPECIAL = words("""
localhost a.localhost redis db.local x.internal metadata.google.internal y.onion nas.home.arpa
printer.lan intranet
""")


@pytest.mark.parametrize("name", SPECIAL)
def test_names_of_private_zones_are_dialled_only_into_networks_that_are_opened(name):
    with pytest.raises(TargetFault) as raised:
        POLICY.judge(Host(name), [ip_address("8.8.8.8")])
    assert raised.value.code is Code.TARGET_NOT_ALLOWED
    assert OPEN_LOOPBACK.judge(Host(name), [ip_address("127.0.0.1")])


@pytest.mark.parametrize("port", [22, 6379, 11211, 3306, 0, -1, 65536, 26, 24])
def test_only_listed_ports_are_dialled(port):
    with pytest.raises(TargetFault) as raised:
        POLICY.require_port(port)
    assert raised.value.code is Code.TARGET_NOT_ALLOWED


def test_listed_ports_are_dialled():
    POLICY.require_port(587)
    EgressPolicy((), (range(2000, 3000),)).require_port(2999)


def test_every_refusal_reads_the_same():
    texts = set()
    for refused in (
        lambda: POLICY.require_port(22),
        lambda: POLICY.judge(Host("localhost"), [ip_address("8.8.8.8")]),
        lambda: POLICY.judge(Host("mail.example.com"), [ip_address("10.0.0.1")]),
        lambda: POLICY.judge(Host("10.0.0.1", ip_address("10.0.0.1")), [ip_address("10.0.0.1")]),
    ):
        with pytest.raises(TargetFault) as raised:
            refused()
        texts.add((str(raised.value), raised.value.hint))
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("mail.example.com", "mail.example.com"),
        ("MAIL.Example.COM.", "mail.example.com"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("BÜCHER.test", "xn--bcher-kva.test"),
        ("faß.de", "xn--fa-hia.de"),
        ("mail。example。com。", "mail.example.com"),
        ("\uff4d\uff41il.example.com", "mail.example.com"),
        ("loc\u00adalhost", "localhost"),
        ("a--b.example", "a--b.example"),
        ("_x.example", "_x.example"),
        ("xn--bcher-kva.test", "xn--bcher-kva.test"),
        ("1and1.com", "1and1.com"),
        ("0x.example", "0x.example"),
    ],
)
def test_a_host_name_has_one_spelling(given, name):
    assert read_host(given) == Host(name)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_a_literal_is_known_as_one(given, name):
    assert read_host(given) == Host(name, ip_address(name))


BAD_HOSTS = [
    *("", ".", "..", "a..b", ".a", "a b", "a/b", "user@h", "h:25", "a\\b", "%00", "a%00b", "[::1"),
    *("127.0.0.1\0.example.com", "good.example\r\nX", "a\nb", "a\tb", " a", "a ", "a\u2028b"),
    *("2130706433", "0x7f.1", "0x7f000001", "127.1", "0", "0177.0.0.1", "1.2.3.4.5", "256.1.1.1"),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "\uff11\uff12\uff17.0.0.1", "x.0x7f", "example.123"),
    *("-a.example", "a-.example", "a" * 64 + ".example", "a." * 127 + "aa", "ü" * 60 + ".example"),
    *("a?b", "a#b", "a;b", "a'b", 'a"b', "a,b", "a*b", "(a)", "<a>", "a|b", "a&b", "$(a)", "`a`"),
    *("\u202ea.example", "\udc80.example", "::1::", "1:2:3", "[192.0.2.1]x"),
]


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_what_is_no_host_name_is_refused_before_dns(host):
    with pytest.raises(TargetFault) as raised:
        read_host(host)
    assert raised.value.code is Code.INVALID_FIELD


def test_at_most_sixteen_addresses_are_kept_and_all_are_judged():
    many = [ip_address("8.8.0.0") + offset for offset in range(100)]
    assert len(POLICY.judge(Host("mail.example.com"), many)) == MAX_ADDRESSES
    with pytest.raises(TargetFault):
        POLICY.judge(Host("mail.example.com"), [*many, ip_address("10.0.0.1")])
