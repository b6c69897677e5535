import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.contract.codes import Code, WarningCode
from producer.contract.credentials import REQUEST_SPELLING
from producer.contract.report import Security
from worker.jobs.plan import BatchPlan, plan_item
from worker.jobs.protocol_plan import choose_security, field_names
from worker.jobs.response import item_result
from worker.probing.target import CredentialKind, Protocol

GOOD = {
    "dealerEmail": "dealer@example.com",
    "password": "shared",
    "smtpHost": "smtp.example.com",
    "imapHost": "imap.example.com",
}


def item(**changes):
    return {**GOOD, **changes}


def codes(plan):
    return [problem.code for problem in plan.problems]


def test_both_protocols_are_planned_where_both_hosts_are_given():
    plan = plan_item(item())

    assert [probe.protocol for probe in plan.probes] == [Protocol.SMTP, Protocol.IMAP]
    assert codes(plan) == []


@pytest.mark.parametrize(
    ("word", "protocols", "warned"),
    [
        ("SMTP", [Protocol.SMTP], False),
        ("imap", [Protocol.IMAP], False),
        ("", [Protocol.SMTP, Protocol.IMAP], False),
        ("Both", [Protocol.SMTP, Protocol.IMAP], False),
        (None, [Protocol.SMTP, Protocol.IMAP], False),
        ("exchange", [Protocol.SMTP, Protocol.IMAP], True),
    ],
)
def test_credentials_type_narrows_the_test_and_an_unknown_word_only_warns(word, protocols, warned):
    plan = plan_item(item(credentialsType=word))

    assert [probe.protocol for probe in plan.probes] == protocols
    assert (WarningCode.UNKNOWN_CREDENTIALS_TYPE in [r.code for r in plan.remarks]) is warned


def test_oauth2_makes_the_password_a_bearer_token():
    plan = plan_item(item(credentialsType="oauth2"))

    assert {probe.credential.kind for probe in plan.probes} == {CredentialKind.BEARER}


def test_shared_password_and_dealer_email_stand_in_for_what_is_blank():
    smtp, imap = plan_item(item(smtpUserID="own", imapPassword="own-secret")).probes

    assert (smtp.credential.user, smtp.credential.secret.get_secret_value()) == ("own", "shared")
    assert imap.credential.user == "dealer@example.com"
    assert imap.credential.secret.get_secret_value() == "own-secret"


@pytest.mark.parametrize(
    ("implicit", "starttls", "port", "expected"),
    [
        (True, True, 587, Security.IMPLICIT_TLS),
        (True, None, None, Security.IMPLICIT_TLS),
        (False, True, 465, Security.STARTTLS),
        (None, True, 993, Security.STARTTLS),
        (False, False, 465, Security.CLEARTEXT),
        (None, None, 465, Security.IMPLICIT_TLS),
        (None, None, 993, Security.IMPLICIT_TLS),
        (None, None, 587, Security.STARTTLS),
        (None, None, None, Security.STARTTLS),
        (False, None, 465, Security.STARTTLS),
        (None, False, 993, Security.IMPLICIT_TLS),
        (None, False, 143, Security.IMPLICIT_TLS),
    ],
)
def test_security_follows_the_flags_then_the_port_and_never_falls_to_clear_by_silence(
    implicit, starttls, port, expected
):
    assert choose_security(implicit, starttls, port) is expected


@pytest.mark.parametrize(
    ("flags", "smtp_port", "imap_port"),
    [
        ({"smtpUseSSLOrTLS": "true", "imapUseSSLOrTLS": "true"}, 465, 993),
        ({}, 587, 143),
        (
            {
                "smtpUseSSLOrTLS": "false",
                "smtpEnableStartTLS": "false",
                "imapUseSSLOrTLS": "no",
                "imapEnableStartTLS": 0,
            },
            25,
            143,
        ),
    ],
)
def test_a_blank_port_is_the_standard_one_of_the_mode(flags, smtp_port, imap_port):
    smtp, imap = plan_item(item(smtpPort="", imapPort=None, **flags)).probes

    assert (smtp.target.port, imap.target.port) == (smtp_port, imap_port)


def test_both_flags_true_warns_that_starttls_is_ignored():
    plan = plan_item(item(smtpUseSSLOrTLS="true", smtpEnableStartTLS="true"))

    assert (WarningCode.STARTTLS_IGNORED, Protocol.SMTP, None) in plan.remarks


def test_clear_text_warns_and_is_refused_where_the_operator_says_so():
    clear = item(imapUseSSLOrTLS="false", imapEnableStartTLS="false")

    allowed = plan_item(clear)
    refused = plan_item(clear, allow_cleartext=False)

    assert (WarningCode.CLEARTEXT_LOGIN, Protocol.IMAP, None) in allowed.remarks
    assert codes(refused) == [Code.AUTH_REQUIRES_TLS]
    assert [probe.protocol for probe in refused.probes] == [Protocol.SMTP]


