"""docs/CONTRACT.md section 4: what an item may say, and what is said of it."""

import pytest

from tests.support.mail_office import HOST, PASSWORD, TOKEN, USER, account
from tests.support.outsider import codes, warned
from tests.support.queueing import wait_for

MASK = "********"


@pytest.fixture(scope="module")
def servers(office):
    return {
        f"{protocol}_{mode}": getattr(office, protocol)(mode)
        for protocol in ("smtp", "imap")
        for mode in ("tls", "starttls", "clear")
    }


def smtp_item(server, **changes):
    return {
        "dealerEmail": USER,
        "password": PASSWORD,
        "smtpHost": HOST,
        "smtpPort": str(server.port),
        **changes,
    }


TRUE = ["true", "TRUE", "True", "1", "yes", "YES", "y", "Y", "on", "On", True, 1]
FALSE = ["false", "FALSE", "0", "no", "No", "n", "N", "off", "OFF", False, 0]
UNSET = ["", "  ", None]


def test_a_flag_may_be_spelled_in_every_documented_way(outside, servers):
    tls, starttls, clear = (servers[f"smtp_{mode}"] for mode in ("tls", "starttls", "clear"))
    items = [smtp_item(tls, smtpUseSSLOrTLS=word) for word in TRUE]
    items += [smtp_item(starttls, smtpEnableStartTLS=word) for word in TRUE]
    items += [smtp_item(clear, smtpUseSSLOrTLS=word, smtpEnableStartTLS=word) for word in FALSE]
    found, _ = outside.test(*items)
    assert [item["outcome"] for item in found] == ["SUCCESS"] * len(items)
    modes = [(item["smtpuseSSLOrTLS"], item["smtpenableStartTLS"]) for item in found]
    expected = [("true", "false")] * len(TRUE) + [("false", "true")] * len(TRUE)
    assert modes == expected + [("false", "false")] * len(FALSE)


def test_a_blank_or_null_flag_is_unset_and_starttls_is_used(outside, servers):
    items = [
        smtp_item(servers["smtp_starttls"], smtpUseSSLOrTLS=word, smtpEnableStartTLS=word)
        for word in UNSET
    ]
    found, _ = outside.test(*items, smtp_item(servers["smtp_starttls"]))
    assert {item["outcome"] for item in found} == {"SUCCESS"}


@pytest.mark.parametrize("name", ["smtpUseAuth", "smtpUseSSLOrTLS", "imapEnableStartTLS"])
def test_another_word_is_no_flag(outside, servers, name):
    item = account(servers["smtp_tls"], servers["imap_tls"])
    found, reports = outside.test(*[{**item, name: word} for word in ("maybe", 2, [], {}, 1.5)])
    assert [codes(entry["errors"]) for entry in found] == [["INVALID_FIELD"]] * 5
    side = name[:4]
    assert {report[side]["field"] for report in reports} == {name}


def test_a_port_may_be_a_string_or_an_integer_and_comes_back_as_a_string(outside, servers):
    server = servers["smtp_tls"]
    tls = {"smtpUseSSLOrTLS": True}
    found, _ = outside.test(
        smtp_item(server, **tls, smtpPort=server.port),
        smtp_item(server, **tls, smtpPort=str(server.port)),
    )
    assert [(item["outcome"], item["smtpport"]) for item in found] == [
        ("SUCCESS", str(server.port))
    ] * 2


@pytest.mark.parametrize(
    ("changes", "smtp_port", "imap_port"),
    [
        ({}, "587", "143"),
        ({"smtpUseSSLOrTLS": "true", "imapUseSSLOrTLS": "true"}, "465", "993"),
        ({"smtpEnableStartTLS": "true", "imapEnableStartTLS": "true"}, "587", "143"),
    ],
)
def test_a_blank_port_is_the_standard_one_of_the_mode(outside, changes, smtp_port, imap_port):
    nobody = "127.0.0.77"
    blank = {"smtpHost": nobody, "smtpPort": "", "imapHost": nobody, "imapPort": None}
    ((item,), _) = outside.test({"dealerEmail": USER, "password": "x", **blank, **changes})
    assert (item["smtpport"], item["imapport"]) == (smtp_port, imap_port)


def test_a_line_break_is_refused_in_every_field_before_any_network(outside, servers):
    smtp, imap = servers["smtp_tls"], servers["imap_tls"]
    before = smtp.connections, imap.connections
    of_smtp = "dealerEmail credentialsType password smtpUserID smtpPassword smtpEnableStartTLS"
    of_imap = "imapHost imapPort imapUseSSLOrTLS imapUserID imapPassword password"
    items = [
        {**item, name: f"{item.get(name, 'true')}{end}"}
        for item, names in ((account(smtp, None), of_smtp), (account(None, imap), of_imap))
        for name in names.split()
        for end in ("\r\n", "\n", "\0")
    ]
    found, _ = outside.test(*items)
    assert [codes(entry["errors"]) for entry in found] == [["INVALID_FIELD"]] * len(items)
    assert (smtp.connections, imap.connections) == before


