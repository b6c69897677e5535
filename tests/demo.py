"""`make demo`: everything at once, on this machine only, from nothing to nothing.

An embedded Redis and a worker, mail servers written by others (aiosmtpd, pymap) with certificates
of a throw-away authority, a batch with typical mistakes, integrations, a clean end. What is shown
is checked: the exit code is 0 only if every expectation held.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import redis
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from producer.commands.render import credential_result, integration_result
from tests.support.mail_servers import HOST, PASSWORD, USER, MailServers, mail_servers
from tests.support.ports import free_port
from tests.support.worker_process import START_SECONDS, running_worker, worker_environment

COMMAND_SECONDS = 150
BRAND = "https://dealer.example"
CATALOGUE = [
    {"type": "SMTP", "name": "Own mail server", "status": "Active", "id": "own-server"},
    {"type": "PaymentGateway", "name": "Payments", "status": "Active", "id": "payments"},
]


class Stage:
    """Prints, and remembers which expectation failed."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self.failures: list[str] = []

    def chapter(self, title: str) -> None:
        self.console.print()
        self.console.print(Rule(title, align="left"))

    def say(self, text: str) -> None:
        self.console.print(Text(text))

    def command(self, words: Sequence[str]) -> None:
        self.console.print(Text("$ mailvouch " + " ".join(words), style="bold cyan"))

    def expect(self, what: str, *, held: bool) -> None:
        if not held:
            self.failures.append(what)
            self.console.print(Text(f"EXPECTATION FAILED: {what}", style="bold red"))


class Commands:
    """Runs the `mailvouch` command as a user would, and returns what it printed."""

    def __init__(self, stage: Stage, folder: Path, environment: Mapping[str, str]) -> None:
        self._stage = stage
        self.folder = folder
        self._environment = environment

    def file(self, name: str, document: Any) -> str:
        (self.folder / name).write_text(json.dumps(document))
        return name

    def run(
        self, *words: str, exit_code: int = 0, secret: str | None = None, quiet: bool = False
    ) -> Any:
        """Expect `exit_code`; return the document printed, or the text."""
        if not quiet:
            self._stage.command(words)
        environment = {**self._environment, **({"MAILVOUCH_AUTH_KEY": secret} if secret else {})}
        with self._stage.console.status("running …"):
            ended = subprocess.run(
                [sys.executable, "-m", "producer.cli", *words],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=COMMAND_SECONDS,
            )
        if ended.stderr:
            self._stage.say(ended.stderr.rstrip())
        self._stage.expect(
            f"'{' '.join(words[:2])}' ends with {exit_code}, not {ended.returncode}",
            held=ended.returncode == exit_code,
        )
        self._stage.expect("a worker is seen", held="no worker is running" not in ended.stderr)
        try:
            return json.loads(ended.stdout)
        except ValueError:
            return ended.stdout


def await_heartbeat(url: str) -> None:
    """Redis is up before the worker process is, which its first heartbeat tells."""
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis.from_url(url) as store:
        while not store.zcard("mailvouch:__heartbeats__"):
            if time.monotonic() > deadline:
                raise RuntimeError("no worker process has begun to beat")
            time.sleep(0.05)


