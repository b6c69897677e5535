import pytest
from pydantic import ValidationError

from producer.contract.codes import WarningCode
from producer.contract.report import Security
from worker.probing.classify.providers import NOT_COMPARED, load, parse
from worker.probing.classify.sentences import warn_before_login
from worker.probing.target import Protocol

ENTRY = """
version = 1
[[provider]]
id = "one"
name = "One"
hosts = ["imap.one.example", "*.one.example"]
imap = [{ host = "imap.one.example", port = 993, security = "implicit_tls" }]
password = "account_password"
remedy = "ask"
last_checked = 2026-11-21
source = "made up"
"""


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("imap.gmail.com", "gmail"),
        ("IMAP.GMAIL.COM.", "gmail"),
        ("outlook.office365.com", "microsoft365"),
        ("smtp-mail.outlook.com", "outlook"),
        ("imappro.zoho.eu", "zoho"),
        ("smtp.zeptomail.com", "zeptomail"),
        ("email-smtp.us-east-1.amazonaws.com", "ses"),
        ("imap.gmx.net", "gmx"),
        ("email-smtp.eu-central-9.amazonaws.com", "ses"),
        ("smtp.qq.com", "qq"),
        ("smtp.exmail.qq.com", "exmail"),
        ("imap.gmx.com", "gmxcom"),
        ("imap.126.com", "netease126"),
        ("imap.mail.att.net", "att"),
        ("smtp.qiye.aliyun.com", "alimail"),
        ("imap.aliyun.com", "aliyun"),
        ("imap.sina.com", "sina"),
        ("imap.seznam.cz", "seznam"),
        ("smtp.wp.pl", "wp"),
        ("imap.poczta.onet.pl", "onet"),
        ("imaps.aruba.it", "aruba"),
        ("smtps.pec.aruba.it", "arubapec"),
    ],
)
def test_a_provider_is_known_by_its_hosts(host, provider):
    found = load().find(host)
    assert found is not None
    assert found.id == provider


@pytest.mark.parametrize("host", ["mail.example.org", "gmail.com.example.org", "notgmail.com", ""])
def test_other_hosts_are_nobodys(host):
    assert load().find(host) is None


@pytest.mark.parametrize(
    "host",
    [
        "ec2-203-0-113-9.eu-west-1.compute.amazonaws.com",
        "vps-1a2b3c.vps.ovh.net",
        "p3plcpnl0001.prod.phx3.secureserver.net",
        "c-203-0-113-9.hsd1.ma.comcast.net",
        "imap.mail.yahoo.co.jp",
    ],
)
def test_a_rented_machine_or_a_namesake_is_not_the_providers_mail(host):
    assert load().find(host) is None


def test_a_star_within_a_name_stands_for_one_label():
    known = parse(ENTRY.replace('"*.one.example"', '"smtp.*.one.example"', 1))
    assert known.find("smtp.eu-1.one.example").id == "one"
    for other in ("smtp.one.example", "smtp.a.b.one.example", "x.eu-1.one.example"):
        assert known.find(other) is None


def test_the_narrowest_pattern_wins():
    second = ENTRY.split("[[provider]]")[1].replace('"one"', '"two"')
    hosts = '"smtp.*.one.example", "*.eu-1.one.example"'
    second = second.replace('"imap.one.example", "*.one.example"', hosts)
    known = parse(f"{ENTRY}\n[[provider]]{second}")
    assert known.find("smtp.eu-2.one.example").id == "two"
    assert known.find("x.eu-1.one.example").id == "two"
    assert known.find("x.eu-2.one.example").id == "one"


@pytest.mark.parametrize(
    ("domain", "protocol", "host"),
    [
        ("gmx.com", Protocol.SMTP, "mail.gmx.com"),
        ("126.com", Protocol.IMAP, "imap.126.com"),
        ("virgilio.it", Protocol.IMAP, "in.virgilio.it"),
        ("cox.net", Protocol.IMAP, "imap.mail.yahoo.com"),
        ("verizon.net", Protocol.SMTP, "smtp.aol.com"),
        ("kakao.com", Protocol.SMTP, "smtp.kakao.com"),
    ],
)
def test_a_mail_domain_leads_to_its_own_servers_and_not_to_a_relatives(domain, protocol, host):
    assert load().find("", domain=domain).servers(protocol)[0].host == host


