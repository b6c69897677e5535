"""Everything that can fail, as processes of its own: Redis, workers, mail servers.

A test takes a `World`, submits jobs, breaks something, and asks what became of them.
"""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from producer.client import Client, credential_test, integration
from producer.contract.names import Kind
from producer.records.brands import add_brand
from producer.records.catalogue import import_catalogue
from producer.records.integrations import import_integrations
from producer.records.store import StoreKeys
from producer.sealing.at_rest import PasswordVault
from producer.sealing.requests import write_store_key
from tests.support.integration_world import BODY, BRAND, GMAIL
from tests.support.mail_farm import MailFarm, mail_farm
from tests.support.metrics_page import MetricsPage
from tests.support.queueing import (
    CLEAN,
    NS,
    finished,
    residue,
    result,
    wait_for,
    wait_for_results,
)
from tests.support.redis_process import RedisProcess, redis_process
from tests.support.redis_server import data_folder
from tests.support.worker_process import START_SECONDS, worker_environment

EXIT_SECONDS = 60
STORE = StoreKeys(NS)
COMMANDS = {
    "ours": [sys.executable, "-m", "worker.cli", "run"],
    "dramatiq": [sys.executable, "-m", "dramatiq", "worker.app"],
}


class Workers:
    """One command and its children, a process group of their own."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    @property
    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    @property
    def _page(self) -> str:
        (url,) = re.findall(r'"metrics": ?"([^"]+)"', self.log)
        return str(url)

    def is_ready(self) -> bool:
        """What /readyz says."""
        try:
            with urllib.request.urlopen(f"{self._page}/readyz", timeout=10):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return False

    def in_flight(self) -> float:
        """What the metrics page says."""
        with urllib.request.urlopen(f"{self._page}/metrics", timeout=10) as reply:
            page = MetricsPage(reply.read().decode())
        return page.total("mailvouch_jobs_in_flight")

    def kill(self) -> None:
        """The whole tree at once, as a machine that loses power."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def terminate(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)

    def exit_status(self) -> int:
        return self.process.wait(EXIT_SECONDS)