@contextmanager
def worker(stage: Stage, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """A worker with its embedded Redis, from its start to its clean end."""
    started = time.monotonic()
    with running_worker(folder, environment) as process:
        await_heartbeat(process.url)
        stage.say(f"worker and embedded Redis up in {time.monotonic() - started:.1f} s")
        try:
            yield
            started = time.monotonic()
            code = process.stop()
            seconds = time.monotonic() - started
            stage.say(f"worker drained and stopped in {seconds:.1f} s, exit code {code}")
            stage.expect("the worker ends with 0 after SIGTERM", held=code == 0)
        finally:
            if stage.failures or sys.exc_info()[0]:
                stage.say(f"the worker's log:\n{process.log()[-4000:]}")


def item(servers: MailServers, **changes: Any) -> dict[str, Any]:
    """A good account; each case of the batch changes one thing."""
    return {
        "dealerEmail": USER,
        "accountType": "sales",
        "orgName": "Example Motors",
        "credentialsType": "BOTH",
        "password": PASSWORD,
        "smtpHost": HOST,
        "smtpPort": str(servers.smtp_starttls),
        "smtpEnableStartTLS": "true",
        "smtpUseSSLOrTLS": "false",
        "smtpUseAuth": "true",
        "imapHost": HOST,
        "imapPort": str(servers.imap_tls),
        "imapUseSSLOrTLS": "true",
        "imapEnableStartTLS": "false",
        **changes,
    }


def cases(servers: MailServers) -> dict[str, tuple[dict[str, Any], set[str]]]:
    """What is wrong -> the item, and the codes that must come out."""
    closed = str(free_port(HOST))
    only_smtp = {"credentialsType": "SMTP"}
    return {
        "nothing: a good account": (item(servers), set()),
        "the password": (
            item(servers, password="wrong horse"),
            {"SMTP_AUTHENTICATION_FAILED", "IMAP_AUTHENTICATION_FAILED"},
        ),
        "SSL/TLS chosen on a STARTTLS port": (
            item(servers, smtpUseSSLOrTLS="true", smtpEnableStartTLS="false", **only_smtp),
            {"SMTP_TLS_MODE_MISMATCH"},
        ),
        "the server's certificate has expired": (
            item(servers, smtpPort=str(servers.smtp_expired), **only_smtp),
            {"SMTP_CERTIFICATE_EXPIRED"},
        ),
        "nothing listens at that port": (
            item(servers, imapPort=closed, credentialsType="IMAP"),
            {"IMAP_CONNECTION_REFUSED"},
        ),
    }


def show_batch(stage: Stage, commands: Commands, servers: MailServers) -> None:
    stage.chapter("A batch of five accounts, four with a typical mistake")
    wanted = cases(servers)
    body = {"emailCredentialsRequests": [given for given, _ in wanted.values()]}
    commands.file("batch.json", body)
    result = commands.run("test", "batch.json", "--job-id", "demo-batch", exit_code=1)
    report = commands.run("result", "demo-batch", "--report", exit_code=1)
    stage.console.print(credential_result(result, report))
    table = Table("what is wrong", "what Mailvouch says", "ms", title="The same in short")
    for (mistake, (_, codes)), found in zip(
        wanted.items(), result["emailCredentialsResponses"], strict=True
    ):
        said = {error["errorCode"] for error in found["errors"]}
        stage.expect(f"{mistake}: {sorted(codes)}, not {sorted(said)}", held=said == codes)
        table.add_row(mistake, ", ".join(sorted(said)) or "works", found["testDuration"])
    stage.console.print(table)
    stage.expect("no password in the result", held=PASSWORD not in json.dumps(result))


def show_payload(stage: Stage, commands: Commands, servers: MailServers) -> None:
    stage.chapter("The payload that other systems get, as it is")
    commands.file("one.json", {"emailCredentialsRequests": [item(servers)]})
    result = commands.run("test", "one.json", "--job-id", "demo-one")
    stage.console.out(json.dumps(result, indent=2), highlight=False)


def show_keys(stage: Stage, url: str) -> None:
    stage.chapter("What a poller sees in Redis")
    table = Table("key", "type", "seconds to live", "bytes")
    with redis.Redis.from_url(url, decode_responses=True) as store:
        for key in sorted(store.scan_iter("mailvouch:re*:demo-*")):
            kind, left = store.type(key), store.ttl(key)
            table.add_row(key, kind, str(left), str(store.memory_usage(key)))
        gone = not store.exists("mailvouch:request:demo-batch")
    stage.console.print(table)
    stage.say("no mailvouch:request:demo-… is left: a result present means done")
    stage.expect("the request is deleted with the result", held=gone)
    stage.expect("two results and two reports are stored", held=table.row_count == 4)


def show_integrations(stage: Stage, commands: Commands, servers: MailServers) -> None:
    stage.chapter("An integration: what does not work is not saved")
    commands.file("catalogue.json", CATALOGUE)
    commands.run("catalogue", "import", "catalogue.json")
    key = commands.run("brands", "add", BRAND, "--json")["authKey"]
    stage.expect("a new brand has a key", held=len(key) > 20)
    brand = ("--brand-url", BRAND)
    body = {
        "appIntegrationId": "own-server",
        "name": "Sales mail",
        "host": HOST,
        "port": servers.smtp_starttls,
        "username": USER,
        "password": PASSWORD,
        "useTls": True,
        "isDefault": True,
    }
    commands.file("body.json", body)
    one = commands.run("integrations", "create", "body.json", *brand, secret=key).strip()
    stage.say(one)
    _show_update(stage, commands, (one, {**body, "name": "Sales and service"}, key), (True, 200))
    _show_update(stage, commands, (one, {**body, "password": "wrong horse"}, key), (False, 400))
    _show_update(stage, commands, (one, body, "no key of this brand"), (False, 401))
    shown = commands.run("integrations", "show", one, *brand)
    stage.expect("the good update is what stands", held=shown["name"] == "Sales and service")
    stage.expect("no password is shown", held=PASSWORD not in json.dumps(shown))


def _show_update(
    stage: Stage,
    commands: Commands,
    update: tuple[str, dict[str, Any], str],
    expected: tuple[bool, int],
) -> None:
    one, body, key = update
    file = commands.file("update.json", body)
    before = commands.run("integrations", "show", one, "--brand-url", BRAND, quiet=True)
    words = ("update", one, file, "--brand-url", BRAND)
    answer = commands.run(*words, exit_code=0 if expected[0] else 1, secret=key)
    stage.console.print(integration_result(answer, None, before))
    found = (answer["success"], answer["statusCode"])
    stage.expect(f"the update answers {expected}, not {found}", held=found == expected)


@contextmanager
def gateway(folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The HTTP gateway beside the worker, from its start to its clean end; yields its address."""
    log = folder / "gateway.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "producer.cli", "gateway", "--port", "0"],
            cwd=folder,
            env=environment,
            stderr=output,
        )
    try:
        while "gateway_started" not in log.read_text() and process.poll() is None:
            time.sleep(0.05)
        found = re.search(r"http://[0-9.:]+", log.read_text())
        yield found[0] if found else ""
    finally:
        process.terminate()
        process.wait(COMMAND_SECONDS)


def show_gateway(
    stage: Stage, commands: Commands, servers: MailServers, environment: Mapping[str, str]
) -> None:
    stage.chapter("The same over HTTP, and a page for people")
    password = commands.run("subscribers", "add", "helpdesk", "--json")["password"]
    with gateway(commands.folder, environment) as address:
        stage.command(("gateway",))
        path = "/communications/dealers/42/email-credentials/test"
        stage.say(f"$ curl -u helpdesk:… -H 'Content-Type: application/json' {address}{path} …")
        body = {"emailCredentialsRequests": [item(servers, password="wrong horse")]}
        asked = {"auth": ("helpdesk", password), "timeout": COMMAND_SECONDS}
        answer = httpx.post(f"{address}{path}", json=body, **asked)
        stage.expect(f"HTTP answers 200, not {answer.status_code}", held=answer.status_code == 200)
        result = answer.json()
        stage.console.print(credential_result(result, None))
        page = httpx.get(f"{address}/", **asked)
        stage.expect("the page is there", held=page.headers["content-type"].startswith("text/html"))
        stage.say(f"the page for people: {address}/ (yours: mailvouch gateway)")


def main() -> int:
    started = time.monotonic()
    stage = Stage()
    # A short path: a unix socket's has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="mv-") as name:
        folder = Path(name)
        stage.chapter("Mail servers, worker, Redis")
        with mail_servers(folder) as servers:
            environment = worker_environment(folder, CA_FILE=servers.ca_file, LOG_FORMAT="console")
            stage.say("aiosmtpd and pymap are up, with certificates of a throw-away authority")
            with worker(stage, folder, environment):
                commands = Commands(stage, folder, environment)
                show_batch(stage, commands, servers)
                show_payload(stage, commands, servers)
                show_keys(stage, f"unix://{folder}/data/redis.sock")
                show_integrations(stage, commands, servers)
                show_gateway(stage, commands, servers, environment)
                stage.chapter("The end")
    if stage.failures:
        stage.say(f"{len(stage.failures)} expectations failed")
        return 1
    stage.say(f"every expectation held, in {time.monotonic() - started:.0f} s; nothing is left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