def test_smtp_without_auth_is_planned_without_a_credential():
    smtp, imap = plan_item(item(smtpUseAuth="no")).probes

    assert smtp.credential is None
    assert imap.credential is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"smtpPort": "65536"},
        {"smtpPort": "2 5"},
        {"smtpPort": "\uff12\uff15"},
        {"smtpPort": -1},
        {"smtpPort": 25.0},
        {"smtpPort": True},
        {"smtpHost": ["a"]},
        {"smtpHost": "good.example\r\nX"},
        {"smtpUserID": "a\x00b"},
        {"smtpUserID": "a\u2028b"},
        {"smtpPassword": "pass\nword"},
        {"smtpUseAuth": "perhaps"},
        {"smtpUseSSLOrTLS": 2},
        {"dealerEmail": {"a": 1}},
        {"password": 12345},
        {"password": "lone \ud800 surrogate"},
    ],
)
def test_an_unreadable_field_is_named_and_spares_the_protocol_that_does_not_use_it(changes):
    plan = plan_item(item(imapUserID="me", imapPassword="mine", **changes))

    assert [(p.code, p.field, p.protocol) for p in plan.problems] == [
        (Code.INVALID_FIELD, next(iter(changes)), Protocol.SMTP)
    ]
    assert [probe.protocol for probe in plan.probes] == [Protocol.IMAP]


def test_a_shared_field_that_is_unreadable_stands_in_the_way_of_each_protocol_that_uses_it():
    plan = plan_item(item(password=12345))

    assert {(p.field, p.protocol) for p in plan.problems} == {
        ("password", Protocol.SMTP),
        ("password", Protocol.IMAP),
    }
    assert plan.probes == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"accountType": "x" * 600},
        {"orgName": "two\nlines"},
        {"orgName": {"name": "Example Motors"}},
        {"smtpPort": " 587\t"},
        {"imapPort": "993 "},
    ],
)
def test_what_is_only_shown_or_has_blanks_around_it_fails_nothing(changes):
    plan = plan_item(item(**changes))

    assert plan.problems == ()
    assert len(plan.probes) == 2


@pytest.mark.parametrize("wrong", [["SMTP"], "b\noth", "x" * 513])
def test_a_type_that_cannot_be_read_is_a_problem_of_both_protocols(wrong):
    plan = plan_item(item(credentialsType=wrong))

    assert plan.probes == ()
    assert {p.field for p in plan.problems} == {"credentialsType"}


def test_a_bad_field_of_a_protocol_that_nobody_asked_for_fails_nothing():
    plan = plan_item(item(credentialsType="IMAP", smtpPort="none"))

    assert plan.problems == ()
    assert [probe.protocol for probe in plan.probes] == [Protocol.IMAP]


def test_a_bad_field_is_named_where_nothing_can_be_tested():
    assert [(p.code, p.field) for p in plan_item({"smtpPort": "none"}).problems] == [
        (Code.INVALID_FIELD, "smtpPort")
    ]


@pytest.mark.parametrize(
    ("unknown", "meant"),
    [
        ("smtp_port", "smtpPort"),
        ("SMTPPort", "smtpPort"),
        ("imap-user-id", "imapUserID"),
        ("smtpPasword", "smtpPassword"),
        ("dealer_email", "dealerEmail"),
    ],
)
def test_an_unknown_field_that_looks_like_a_known_one_is_remarked(unknown, meant):
    plan = plan_item(item(**{unknown: "x"}))

    assert plan.remarks == ((WarningCode.UNKNOWN_FIELD, None, meant),)
    assert len(plan.probes) == 2


@pytest.mark.parametrize("unknown", ["comment", "id", "smtpuserID", "x" * 100_000, "port"])
def test_other_fields_are_ignored_without_a_word(unknown):
    assert plan_item(item(**{unknown: "u"})).remarks == ()


def test_every_probe_knows_all_passwords_of_its_item_readable_or_not():
    plan = plan_item(item(smtpPassword="one", imapPassword="two\n", imapHost=""))

    assert plan.probes[0].all_secrets == ("one", "shared", "two\n")
    assert "shared" not in repr(plan)


def batch(plans):
    whole = BatchPlan()
    for plan in plans:
        whole.add(plan)
    return whole.items()


def test_the_same_login_in_a_batch_shares_its_passwords_in_whatever_case():
    plans = [
        plan_item({"smtpHost": host, "smtpUserID": user, "smtpPassword": password})
        for host, user, password in (
            ("mail.test", "me", "one"),
            ("MAIL.test.", "ME", "two"),
            ("mail.test", "you", "three"),
        )
    ]

    first, second, other = (plan.probes[0].all_secrets for plan in batch(plans))

    assert (set(first), set(second), set(other)) == ({"one", "two"}, {"one", "two"}, {"three"})


