"""A gateway, a worker and Redis as processes of their own; the vendors' examples sent by curl."""

import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import trustme

from producer.sealing.requests import write_request_keys
from tests.support.certificates import ca_file
from tests.support.gateway import TEST_PATH
from tests.support.redis_process import redis_process
from tests.support.redis_users import make_users
from tests.support.worker_process import running_worker, worker_environment

pytestmark = [pytest.mark.redis_server]

FIELDS = (
    *("imapUserID", "imapHost", "imapPort", "smtpUserID", "smtpPassword", "smtpHost", "smtpPort"),
    *("smtpEnableStartTLS", "smtpUseAuth", "imapUseSSLOrTLS", "imapEnableStartTLS"),
    *("smtpUseSSLOrTLS", "dealerEmail", "accountType", "password", "orgName", "credentialsType"),
    "imapPassword",
)
TEST_EXAMPLE = {"emailCredentialsRequests": [dict.fromkeys(FIELDS, "string")]}
"""The request of the vendor's page, to the letter."""

FAMILY = "/api/v1/app-integrations/smtp"
UPDATE_EXAMPLE = json.loads(
    (Path(__file__).parents[2] / "golden" / "integration_update_request.json").read_text()
)


class Installation:
    """Runs the commands with one environment."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = environment

    def run(self, *words, **more):
        ended = subprocess.run(
            [sys.executable, "-m", "producer.cli", *words],
            cwd=self.folder,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout) if ended.stdout.startswith(("{", "[")) else ended.stdout

    @contextmanager
    def gateway(self, **more):
        log = self.folder / "gateway.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "producer.cli", "gateway"],
                cwd=self.folder,
                env={**self.environment, **more},
                stderr=output,
            )
        try:
            yield process, self._address(process, log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(100) == 0, log.read_text()

    def _address(self, process, log):
        while '"gateway_started"' not in log.read_text():
            assert process.poll() is None, log.read_text()
        return re.search(r"https?://[^\s\"]+", log.read_text())[0]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A worker, and the commands as an operator; each with a Redis user that may do no more."""
    folder = tmp_path_factory.mktemp("whole")
    words = {user: f"word-of-{user}" for user in ("worker", "gateway", "operator")}
    with redis_process(folder / "redis") as server:
        with server.client() as client:
            for line in make_users.users({user: f">{word}" for user, word in words.items()}):
                if line.split()[1] in words:
                    client.execute_command("ACL", "SETUSER", *line.split()[1:])
        urls = {
            user: f"redis://{user}:{word}@127.0.0.1:{server.port}/0" for user, word in words.items()
        }
        common = {
            "CA_FILE": str(ca_file(folder)),
            "LOG_FORMAT": "json",
            "PROBE_DEADLINE_SECONDS": "3",
            "GATEWAY_PORT": "0",
        }
        worker = worker_environment(folder, REDIS_URL=urls["worker"], **common)
        operator = worker_environment(folder, REDIS_URL=urls["operator"], **common)
        with running_worker(folder, worker):
            yield Installation(folder, operator), {"MAILVOUCH_REDIS_URL": urls["gateway"]}


class Site(NamedTuple):
    """A gateway's client, a subscriber's password and a brand's headers."""

    client: httpx.Client
    password: str
    brand: dict[str, str]


@pytest.fixture(scope="module")
def site(installed):
    commands, as_gateway = installed
    password = commands.run("subscribers", "add", "crm", "--json")["password"]
    brand = commands.run("brands", "add", "https://shop.example", "--json")
    catalogue = [{"type": "SMTP", "name": "Mail", "id": "text"}]
    (commands.folder / "catalogue.json").write_text(json.dumps(catalogue))
    commands.run("catalogue", "import", "catalogue.json")
    headers = {"Brand-URL": brand["brandUrl"], "Auth-Key": brand["authKey"]}
    with (
        commands.gateway(**as_gateway) as (_, address),
        httpx.Client(base_url=address, timeout=30, auth=("crm", password)) as client,
    ):
        await_worker(client)
        yield Site(client, password, headers)


