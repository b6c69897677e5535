"""What was enqueued without Python is done by a real worker, sealed requests included."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from producer.client import Client
from producer.sealing.requests import write_request_keys
from tests.support.mail_servers import HOST, PASSWORD, USER, mail_servers
from tests.support.redis_server import data_folder
from tests.support.worker_process import running_worker, worker_environment

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(180)]

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def world():
    with data_folder() as folder, mail_servers(folder) as servers:
        private, public = write_request_keys(folder)
        item = {
            "dealerEmail": USER,
            "password": PASSWORD,
            "smtpHost": HOST,
            "smtpPort": servers.smtp_tls,
            "smtpUseSSLOrTLS": True,
            "imapHost": HOST,
            "imapPort": servers.imap_starttls,
            "imapEnableStartTLS": "yes",
        }
        envelope = {
            "version": 1,
            "kind": "credential-test",
            "dealerUUID": "d-1",
            "body": {"emailCredentialsRequests": [item]},
        }
        (folder / "envelope.json").write_text(json.dumps(envelope))
        environment = worker_environment(folder, CA_FILE=servers.ca_file, PRIVATE_KEYS=str(private))
        with running_worker(folder, environment) as worker:
            yield worker, folder / "envelope.json", public
        assert worker.exit_code == 0
        assert PASSWORD not in worker.log()


def enqueued(world, *words: str) -> dict:
    worker, _, _ = world
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]} on this machine")
    ended = subprocess.run(words, check=True, capture_output=True, text=True, timeout=30)
    with Client(worker.url) as client:
        (item,) = client.wait(ended.stdout.strip(), 60)["emailCredentialsResponses"]
    return item


def test_from_the_shell(world):
    worker, envelope, _ = world
    if shutil.which("redis-cli") is None:
        pytest.skip("no redis-cli on this machine")
    script = (str(HERE / "enqueue.sh"), "shell-1", str(envelope), "-s", str(worker.socket))
    assert enqueued(world, "sh", *script)["outcome"] == "SUCCESS"


def test_from_node(world):
    worker, envelope, _ = world
    script = (str(HERE / "enqueue.mjs"), str(worker.socket), "node-1", str(envelope))
    assert enqueued(world, "node", *script)["outcome"] == "SUCCESS"


def test_sealed_from_node(world):
    worker, envelope, key = world
    script = (str(HERE / "enqueue.mjs"), str(worker.socket), "node-2", str(envelope), str(key))
    assert enqueued(world, "node", *script)["outcome"] == "SUCCESS"