def test_a_bad_field_of_one_protocol_leaves_the_other_tested(outside, servers):
    smtp, imap = servers["smtp_tls"], servers["imap_tls"]
    before = smtp.connections, imap.connections
    ((found,), _) = outside.test(account(smtp, imap, smtpUseAuth="perhaps"))
    assert (codes(found["errors"]), found["smtpuseAuth"]) == (["INVALID_FIELD"], "perhaps")
    assert (smtp.connections, imap.connections) == (before[0], before[1] + 1)


def test_a_line_break_in_a_text_that_is_only_shown_fails_nothing(outside, servers):
    item = account(servers["smtp_tls"], None, accountType="two\nlines", orgName="x" * 600)
    ((found,), _) = outside.test(item)
    assert (found["outcome"], found["accountType"]) == ("SUCCESS", "two\nlines")


def test_a_field_of_spaces_is_blank(outside, servers):
    item = account(servers["smtp_tls"], servers["imap_tls"])
    ((found,), _) = outside.test(
        {**item, "smtpUserID": "  ", "imapUserID": " ", "credentialsType": " ", "smtpUseAuth": " "}
    )
    assert (found["outcome"], found["smtpuserID"]) == ("SUCCESS", USER)


def test_a_port_that_is_none_is_an_invalid_field(outside, servers):
    wrong = ["0", "65536", "-1", "25.0", "smtp", 0, 70000, 25.5, True, [25], "99999999999999999999"]
    found, reports = outside.test(*[smtp_item(servers["smtp_tls"], smtpPort=w) for w in wrong])
    assert [codes(item["errors"]) for item in found] == [["INVALID_FIELD"]] * len(wrong)
    assert {report["smtp"]["field"] for report in reports} == {"smtpPort"}


def test_the_response_spelling_is_taken_on_input(outside, servers):
    smtp, imap = servers["smtp_tls"], servers["imap_tls"]
    ((item,), _) = outside.test(
        {
            "dealerEmail": "other@dealer.example",
            "smtphost": HOST,
            "smtpport": smtp.port,
            "smtpuserID": USER,
            "smtppassword": PASSWORD,
            "smtpuseSSLOrTLS": "true",
            "smtpenableStartTLS": "false",
            "smtpuseAuth": "true",
            "imaphost": HOST,
            "imapport": imap.port,
            "imapuserID": USER,
            "imappassword": PASSWORD,
            "imapuseSSLOrTLS": "true",
            "imapenableStartTLS": "false",
        }
    )
    assert (item["outcome"], item["errors"]) == ("SUCCESS", [])
    assert (item["smtpuserID"], item["imapuserID"]) == (USER, USER)


def test_both_flags_mean_implicit_tls_with_a_warning(outside, servers):
    item = account(servers["smtp_tls"], servers["imap_tls"])
    both = {**item, "smtpEnableStartTLS": "true", "imapEnableStartTLS": "true"}
    ((found,), _) = outside.test(both)
    assert found["outcome"] == "SUCCESS"
    assert warned(found) == ["STARTTLS_IGNORED"]


def test_clear_text_is_used_where_both_flags_are_false_and_warned_of(outside, servers):
    off = {
        "smtpUseSSLOrTLS": "false",
        "smtpEnableStartTLS": "no",
        "imapUseSSLOrTLS": "0",
        "imapEnableStartTLS": "off",
    }
    ((found,), _) = outside.test(account(servers["smtp_clear"], servers["imap_clear"], **off))
    assert found["outcome"] == "SUCCESS"
    assert warned(found) == ["CLEARTEXT_LOGIN"]


def test_credentials_types(outside, servers):
    item = account(servers["smtp_tls"], servers["imap_tls"])
    words = ["SMTP", "smtp", "Imap", "IMAP", "", "BOTH", "both", None, "POP3", "weird"]
    found, reports = outside.test(*[{**item, "credentialsType": word} for word in words])
    tested = [(bool(report["smtp"]), bool(report["imap"])) for report in reports]
    assert tested == [(True, False)] * 2 + [(False, True)] * 2 + [(True, True)] * 6
    unknown = ["UNKNOWN_CREDENTIALS_TYPE" in warned(entry) for entry in found]
    assert unknown == [False] * 8 + [True] * 2
    assert {entry["outcome"] for entry in found} == {"SUCCESS"}


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_oauth2_sends_the_token_to_both_protocols(outside, office, mechanism):
    smtp, imap = office.smtp("tls", mechanism), office.imap("tls", mechanism)
    item = account(smtp, imap, password=TOKEN, credentialsType="oauth2")
    (good, bad), (report, _) = outside.test(item, {**item, "password": "no-such-token-77"})
    assert good["outcome"] == "SUCCESS"
    assert (report["smtp"]["mechanism"], report["imap"]["mechanism"]) == (mechanism, mechanism)
    assert codes(bad["errors"]) == ["SMTP_AUTHENTICATION_FAILED", "IMAP_AUTHENTICATION_FAILED"]
    for error in bad["errors"]:
        assert "token" in error["errorDescription"]
        assert "password" not in error["errorDescription"]