def await_worker(client):
    deadline = time.monotonic() + 30
    while client.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline, client.get("/readyz").text
        time.sleep(0.05)


def curl(*words):
    program = shutil.which("curl")
    if program is None:
        pytest.skip("curl is missing")
    command = [program, "-sS", "-L", "-w", "\n%{http_code}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def account(port):
    return {
        "dealerEmail": "a@shop.example",
        "password": "x",
        "smtpHost": "127.0.0.1",
        "smtpPort": str(port),
    }


def test_the_vendors_credential_test_example_by_curl(site):
    status, document = curl(
        *("-X", "POST", f"{site.client.base_url}/communications/dealers/42/email-credentials/test"),
        *("-u", f"crm:{site.password}"),
        *("-H", "Content-Type: application/json", "-H", "Accept: application/json"),
        *("--data-raw", json.dumps(TEST_EXAMPLE)),
    )
    assert status == 200
    (item,) = document["emailCredentialsResponses"]
    assert len(item) == 23
    assert (item["outcome"], item["password"]) == ("FAILURE", "********")
    assert (document["errors"], document["warnings"]) == ([], [])


def test_the_vendors_update_example_by_curl(site):
    created = site.client.post(FAMILY, json=UPDATE_EXAMPLE, headers=site.brand)
    assert (created.status_code, created.json()["success"]) == (201, True), created.text
    status, document = curl(
        *("-X", "PUT", f"{site.client.base_url}{created.headers['location']}"),
        *("-H", f"Brand-URL: {site.brand['Brand-URL']}"),
        *("-H", f"Auth-Key: {site.brand['Auth-Key']}"),
        *("-H", "Content-Type: application/json", "-H", "Accept: */*"),
        *("--data-raw", json.dumps(UPDATE_EXAMPLE)),
    )
    assert (status, document["statusCode"], document["success"]) == (200, 200, True)
    assert document["message"] == "The request was successful."
    assert document["data"]["password"] == "********"
    assert document["data"]["status"] == "Inactive"
    assert document["errors"] == []


def test_an_integration_from_its_making_to_its_end(site):
    client, brand = site.client, site.brand
    body = {**UPDATE_EXAMPLE, "name": "A life", "password": "secret word"}
    where = client.post(FAMILY, json=body, headers=brand).headers["location"]
    shown = client.get(where, headers=brand).json()["data"]
    assert (shown["name"], shown["password"]) == ("A life", "********")
    assert shown in client.get(FAMILY, headers=brand).json()["data"]

    active = {**body, "host": "127.0.0.1", "status": "Active"}
    refused = client.put(where, json=active, headers=brand)
    assert refused.status_code == 400
    assert [one["code"] for one in refused.json()["errors"]] == ["SMTP_CONNECTION_REFUSED"]

    tried = client.post(f"{FAMILY}/test", json=active, headers=brand)
    assert tried.status_code == 400
    assert [one["code"] for one in tried.json()["errors"]] == ["SMTP_CONNECTION_REFUSED"]

    deleted = client.delete(where, headers=brand)
    assert (deleted.status_code, deleted.json()["data"]) == (200, True)
    assert client.get(where, headers=brand).status_code == 404
    assert client.delete(where, headers=brand).status_code == 404


def test_a_batch_reports_its_progress_and_its_end(site):
    items = [account(port) for port in (1, 2, 3)]
    where = site.client.post(
        TEST_PATH,
        json={"emailCredentialsRequests": items},
        headers={"Prefer": "respond-async"},
    ).headers["location"]
    events = site.client.get(f"{where}/events").text
    assert events.startswith("event: progress\ndata: {")
    assert events.rstrip().endswith(f'data: {{"id": "{where.rpartition("/")[2]}"}}')
    assert '"done": 3, "total": 3' in events
    report = site.client.get(f"{where}/report").json()
    assert [item["smtp"]["code"] for item in report["items"]] == ["CONNECTION_REFUSED"] * 3


@pytest.mark.slow
def test_a_gateway_that_is_killed_in_the_middle_loses_nothing(installed, site):
    """The same key gets the first result, from the gateway that came after."""
    commands, as_gateway = installed
    body = {"emailCredentialsRequests": [account(1)]}
    key = {"Idempotency-Key": "survivor"}
    with commands.gateway(**as_gateway) as (process, address):
        asked = {"json": body, "auth": ("crm", site.password)}
        httpx.post(f"{address}{TEST_PATH}", headers=key | {"Prefer": "respond-async"}, **asked)
        process.kill()
        process.wait()
    with commands.gateway(**as_gateway) as (_, address):
        answers = [httpx.post(f"{address}{TEST_PATH}", headers=key, **asked) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert answers[0].headers["content-location"] == "/jobs/survivor"


def test_revoking_a_subscriber_holds_at_once_for_a_running_gateway(installed, site):
    commands, _ = installed
    password = commands.run("subscribers", "add", "gone", "--json")["password"]
    assert site.client.get("/", auth=("gone", password)).status_code == 200
    commands.run("subscribers", "revoke", "gone")
    assert site.client.get("/", auth=("gone", password)).status_code == 401


def test_over_its_own_tls_it_is_strict_and_speaks_1_2_and_newer(installed, site):
    commands, as_gateway = installed
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    files = {name: commands.folder / f"gateway.{name}" for name in ("pem", "key")}
    certificate.cert_chain_pems[0].write_to_path(files["pem"])
    certificate.private_key_pem.write_to_path(files["key"])
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    chosen = {
        "MAILVOUCH_GATEWAY_TLS_CERT": str(files["pem"]),
        "MAILVOUCH_GATEWAY_TLS_KEY": str(files["key"]),
    }
    with commands.gateway(**as_gateway, **chosen) as (_, address):
        assert address.startswith("https://")
        answer = httpx.get(f"{address}/healthz", verify=trusting)
        assert "strict-transport-security" in answer.headers
        context = ssl.create_default_context()
        authority.configure_trust(context)
        assert ssl.TLSVersion.TLSv1_2 <= tls_version(address, context)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(old)
        old.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            old.maximum_version = ssl.TLSVersion.TLSv1_1
            old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            tls_version(address, old)


def tls_version(address, context):
    url = httpx.URL(address)
    with (
        socket.create_connection((url.host, url.port)) as plain,
        context.wrap_socket(plain, server_hostname=url.host) as secured,
    ):
        return ssl.TLSVersion[secured.version().replace(".", "_")]


@pytest.mark.slow
def test_with_a_public_key_no_request_in_redis_can_be_read(installed, site, tmp_path):
    commands, _ = installed
    _, public = write_request_keys(tmp_path)
    sealing = {"MAILVOUCH_PUBLIC_KEY": str(public), "MAILVOUCH_NAMESPACE": "sealed"}
    with redis_process(tmp_path / "redis") as server:
        sealing["MAILVOUCH_REDIS_URL"] = server.url
        password = commands.run("subscribers", "add", "crm", "--json", **sealing)["password"]
        with commands.gateway(**sealing) as (_, address):
            canary = "Zq7-canary-p4ss"
            answer = httpx.post(
                f"{address}{TEST_PATH}",
                json={"emailCredentialsRequests": [{"password": canary}]},
                auth=("crm", password),
                headers={"Prefer": "respond-async", "Idempotency-Key": "k"},
            )
        assert answer.status_code == 202
        with server.client() as client:
            assert client.get("sealed:request:k").startswith(b"eyJ")
            assert all(canary.encode() not in client.dump(name) for name in client.scan_iter())
