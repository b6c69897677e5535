"""The page as people use it: Debian's Chromium, a gateway, a worker, mail servers. With and without
scripts. `MAILVOUCH_PICTURES=docs` writes the README's pictures from the same run.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from producer.records.subscribers import add_subscriber
from tests.support.mail_servers import HOST, PASSWORD, USER, mail_servers
from tests.support.redis_server import data_folder
from tests.support.worker_process import running_worker, worker_environment

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed: make check installs it"
)
axe = pytest.importorskip("axe_playwright_python.sync_playwright")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.redis_server,
    pytest.mark.timeout(300),
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: .ci/install-browser installs it"),
]
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SECRET = "Tr0mbone&<quartz> 97"


@contextmanager
def gateway_process(environment):
    """A gateway on a free port, with an operator; yields its address."""
    environment = environment | {"MAILVOUCH_GATEWAY_OPERATORS": "support"}
    process = subprocess.Popen(
        [sys.executable, "-m", "producer.cli", "gateway", "--port", "0"],
        env=environment,
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        found = (re.search(r"http://127\.0\.0\.1:[1-9][0-9]*", line) for line in process.stdout)
        yield next(match.group() for match in found if match)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def world():
    with data_folder() as folder, mail_servers(folder) as servers:
        environment = worker_environment(folder, CA_FILE=servers.ca_file, LOGIN_FAILURE_LIMIT="99")
        with running_worker(folder, environment) as worker:
            with redis.Redis(unix_socket_path=str(worker.socket)) as client:
                password = add_subscriber(client, "mailvouch", "support", []).password
            with gateway_process(environment) as address:
                yield address, {"username": "support", "password": password}, servers


@pytest.fixture(scope="module")
def driver():
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def chromium(driver):
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    yield browser
    browser.close()


@pytest.fixture(params=["scripts", "no scripts"])
def scripts(request):
    return request.param == "scripts"


@pytest.fixture
def open_page(chromium, world):
    """Opens the form; `page.mistakes` collects what the browser complains of."""
    address, credential, _ = world
    contexts = []

    def open_page(path="/", **options):
        context = chromium.new_context(http_credentials=credential, **options)
        contexts.append(context)
        page = context.new_page()
        page.mistakes = []
        page.on("pageerror", lambda error: page.mistakes.append(str(error)))
        page.on(
            "console",
            lambda message: page.mistakes.append(message.text) if message.type == "error" else None,
        )
        page.goto(address + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


def fill_in(page, servers, *, imap_security="starttls", password=PASSWORD):
    page.fill("[name=dealerEmail]", USER)
    page.fill("[name=password]", password)
    page.fill("[name=smtpHost]", HOST)
    page.fill("[name=smtpPort]", str(servers.smtp_tls))
    page.select_option("[name=smtpSecurity]", "implicit_tls")
    page.fill("[name=imapHost]", HOST)
    page.fill("[name=imapPort]", str(servers.imap_starttls))
    page.select_option("[name=imapSecurity]", imap_security)


def submit(page):
    page.locator("button[type=submit]").first.click()
    page.wait_for_selector("article", timeout=30_000)


def picture(page, name):
    folder = os.environ.get("MAILVOUCH_PICTURES")
    if folder:
        page.screenshot(path=Path(__file__).parents[3] / folder / name, full_page=True)


def violations(page):
    found = axe.Axe().run(page).response["violations"]
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


def test_an_account_is_tested_and_its_verdict_shown(open_page, world, scripts):
    page = open_page(java_script_enabled=scripts)
    fill_in(page, world[2])
    submit(page)
    assert page.locator("h1").inner_text() == "1 of 1 account works"
    assert page.locator("article .timeline").count() == 2
    assert page.mistakes == []


def test_a_failure_names_cause_remedy_and_what_to_change(open_page, world):
    page = open_page()
    fill_in(page, world[2], imap_security="implicit_tls")
    submit(page)
    text = page.locator("article").inner_text()
    assert "TLS_MODE_MISMATCH" in text
    assert "What to do:" in text
    assert "IMAP encryption" in text
    picture(page, "page-result.png")


def test_the_account_can_be_tested_again_without_typing_it_all(open_page, world):
    page = open_page()
    fill_in(page, world[2], imap_security="implicit_tls")
    submit(page)
    page.click("text=Test this account again")
    assert page.input_value("[name=dealerEmail]") == USER
    assert page.input_value("[name=imapPort]") == str(world[2].imap_starttls)
    assert page.input_value("[name=imapSecurity]") == "implicit_tls"
    assert page.input_value("[name=password]") == ""
    assert USER not in page.url


def test_going_back_finds_no_password(open_page, world):
    page = open_page()
    fill_in(page, world[2], password=SECRET)
    page.fill("[name=smtpPassword]", SECRET)
    submit(page)
    page.go_back()
    assert page.input_value("[name=password]") == ""
    assert page.input_value("[name=smtpPassword]") == ""


def test_what_is_typed_before_the_page_has_loaded_stays(open_page):
    page = open_page("/docs")
    held = []

    def hold(route):
        held.append(route)

    page.route("**/static/form.js", hold)
    page.goto(page.url.removesuffix("docs"), wait_until="commit")
    page.fill("[name=password]", SECRET)
    page.fill("[name=batch]", SECRET)
    held.pop().continue_()
    page.wait_for_load_state("load")
    page.evaluate("new Promise(requestAnimationFrame)")  # pageshow comes right after load
    assert page.input_value("[name=password]") == SECRET
    assert page.input_value("[name=batch]") == SECRET


def test_a_form_that_is_sent_twice_in_a_hurry_is_one_test(open_page):
    """A second click would be a second login. Who comes back to the page can send it again."""
    page = open_page()
    sent = page.evaluate(
        """() => {
            const sent = [];
            addEventListener("submit", (event) => {
                sent.push(!event.defaultPrevented);
                event.preventDefault();
            });
            const form = document.querySelector("form");
            form.requestSubmit();
            form.requestSubmit();
            dispatchEvent(new Event("pageshow"));
            form.requestSubmit();
            return sent;
        }"""
    )
    assert sent == [True, False, True]


def test_no_password_stays_in_page_address_or_storage(open_page, world, scripts):
    page = open_page(java_script_enabled=scripts)
    fill_in(page, world[2], password=SECRET)
    submit(page)
    kept = [page.content(), page.url, json.dumps(page.context.storage_state())]
    assert not any(SECRET in text or "Tr0mbone" in text for text in kept)


def test_a_batch_that_cannot_be_read_leaves_no_password_on_the_browsers_disk(
    driver, world, scripts, tmp_path
):
    address, credential, _ = world
    with driver.chromium.launch_persistent_context(
        tmp_path,
        executable_path=CHROMIUM,
        args=QUIET,
        java_script_enabled=scripts,
        http_credentials=credential,
    ) as context:
        page = context.new_page()
        page.goto(address)
        page.fill("[name=batch]", f'{{"password": "{SECRET}"')
        page.locator("button[type=submit]").last.click()
        page.wait_for_selector("[role=alert]")
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    sessions = [file.read_bytes() for file in files if file.parent.name == "Sessions"]
    assert any(b"Test mail accounts" in kept.replace(b"\0", b"") for kept in sessions)
    assert [file for file in files if b"Tr0mbone" in file.read_bytes()] == []


def test_a_form_that_cannot_be_read_comes_back_with_a_reason(open_page, scripts):
    page = open_page(java_script_enabled=scripts)
    page.fill("[name=dealerEmail]", "jo@dealer.example")
    page.fill("[name=password]", SECRET)
    page.fill("[name=smtpHost]", HOST)
    page.fill("[name=smtpPort]", "99999")
    page.locator("button[type=submit]").first.click()
    page.wait_for_selector("[role=alert]")
    assert "smtpPort must be a number from 1 to 65535." in page.locator("[role=alert]").inner_text()
    assert page.input_value("[name=dealerEmail]") == "jo@dealer.example"
    assert page.input_value("[name=password]") == ""
    assert "Tr0mbone" not in page.content()


def test_a_batch_shows_progress_and_a_verdict_for_each(open_page, world, scripts):
    page = open_page(java_script_enabled=scripts)
    servers = world[2]
    rows = [
        "dealerEmail;password;smtpHost;smtpPort;smtpSecurity",
        f"{USER};{PASSWORD};{HOST};{servers.smtp_tls};implicit_tls",
        f"{USER};{PASSWORD};{HOST};{servers.smtp_tls};starttls",
    ]
    page.fill("[name=batch]", "\n".join(rows))
    submit(page)
    assert page.locator("h1").inner_text() == "1 of 2 accounts work"
    assert page.locator("article").count() == 2


def test_the_button_of_one_account_tests_no_batch_in_its_place(open_page, world, scripts):
    page = open_page(java_script_enabled=scripts)
    fill_in(page, world[2])
    page.fill("[name=batch]", f"dealerEmail,password,smtpHost\nother@x.example,{SECRET},{HOST}")
    page.focus("[name=dealerEmail]")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert "Both an account and a batch" in page.locator("[role=alert]").inner_text()
    page.fill("[name=password]", PASSWORD)
    submit(page)
    assert USER in page.locator("article h2").inner_text()


@contextmanager
def lasting_test(page):
    """A page that waits for the result of a server that says nothing."""
    with socket.create_server((HOST, 0)) as silent:
        page.fill("[name=dealerEmail]", USER)
        page.fill("[name=smtpHost]", HOST)
        page.fill("[name=smtpPort]", str(silent.getsockname()[1]))
        page.select_option("[name=smtpUseAuth]", "false")
        page.locator("button[type=submit]").first.click()
        page.wait_for_selector("#progress")
        yield


def test_a_page_that_nobody_sees_listens_to_nothing(open_page):
    """A browser has six connections for all tabs of a gateway: a seventh would not load."""
    page = open_page()
    page.route("**/events", lambda _route: None)  # never answered
    with lasting_test(page):
        listens_while = """(visibility) => {
            const hidden = visibility === "hidden";
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
            return events.readyState !== EventSource.CLOSED;
        }"""
        assert not page.evaluate(listens_while, "hidden")
        assert page.evaluate(listens_while, "visible")


@pytest.mark.parametrize("outage", ["no network", "no Redis"])
def test_an_outage_leaves_a_page_that_waits_and_the_result_is_shown_after_it(open_page, outage):
    page = open_page()

    def refuse(route):
        if route.request.method != "HEAD":
            route.continue_()
        elif outage == "no network":
            route.abort()
        else:
            route.fulfill(status=503)

    page.route("**/events", lambda route: route.fulfill(status=503))
    page.route("**/jobs/*", refuse)
    with lasting_test(page):
        with page.expect_request(lambda request: request.method == "HEAD"):
            pass
        assert page.locator("#progress").count() == 1
        page.unroute_all()
    page.wait_for_selector("article", timeout=30_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_accessible(open_page, world, scheme):
    page = open_page(color_scheme=scheme)
    assert violations(page) == []
    picture(page, f"page-form-{scheme}.png")
    fill_in(page, world[2], imap_security="implicit_tls")
    submit(page)
    for folded in page.locator("details").all():
        folded.evaluate("element => element.open = true")
    assert violations(page) == []


def test_the_page_of_a_batch_is_accessible(open_page, world):
    page = open_page()
    ports = (world[2].smtp_tls, world[2].imap_tls)
    row = f"{USER},wrong,{HOST},{HOST},{ports[0]},{ports[1]},implicit_tls,implicit_tls"
    heading = "dealerEmail,password,smtpHost,imapHost,smtpPort,imapPort,smtpSecurity,imapSecurity"
    page.fill("[name=batch]", f"{heading}\n{row}\n{row}")
    submit(page)
    for folded in page.locator("details").all():
        folded.evaluate("element => element.open = true")
    assert violations(page) == []


def test_every_field_has_a_label_and_every_page_one_heading(open_page):
    page = open_page()
    fields = page.locator("input, select, textarea").all()
    assert len(fields) > 15
    for field in fields:
        assert field.evaluate("element => element.labels.length") == 1
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    assert page.locator("html").get_attribute("lang") == "en"


def test_password_fields_ask_not_to_be_kept(open_page):
    page = open_page()
    for field in page.locator("input[type=password], textarea").all():
        assert field.get_attribute("autocomplete") == "off"


def test_the_pages_fit_320_pixels(open_page, world):
    page = open_page(viewport={"width": 320, "height": 640})
    overflow = "document.documentElement.scrollWidth - window.innerWidth"
    assert page.evaluate(overflow) <= 0
    fill_in(page, world[2], imap_security="implicit_tls")
    submit(page)
    assert page.evaluate(overflow) <= 0


def test_the_form_is_filled_and_sent_with_the_keyboard_alone(open_page, world):
    page = open_page()
    servers = world[2]
    page.focus("[name=dealerEmail]")
    page.keyboard.type(USER)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.focus("[name=smtpHost]")
    page.keyboard.type(HOST)
    page.keyboard.press("Tab")
    page.keyboard.type(str(servers.smtp_tls))
    page.keyboard.press("Tab")
    page.keyboard.type("SSL")
    page.keyboard.press("Enter")
    if "/jobs/" not in page.url:
        page.focus("[name=smtpPort]")
        page.keyboard.press("Enter")
    page.wait_for_selector("article", timeout=30_000)
    assert page.locator("h1").inner_text() == "1 of 1 account works"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_operators_see_queues_workers_and_failures(open_page, world, scheme):
    page = open_page(color_scheme=scheme)
    fill_in(page, world[2], imap_security="implicit_tls")
    submit(page)
    page.goto(world[0] + "/operations")
    assert page.locator("h1").inner_text() == "Operations"
    text = page.locator("main").inner_text()
    for words in ("credential-tests", "lives", "IMAP_TLS_MODE_MISMATCH", "None."):
        assert words in text
    assert PASSWORD not in page.content()
    assert violations(page) == []
    assert page.mistakes == []
    picture(page, f"page-operations-{scheme}.png")


def test_the_operators_page_fits_320_pixels_without_scripts(open_page):
    page = open_page("/operations", viewport={"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    page = open_page("/operations", java_script_enabled=False)
    assert page.locator("table").count() >= 2


def test_a_wrong_address_is_told_on_a_page(open_page, world):
    page = open_page()
    assert page.goto(world[0] + "/nothing").status == 404
    assert page.locator("h1").inner_text() == "There is nothing here"
    assert violations(page) == []
    assert page.goto(world[0] + "/jobs/none").status == 404
    assert page.locator("h1").inner_text() == "No such job"
    page.click("text=Test a mail account")
    assert page.locator("h1").inner_text() == "Test mail accounts"