def test_a_token_at_a_server_for_passwords_is_told_as_that(outside, servers):
    item = account(servers["smtp_tls"], servers["imap_tls"], credentialsType="OAUTH2")
    ((found,), _) = outside.test(item)
    assert codes(found["errors"]) == ["SMTP_NO_COMMON_MECHANISM", "IMAP_NO_COMMON_MECHANISM"]
    for error in found["errors"]:
        assert "takes no access token" in error["errorDescription"]
        assert "give the password" in error["errorDescription"]


def test_without_auth_smtp_is_connected_only(outside, servers):
    server = servers["smtp_starttls"]
    before = len(server.commands)
    ((found,), (report,)) = outside.test(
        {"smtpHost": HOST, "smtpPort": server.port, "smtpUseAuth": "false"}
    )
    assert (found["outcome"], found["smtpuseAuth"]) == ("SUCCESS", "false")
    assert warned(found) == ["AUTH_SKIPPED"]
    assert report["imap"] is None
    said = server.commands[before:]
    assert not any(line.startswith(("AUTH", "MAIL")) for line in said)


def test_a_mask_is_refused_before_any_network(outside, servers):
    smtp, imap = servers["smtp_tls"], servers["imap_tls"]
    before = smtp.connections, imap.connections
    item = account(smtp, imap)
    names = ("password", "smtpPassword", "imapPassword")
    found, _ = outside.test(*[{**item, name: MASK} for name in names])
    assert [codes(entry["errors"]) for entry in found] == [["MASKED_PASSWORD"]] * 3
    assert (smtp.connections, imap.connections) == before
    assert {entry["outcome"] for entry in found} == {"FAILURE"}


def test_passwords_come_back_as_the_mask_where_given(outside, servers):
    smtp = servers["smtp_tls"]
    (one, two), _ = outside.test(
        account(smtp, None), account(smtp, None, password="", smtpPassword=PASSWORD)
    )
    names = ("password", "smtppassword", "imappassword")
    assert [one[name] for name in names] == [MASK, "", ""]
    assert [two[name] for name in names] == ["", MASK, ""]


def test_own_credentials_win_over_the_shared_ones(outside, servers):
    item = account(servers["smtp_tls"], servers["imap_tls"])
    own = {"smtpUserID": USER, "smtpPassword": PASSWORD}
    ((found,), _) = outside.test(
        {**item, **own, "dealerEmail": "x@y.example", "password": "another-one"}
    )
    assert codes(found["errors"]) == ["IMAP_AUTHENTICATION_FAILED"]
    assert found["error"] == found["errors"][0]["errorDescription"]


def test_every_leaf_is_a_string_and_the_duration_is_digits(outside, servers):
    found, _ = outside.test(
        account(servers["smtp_tls"], servers["imap_tls"]), {}, None, "text", 7, [], {"smtpPort": []}
    )
    for item in found:
        lists = {"errors", "warnings"}
        assert all(isinstance(value, str) for key, value in item.items() if key not in lists)
        leaves = [leaf for name in lists for entry in item[name] for leaf in entry.values()]
        assert all(isinstance(leaf, str) for leaf in leaves)
        assert item["testDuration"].isdecimal()
        assert "orgName" not in item
    assert [codes(item["errors"]) for item in found] == [
        [],
        ["NOTHING_TO_TEST"],
        *[["INVALID_FIELD"]] * 5,
    ]


def test_the_transcript_has_its_documented_form(outside, servers):
    ((found,), _) = outside.test(
        account(
            servers["smtp_tls"],
            servers["imap_starttls"],
            imapUseSSLOrTLS="",
            imapEnableStartTLS="true",
        )
    )
    lines = found["serverLogs"].split("\n")
    assert len(lines) > 10
    for line in lines:
        protocol, mark, _ = line.split(" ", 2)
        assert protocol in ("SMTP", "IMAP")
        assert mark in ("*", "S:", "C:")
        assert line.isprintable()


def test_an_error_id_stands_in_the_log(world, outside, servers):
    ((found,), _) = outside.test(account(servers["smtp_tls"], None, password="not-this-one-1"))
    (error,) = found["errors"]
    wait_for(lambda: error["errorUID"] in world.log)


def test_fifty_items_come_back_in_order(outside, servers):
    item = account(servers["smtp_tls"], None)
    items = [{**item, "accountType": f"account-{number}"} for number in range(50)]
    found, reports = outside.test(*items)
    assert [entry["accountType"] for entry in found] == [f"account-{n}" for n in range(50)]
    assert len(reports) == 50
    assert {entry["outcome"] for entry in found} == {"SUCCESS"}
