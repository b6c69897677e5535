import pytest
from pydantic import ValidationError

from producer.contract.codes import WarningCode
from producer.contract.report import Security
from worker.classify.providers import load, parse
from worker.classify.sentences import warn_before_login
from worker.target import Protocol

ENTRY = """
version = 1
[[provider]]
id = "one"
name = "One"
hosts = ["imap.one.example", "*.one.example"]
imap = [{ host = "imap.one.example", port = 993, security = "implicit_tls" }]
password = "account_password"
remedy = "ask"
last_checked = 2026-11-20
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
        ("smtp.exmail.qq.com", "qq"),
        ("imap.mail.att.net", "att"),
    ],
)
def test_a_provider_is_known_by_its_hosts(host, provider):
    found = load().find(host)
    assert found is not None
    assert found.id == provider


@pytest.mark.parametrize("host", ["mail.example.org", "gmail.com.example.org", "notgmail.com", ""])
def test_other_hosts_are_nobodys(host):
    assert load().find(host) is None


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
            # Outlook.com reads mail at Microsoft 365's host.
            assert known.find(host).id == provider.id or provider.id == "outlook"


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
