"""What stands on the pages, as HTML; how they work is seen in a browser."""

import asyncio
import time

import pytest

from producer.contract.names import Kind
from producer.gateway.pages import JobView, Pages
from producer.gateway.prefill import values_of
from producer.records.subscribers import Subscriber

ANYONE = Subscriber("support", "digest")
ITEM = {
    "dealerEmail": "a@shop.example",
    "outcome": "FAILURE",
    "testDuration": "12",
    "smtphost": "mx.example",
    "smtpport": "587",
    "smtpuserID": "a@shop.example",
    "smtpuseAuth": "true",
    "smtpuseSSLOrTLS": "false",
    "smtpenableStartTLS": "true",
    "password": "********",
    "serverLogs": "SMTP S: 220 <script>alert(1)</script>",
    "errors": [
        {
            "errorCode": "SMTP_CONNECTION_REFUSED",
            "errorDescription": "Nobody listens; use <b>465</b>.",
        }
    ],
    "warnings": [{"warningCode": "X", "warningDescription": "A <i>remark</i>."}],
}
PROBE = {
    "code": "CONNECTION_REFUSED",
    "retryable": False,
    "field": "smtpPort",
    "phases": [{"name": "connect", "state": "failed", "milliseconds": 3}],
    "serverReply": "<img src=x>",
    "suggestion": {"host": "mx.example", "port": 465, "security": "implicit_tls"},
}
RESULT = {"emailCredentialsResponses": [ITEM], "errors": [], "warnings": []}
REPORT = {"items": [{"smtp": PROBE, "imap": None}], "durationMs": 13}

UNTESTED = {
    "smtphost": "mx.example",
    "smtpuseSSLOrTLS": "false",
    "smtpenableStartTLS": "false",
    "smtpuseAuth": "false",
    "imapuseSSLOrTLS": "false",
    "imapenableStartTLS": "true",
}


def view(result=RESULT, report=REPORT, kind=Kind.CREDENTIAL_TEST, **more):
    return JobView("job-1", kind, more.get("done", 0), more.get("total", 1), result, report)


def text(response):
    return response.body.decode()


def test_what_servers_and_requests_said_is_text_and_no_markup():
    page = text(Pages().job(view()))
    for markup in ("<script>alert", "<b>465", "<i>remark", "<img src=x>"):
        assert markup not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_failure_offers_the_settings_that_were_seen_to_work():
    page = text(Pages().job(view()))
    assert "mx.example port 465 with SSL/TLS" in page
    assert 'href="/?job=job-1&amp;item=1&amp;take=smtp"' in page


def test_accounts_of_one_address_are_told_apart():
    other = ITEM | {"smtpuserID": "jo & co"}
    result = {"emailCredentialsResponses": [ITEM, other]}
    page = text(Pages().job(view(result, {"items": [{"smtp": PROBE}] * 2})))
    assert "1. a@shop.example" in page
    assert "2. a@shop.example" in page
    assert page.count("mx.example:587 ·") == 1
    assert page.count("mx.example:587 as jo &amp; co ·") == 1
    assert "1. a@shop.example" not in text(Pages().job(view()))


def test_a_job_that_runs_shows_how_far_it_is():
    page = text(Pages().job(view(None, None, done=2, total=3)))
    assert "2 of 3" in page
    assert 'data-events="/jobs/job-1/events"' in page


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"emailCredentialsResponses": None},
        {"emailCredentialsResponses": [None, "x", {"errors": "y", "warnings": {}}]},
        {"emailCredentialsResponses": [{"errors": [None, {}], "serverLogs": 7}]},
    ],
)
@pytest.mark.parametrize("report", [None, {}, {"items": 7}, {"items": [{"smtp": []}]}])
def test_a_document_of_another_shape_is_no_error(result, report):
    assert Pages().job(view(result, report)).status_code == 200


@pytest.mark.parametrize("success", [True, False])
def test_an_integration_has_a_page_as_well(success):
    result = {
        "success": success,
        "message": "Said",
        "errors": [{"code": "X", "message": "Because."}],
    }
    page = text(Pages().job(view(result, REPORT, Kind.INTEGRATION_UPDATE)))
    assert ("Done" if success else "Not done") in page
    assert "Because." in page


