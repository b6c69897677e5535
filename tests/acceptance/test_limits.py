"""docs/CONTRACT.md section 8: no account is locked out by us. The limit is 3 in this deployment."""

from tests.support.mail_office import account
from tests.support.outsider import codes, warned


def test_a_refused_credential_is_not_sent_again(outside, office):
    server = office.smtp("tls")
    item = account(server, None, dealerEmail="one@dealer.example", password="wrong-one-1")
    ((first,), _) = outside.test(item)
    sent = server.connections
    ((second,), (report,)) = outside.test(item)
    assert codes(first["errors"]) == codes(second["errors"]) == ["SMTP_AUTHENTICATION_FAILED"]
    assert "LOGIN_NOT_REPEATED" in warned(second)
    assert "LOGIN_NOT_REPEATED" not in warned(first)
    assert server.connections == sent
    assert report["smtp"]["code"] == "AUTHENTICATION_FAILED"


def test_beyond_the_limit_nothing_is_sent(outside, office):
    server = office.smtp("tls")
    item = account(server, None, dealerEmail="two@dealer.example")
    found = []
    for number in range(5):
        ((entry,), _) = outside.test({**item, "password": f"wrong-number-{number}"})
        found += codes(entry["errors"])
    assert found == ["SMTP_AUTHENTICATION_FAILED"] * 3 + ["SMTP_LOGIN_COOLDOWN"] * 2
    assert server.connections == 3
