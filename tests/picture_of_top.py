"""The picture of `mailvouch-worker top` in the README: `python -m tests.picture_of_top FILE.svg`.

A real run: a worker with its embedded Redis, mail servers written by others, a few hundred jobs
with typical mistakes, and one page of `top` while they are under way.
"""

import io
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import redis
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from producer.client import Client, credential_test
from tests.support.mail_servers import HOST, PASSWORD, USER, MailServers, mail_servers
from tests.support.ports import free_port
from tests.support.redis_server import data_folder
from tests.support.worker_process import WorkerProcess, running_worker, worker_environment
from worker.commands.readings import Reading
from worker.commands.top import read, render
from worker.queue.layout import Layout
from worker.queue.shard_clients import ShardClient

JOBS = 400
WARM_UP_SECONDS = 1.5
BETWEEN_SECONDS = 1.0


def main(picture: Path) -> None:
    port = str(free_port())
    with (
        data_folder() as folder,
        tempfile.TemporaryDirectory() as other,
        mail_servers(Path(other)) as servers,
    ):
        environment = worker_environment(
            folder, CA_FILE=servers.ca_file, METRICS_PORT=port, CONCURRENCY="24"
        )
        with running_worker(folder, environment) as worker:
            before, now = watch(worker, servers, port)
    console = Console(record=True, width=84, file=io.StringIO())
    console.print(render(before, now))
    picture.write_text(as_svg(console))


def watch(worker: WorkerProcess, servers: MailServers, port: str) -> tuple[Reading, Reading]:
    """Two readings while the jobs are under way: rates need both."""
    page = f"http://127.0.0.1:{port}/metrics"
    with closing(Client(worker.url)) as client, redis.Redis.from_url(worker.url) as store:
        for item in items(servers):
            client.submit(credential_test({"emailCredentialsRequests": [item]}))
        time.sleep(WARM_UP_SECONDS)
        before = read(page, [ShardClient(store, Layout("mailvouch"))])
        time.sleep(BETWEEN_SECONDS)
        return before, read(page, [ShardClient(store, Layout("mailvouch"))])


def items(servers: MailServers) -> Iterator[dict[str, Any]]:
    """Half of them good accounts, the others with what people get wrong."""
    for number in range(JOBS):
        good = {
            "dealerEmail": USER,
            "password": PASSWORD,
            "smtpHost": HOST,
            "smtpPort": servers.smtp_starttls,
            "smtpEnableStartTLS": "true",
            "imapHost": HOST,
            "imapPort": servers.imap_tls,
            "imapUseSSLOrTLS": "true",
        }
        mistakes = (
            {"dealerEmail": f"dealer{number}@dealer.example", "password": "wrong"},
            {"smtpPort": servers.smtp_expired},
            {"smtpPort": 1},
            {"imapPort": servers.imap_starttls},
        )
        yield good | (mistakes[number // 2 % len(mistakes)] if number % 2 else {})


def as_svg(console: Console) -> str:
    """With the reader's own fonts: a picture must not fetch anything."""
    plain = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    svg = console.export_svg(title="mailvouch-worker top", code_format=plain, unique_id="top")
    return "".join(f"{line.rstrip()}\n" for line in svg.splitlines())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