def test_mail_of_a_company_at_a_relative_of_another_provider_is_told_by_the_mx():
    assert load().find("", mx=["mxbiz1.qq.com"]).id == "exmail"
    assert load().find("", mx=["mail.gm0.yahoodns.net"]).id == "aol"
    assert load().find("", mx=["mail.am0.yahoodns.net"]).id == "yahoo"


def test_a_host_that_was_named_outweighs_the_address():
    assert load().find("mail.example.org", domain="gmail.com", mx=["aspmx.l.google.com"]) is None


def test_without_a_host_the_domain_tells_then_the_mx():
    assert load().find("", domain="gmail.com").id == "gmail"
    assert load().find("", domain="dealer.example", mx=["aspmx.l.google.com"]).id == "gmail"


def test_an_unknown_host_is_told_by_its_greeting():
    greeting = "* OK Gimap ready for requests from 203.0.113.9"
    assert load().find("mail.dealer.example", greeting=greeting).id == "gmail"


def test_every_server_of_every_provider_is_found_as_its_own():
    known = load()
    for provider in known.known:
        for server in (*provider.smtp, *provider.imap):
            host = server.host.replace("{region}", "com")
            if "{region}" in server.host and "amazonaws" not in host and "awsapps" not in host:
                continue
            # Outlook.com reads mail at Microsoft 365's host, Cox moved to Yahoo's.
            assert known.find(host).id == provider.id or provider.id in {"outlook", "cox"}


def test_an_entry_that_was_compared_with_nothing_says_so_and_has_no_day():
    uncompared = ENTRY.replace("last_checked = 2026-11-21\n", "").replace("made up", NOT_COMPARED)
    assert parse(uncompared).find("x.one.example").last_checked is None


def test_no_provider_is_suggested_without_encryption():
    for provider in load().known:
        assert all(
            server.security is not Security.CLEARTEXT for server in (*provider.smtp, *provider.imap)
        )


@pytest.mark.parametrize(
    ("host", "protocol", "warning"),
    [
        ("outlook.office365.com", Protocol.IMAP, WarningCode.PASSWORD_LOGIN_UNLIKELY),
        ("smtp.office365.com", Protocol.SMTP, None),
        ("smtp-mail.outlook.com", Protocol.SMTP, WarningCode.PASSWORD_LOGIN_UNLIKELY),
        ("imap.gmail.com", Protocol.IMAP, None),
        ("mail.example.org", Protocol.IMAP, None),
    ],
)
def test_a_login_that_no_password_can_pass_is_warned_of_before(host, protocol, warning):
    assert warn_before_login(load().find(host), protocol) is warning


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("version = 1", "version = 2"),
        ('remedy = "ask"', 'remedy = ""'),
        ('remedy = "ask"', 'remedy = "ask"\nremdy = "typo"'),
        ('"account_password"', '"password"'),
        ("port = 993", "port = 99300"),
        ('"implicit_tls"', '"ssl"'),
        ("last_checked = 2026-11-21\n", ""),
        ('source = "made up"', f'source = "{NOT_COMPARED}"'),
        ('"*.one.example"', '"a.*.*.one.example"'),
        ('"*.one.example"', '"a.b.*.one.example"'),
        ('"imap.one.example", "*', '"IMAP.one.example", "*'),
        ('"imap.one.example", "*.one', '"*.one.example", "*.one'),
        ("imap = [{ host", "smpt = [{ host"),
        ("imap = [{ host", "# imap = [{ host"),
    ],
)
def test_a_mistake_in_the_file_stops_the_start(old, new):
    assert parse(ENTRY).find("x.one.example").id == "one"
    with pytest.raises(ValidationError):
        parse(ENTRY.replace(old, new, 1))
