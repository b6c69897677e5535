"""What was enqueued without Python is done by a real worker, sealed requests included."""

import json
import subprocess

import pytest

from producer.client import Client
from producer.sealing.requests import write_request_keys
from tests.examples.languages import LANGUAGES, command
from tests.support.mail_servers import HOST, PASSWORD, USER, mail_servers
from tests.support.redis_server import data_folder
from tests.support.worker_process import running_worker, worker_environment

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(300)]


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


def enqueued(world, words: list[str]) -> dict:
    ended = subprocess.run(words, check=True, capture_output=True, text=True, timeout=60)
    with Client(world[0].url) as client:
        (item,) = client.wait(ended.stdout.strip(), 60)["emailCredentialsResponses"]
    return item


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_job_from_another_language_is_done(world, tmp_path, language):
    worker, envelope, _ = world
    words = command(language, tmp_path, str(worker.socket), f"{language}-1", str(envelope))
    assert enqueued(world, words)["outcome"] == "SUCCESS"


def test_a_sealed_job_from_node_is_done(world):
    worker, envelope, key = world
    words = command("node", worker.socket.parent, str(worker.socket), "node-2", str(envelope))
    assert enqueued(world, [*words, str(key)])["outcome"] == "SUCCESS"