@pytest.mark.parametrize(
    ("host", "user"),
    [
        ("\uff4dail.test", "me@x.test"),
        ("ma\u00adil\u3002test", "me@x.test"),
        ("mail.test", " \uff2de@x.test "),
        ("mail.test", "me@X\u3002test."),
    ],
)
def test_a_login_that_is_spelled_in_another_way_shares_its_passwords_as_well(host, user):
    logins = (("mail.test", "me@x.test", "one"), (host, user, "two"))
    plans = [
        plan_item({"smtpHost": host, "smtpUserID": user, "smtpPassword": password})
        for host, user, password in logins
    ]

    secrets = [plan.probes[0].all_secrets for plan in batch(plans)]

    assert [set(one) for one in secrets] == [{"one", "two"}] * 2


def test_every_probe_of_a_batch_knows_the_passwords_of_the_other_items():
    plans = [
        plan_item({"smtpHost": host, "smtpUserID": user, "smtpPassword": password})
        for host, user, password in (("a.test", "me", "one"), ("b.test", "you", "two"))
    ]
    assert [plan.probes[0].batch_secrets for plan in batch(plans)] == [("one", "two")] * 2
    assert [plan.probes[0].batch_secrets for plan in batch(plans[:1])] == [()]
    assert "two" not in repr(batch(plans)[0].probes[0])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*REQUEST_SPELLING.values(), "smtp_host"]), JSON) | JSON)
def test_whatever_an_entry_is_it_gets_a_plan_and_its_result_can_be_written(raw):
    plan = plan_item(raw)

    found = item_result(plan, (), warnings=(), milliseconds=0)

    assert found.response.model_dump_json()
    assert plan.probes or plan.problems


def test_a_field_that_is_wrong_in_both_spellings_is_named_in_both_and_crashes_nothing():
    plan = plan_item(item(smtpPort="x", smtpport=[], imapport="y"))

    assert {(p.code, p.field) for p in plan.problems} == {
        (Code.INVALID_FIELD, name) for name in ("smtpPort", "smtpport", "imapport")
    }
    assert plan.probes == ()


@pytest.mark.parametrize("raw", [None, 5, "text", [], True])
def test_an_entry_that_is_no_object_is_a_problem_and_no_exception(raw):
    assert codes(plan_item(raw)) == [Code.INVALID_FIELD]


@pytest.mark.parametrize("name", ["password", "smtpPassword", "imapPassword", "smtppassword"])
def test_the_mask_is_never_taken_for_a_password(name):
    plan = plan_item(item(**{name: "********"}))

    assert codes(plan) == [Code.MASKED_PASSWORD]
    assert plan.probes == ()


@pytest.mark.parametrize(
    ("kind", "fields"), [("", ["smtpHost", "imapHost"]), ("smtp", ["smtpHost"])]
)
def test_no_host_leaves_nothing_to_test_of_the_protocols_that_were_asked_for(kind, fields):
    plan = plan_item({"dealerEmail": "d@example.com", "password": "x", "credentialsType": kind})

    assert [(problem.code, problem.field) for problem in plan.problems] == [
        (Code.NOTHING_TO_TEST, field) for field in fields
    ]


def test_a_missing_password_is_named_and_spares_the_other_protocol():
    plan = plan_item(item(password="", imapPassword="given"))

    assert [(p.code, p.field) for p in plan.problems] == [(Code.INVALID_FIELD, "smtpPassword")]
    assert [probe.protocol for probe in plan.probes] == [Protocol.IMAP]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"password": "x" * 4097}, ["password", "password"]),
        ({"smtpPassword": "x" * 4097}, ["smtpPassword"]),
    ],
)
def test_a_password_that_is_too_long_is_named_as_it_was_given(changes, fields):
    assert [problem.field for problem in plan_item(item(**changes)).problems] == fields


def test_response_spelling_is_accepted_on_input():
    smtp, imap = plan_item(
        {
            "dealerEmail": "d@example.com",
            "smtpuserID": "u",
            "smtppassword": "p",
            "smtphost": "s.example.com",
            "smtpport": "465",
            "imaphost": "i.example.com",
            "imappassword": "q",
        }
    ).probes

    assert (smtp.target.host, smtp.target.port, smtp.credential.user) == ("s.example.com", 465, "u")
    assert imap.credential.secret.get_secret_value() == "q"


def test_field_names_point_at_the_input_that_was_really_used():
    plan = plan_item(item(smtpUserID="own", imapPassword="own"))

    smtp = field_names(plan.item, Protocol.SMTP)
    imap = field_names(plan.item, Protocol.IMAP)

    assert (smtp["user"], smtp["password"]) == ("smtpUserID", "password")
    assert (imap["user"], imap["password"]) == ("dealerEmail", "imapPassword")


def test_no_secret_shows_in_the_repr_of_a_plan():
    plan = plan_item(item(password="canary-7f3a", smtpUserID="canary-7f3a"))

    assert "canary-7f3a" not in repr(plan.probes)
    assert "canary-7f3a" not in repr(plan.problems)