@pytest.mark.parametrize(
    ("kind", "done", "not_done"),
    [
        (Kind.INTEGRATION_CREATE, "saved", "not saved"),
        (Kind.INTEGRATION_UPDATE, "saved", "not saved"),
        (Kind.INTEGRATION_DELETE, "deleted", "not deleted"),
        (Kind.INTEGRATION_TEST, "login works", "not proved"),
    ],
)
def test_of_an_integration_is_said_what_was_done_with_it(kind, done, not_done):
    for success, ending in ((True, done), (False, not_done)):
        page = text(Pages().job(view({"success": success}, None, kind)))
        assert f"</span> {ending}</span>" in page


def test_what_is_found_of_the_sender_has_its_field_and_reply_on_the_page():
    probe = PROBE | {"code": "SENDER_REJECTED", "field": "dealerEmail", "serverReply": "553 no"}
    item = ITEM | {"outcome": "SUCCESS", "errors": []}
    page = text(
        Pages().job(view({"emailCredentialsResponses": [item]}, {"items": [{"smtp": probe}]}))
    )
    assert "<code>dealerEmail</code>" in page
    assert "<q>553 no</q>" in page


def test_a_job_that_ended_by_a_fault_of_ours_does_not_say_that_nothing_was_tested():
    error = {"errorCode": "WORKER_FAILED", "errorDescription": "A fault; submit it again."}
    page = text(Pages().job(view({"emailCredentialsResponses": [], "errors": [error]}, None)))
    assert "<h1>No account has a result</h1>" in page
    assert "<code>WORKER_FAILED</code>" in page


def test_a_form_that_comes_back_holds_no_password():
    sent = {"password": "pw-1", "smtpPassword": "pw-2", "imapPassword": "pw-3", "batch": "pw-4"}
    page = text(Pages().form(ANYONE, {"smtpHost": "mx.example", **sent}, ["No."], 400))
    assert "mx.example" in page
    assert "pw-" not in page
    assert "paste it again" in page


@pytest.mark.parametrize("name", ["dealerEmail", "smtpUserID", "imapUserID", "smtpHost"])
@pytest.mark.parametrize("typed", ["{}", " {} ", "a@shop.example {}"])
def test_a_form_that_comes_back_masks_a_password_beside_or_as_a_user(name, typed):
    """A token is the user, too, at some providers. Left blank another user would be tested."""
    sent = {name: typed.replace("{}", "token-12"), "smtpPassword": "token-12"}
    page = text(Pages().form(ANYONE, sent, ["No."], 400))
    assert "token-12" not in page
    assert f'name="{name}" type="text" value="********"' in page


def test_a_form_that_comes_back_keeps_an_address_in_which_a_short_password_stands():
    sent = {"dealerEmail": "info@shop.example", "password": "info"}
    assert "info@shop.example" in text(Pages().form(ANYONE, sent, ["No."], 400))


def test_a_subscriber_of_one_dealer_need_not_type_it():
    page = text(Pages().form(Subscriber("s", "d", ("dealer-7",))))
    assert 'value="dealer-7"' in page


@pytest.mark.parametrize(
    ("dealers", "required"), [(None, False), (("dealer-7",), False), (("d-7", "d-8"), True)]
)
def test_a_subscriber_of_several_dealers_is_asked_for_one_before_the_passwords_are_sent(
    dealers, required
):
    """A form that comes back has lost them. A table may name its dealer itself."""
    page = text(Pages().form(Subscriber("s", "d", dealers)))
    field = page[page.index('id="dealerUUID"') :].partition(">")[0]
    assert ("required" in field) is required
    assert '<button type="submit" formnovalidate>Test these accounts</button>' in page