class World:
    """What a scenario works with. The name of a job is also that of the user whom it tests."""

    def __init__(self, folder: Path, server: RedisProcess, farm: MailFarm) -> None:
        self.folder = folder
        self.server = server
        self.farm = farm
        self.redis = server.client()
        self.client = Client(server.url)
        self.prepare(folder)

    def prepare(self, folder: Path) -> None:
        """Make what every kind of world has: with one Redis or a cluster."""
        self.by_way_of = ""  # what workers are told in place of the server's own URL
        self.auth_key = ""
        self._store_key = write_store_key(folder)
        self._started = 0

    @property
    def records(self) -> StoreKeys:
        """Where brands and integrations are."""
        return STORE

    @property
    def url(self) -> str:
        return self.by_way_of or self.server.url

    @contextmanager
    def workers(self, command: str = "ours", *flags: str, **settings: str) -> Iterator[Workers]:
        """Return once every process beats; kill what is left in the end."""
        self._started += 1
        log = self.folder / f"worker-{self._started}.log"
        environment = worker_environment(
            self.folder,
            REDIS_URL=self.url,
            STORE_KEYS=str(self._store_key),
            LOG_FORMAT="json",
            **{"HOST_CONCURRENCY": "0", **settings},
        )
        before = self.beating()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*COMMANDS[command], *flags],
                env=environment,
                cwd=Path(__file__).parents[2] if command == "dramatiq" else self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        workers = Workers(process, log)
        expected = int(settings.get("PROCESSES", "1"))
        try:
            wait_for(lambda: len(self.beating() - before) >= expected, START_SECONDS)
            yield workers
        except AssertionError as error:
            raise AssertionError(f"{error}\n{workers.log[-4000:]}") from error
        finally:
            try:
                workers.kill()
            except ProcessLookupError:
                process.wait()

    def beating(self) -> set[bytes]:
        """The worker processes that have beaten."""
        return set(self.redis.zrange(f"{NS}:__heartbeats__", 0, -1))

    def account(self, user: str, host: str = "127.0.0.1", **changes: Any) -> dict[str, Any]:
        """One login over SMTP and one over IMAP."""
        clear = "false"
        return {
            "smtpUserID": user,
            "imapUserID": user,
            "password": "secret",
            "smtpHost": host,
            "smtpPort": self.farm.smtp,
            "smtpUseSSLOrTLS": clear,
            "smtpEnableStartTLS": clear,
            "imapHost": host,
            "imapPort": self.farm.imap,
            "imapUseSSLOrTLS": clear,
            "imapEnableStartTLS": clear,
            **changes,
        }

    def submit(self, job: str, *items: dict[str, Any]) -> str:
        """Without items: one account of the job's own name."""
        body = {"emailCredentialsRequests": list(items) or [self.account(job)]}
        return self.client.submit(credential_test(body, "dealer"), job_id=job)

    def submit_all(self, jobs: Iterable[str]) -> None:
        for job in jobs:
            self.submit(job)

    def integration(self) -> str:
        """Store one integration of a brand; return its id."""
        self.auth_key = add_brand(self.redis, self.records, BRAND).auth_key
        import_catalogue(self.redis, self.records, [GMAIL.model_dump(mode="json", by_alias=True)])
        vault = PasswordVault.load([self._store_key])
        (record_id,) = import_integrations(
            self.redis, self.records, vault, BRAND, [{**BODY, "id": "one"}]
        )
        return record_id

    def submit_update(
        self, job: str, record_id: str, *, auth_key: str | None = None, **changes: Any
    ) -> str:
        """Submit an update whose login the worker tries at the farm before it saves."""
        there = {"host": "127.0.0.1", "port": self.farm.smtp, "useTls": False}
        envelope = integration(
            Kind.INTEGRATION_UPDATE,
            brand_url=BRAND,
            auth_key=auth_key or self.auth_key,
            integration_id=record_id,
            body={**BODY, **there, **changes},
        )
        return self.client.submit(envelope, job_id=job)

    def await_logins(self, accounts: int) -> None:
        """Wait until so many have come to log in, over both protocols."""
        wait_for(lambda: len(self.farm.logins()) >= 2 * accounts, 60)

    def await_results(self, jobs: Iterable[str], seconds: float = 120) -> float:
        return wait_for_results(self.redis, jobs, seconds)

    def await_order(self) -> None:
        """Wait until nothing is left behind of any job."""
        wait_for(lambda: residue(self.redis) == CLEAN)

    def finished(self, jobs: list[str]) -> int:
        return finished(self.redis, jobs)

    def outcomes(self, jobs: Iterable[str]) -> Counter[str]:
        """How many jobs ended how: SUCCESS, FAILURE, or the request's error."""
        return Counter(_outcome(result(self.redis, job)) for job in jobs)

    def milliseconds(self, job: str) -> int:
        """How long it took from submission to result, by its own report."""
        report = self.client.report(job)
        assert report is not None
        return int(report["queueWaitMs"] + report["durationMs"])

    def times_logged_in(self) -> Counter[int]:
        """How many logins (an account over a protocol) came once, twice, ..."""
        return Counter(self.farm.logins().values())


def _outcome(document: dict[str, Any]) -> str:
    if document["errors"]:
        return str(document["errors"][0]["errorCode"])
    return str(document["emailCredentialsResponses"][0]["outcome"])


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


@contextmanager
def fault_world() -> Iterator[World]:
    with (
        data_folder() as folder,
        redis_process(folder / "redis") as server,
        mail_farm(folder) as farm,
    ):
        world = World(folder, server, farm)
        try:
            yield world
        finally:
            world.client.close()
            world.redis.close()