class TestTestingAgain:
    def test_takes_what_was_tested_but_no_password(self):
        assert values_of(RESULT, REPORT, 1) == {
            "dealerEmail": "a@shop.example",
            "smtpHost": "mx.example",
            "smtpPort": "587",
            "smtpUseAuth": "",
            "smtpSecurity": "starttls",
            "imapSecurity": "auto",
        }

    @pytest.mark.parametrize("protocol", ["smtp", "imap"])
    @pytest.mark.parametrize(("user", "shown"), [("a@shop.example", None), ("a.b", "a.b")])
    def test_leaves_a_user_blank_that_is_the_address(self, protocol, user, shown):
        """Or who mends the address would test the old user again, and see the new address fail."""
        item = UNTESTED | {"dealerEmail": "a@shop.example", f"{protocol}userID": user}
        values = values_of({"emailCredentialsResponses": [item]}, REPORT, 1)
        assert values.get(f"{protocol}UserID") == shown

    def test_shows_a_masked_user_so_that_no_other_is_tested_in_its_place(self):
        """It is the password again. Blank it would mean the address."""
        result = {"emailCredentialsResponses": [ITEM | {"smtpuserID": "********"}]}
        assert values_of(result, REPORT, 1)["smtpUserID"] == "********"

    @pytest.mark.parametrize("report", [None, {"items": [{"smtp": {"phases": []}, "imap": None}]}])
    def test_asks_for_encryption_and_a_login_where_nothing_was_tested(self, report):
        """A flag that was not given is "false" there: a forgotten password must not lower it."""
        values = values_of({"emailCredentialsResponses": [UNTESTED]}, report, 1)
        assert {name: values[name] for name in ("smtpSecurity", "imapSecurity", "smtpUseAuth")} == {
            "smtpSecurity": "auto",
            "imapSecurity": "starttls",
            "smtpUseAuth": "",
        }

    @pytest.mark.parametrize(
        ("implicit", "starttls", "word"),
        [
            ("true", "true", "implicit_tls"),
            ("true", "false", "implicit_tls"),
            ("false", "true", "starttls"),
            ("maybe", "true", "starttls"),
            ("maybe", "false", "auto"),
            (None, None, "auto"),
        ],
    )
    def test_names_the_encryption_that_the_flags_mean(self, implicit, starttls, word):
        flags = {"smtpuseSSLOrTLS": implicit, "smtpenableStartTLS": starttls}
        values = values_of({"emailCredentialsResponses": [UNTESTED | flags]}, REPORT, 1)
        assert values["smtpSecurity"] == word

    def test_keeps_clear_text_and_no_login_where_that_was_tested(self):
        values = values_of({"emailCredentialsResponses": [UNTESTED]}, REPORT, 1)
        assert (values["smtpSecurity"], values["smtpUseAuth"]) == ("cleartext", "false")

    @pytest.mark.parametrize(
        ("code", "security", "login"),
        [("CLEARTEXT_LOGIN", "cleartext", ""), ("AUTH_SKIPPED", "auto", "false")],
    )
    def test_keeps_what_a_warning_says_was_asked_for(self, code, security, login):
        """Such as where a login that was refused before was not sent again."""
        item = UNTESTED | {"imapenableStartTLS": "false", "warnings": [{"warningCode": code}]}
        values = values_of({"emailCredentialsResponses": [item]}, None, 1)
        assert (values["smtpSecurity"], values["smtpUseAuth"]) == (security, login)
        assert values["imapSecurity"] == "auto"

    @pytest.mark.parametrize("given", ["oauth2", " OAuth2 ", "OAUTH2"])
    def test_knows_a_token_from_a_password_however_it_was_spelled(self, given):
        item = UNTESTED | {"credentialsType": given}
        values = values_of({"emailCredentialsResponses": [item]}, REPORT, 1)
        page = text(Pages().form(ANYONE, values))
        assert '<option value="OAUTH2" selected>' in page

    def test_takes_the_suggested_settings_over(self):
        values = values_of(RESULT, REPORT, 1, "smtp")
        taken = [values[f"smtp{name}"] for name in ("Host", "Port", "Security")]
        assert taken == ["mx.example", "465", "implicit_tls"]

    def test_keeps_what_was_tested_where_nothing_is_suggested(self):
        assert values_of(RESULT, REPORT, 1, "imap") == values_of(RESULT, REPORT, 1)

    @pytest.mark.parametrize("number", [0, 2, -1])
    def test_knows_no_account_of_another_number(self, number):
        assert values_of(RESULT, REPORT, number) == {}


async def test_what_takes_long_is_done_one_after_the_other():
    """However many ask, threads are left for reading records."""
    running, most = 0, 0

    def work(number):
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.001)
        running -= 1
        return number

    pages = Pages()
    done = await asyncio.gather(*(pages.beside_the_loop(work, number) for number in range(20)))
    assert (done, most) == ([*range(20)], 1)
