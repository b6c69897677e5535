"""What `LOG_LEVEL=DEBUG` shows: the dialogue with the mail server and the queue's steps."""

import base64
import json

import pytest

from producer.client import Client, credential_test
from tests.support.mail_servers import HOST, PASSWORD, USER, mail_servers
from tests.support.redis_server import data_folder
from tests.support.worker_process import START_SECONDS, running_worker, worker_environment

pytestmark = pytest.mark.redis_server


@pytest.fixture(scope="module")
def log():
    with data_folder() as folder, mail_servers(folder) as servers:
        environment = worker_environment(
            folder, CA_FILE=servers.ca_file, LOG_LEVEL="DEBUG", LOG_FORMAT="json"
        )
        item = {"dealerEmail": USER, "password": PASSWORD, "smtpHost": HOST}
        item |= {"smtpPort": servers.smtp_tls, "smtpUseSSLOrTLS": True}
        with running_worker(folder, environment) as worker, Client(worker.url) as client:
            job = client.submit(credential_test({"emailCredentialsRequests": [item]}), job_id="d-1")
            client.wait(job, START_SECONDS)
        yield worker.log()


def events(text, name):
    return [line for line in map(json.loads, text.splitlines()) if line["event"] == name]


def test_the_dialogue_and_the_queues_steps_are_there(log):
    """That they are not at the usual level is shown in tests/end_to_end."""
    names = ("message_taken", "probe_dialogue", "message_left")
    assert [len(events(log, name)) for name in names] == [1, 1, 1]


def test_a_dialogue_names_its_job_and_has_both_sides_but_no_credential(log):
    (dialogue,) = events(log, "probe_dialogue")
    assert (dialogue["job_id"], dialogue["code"]) == ("d-1", "OK")
    sides = {line.split()[1] for line in dialogue["transcript"]}
    assert sides == {"*", "S:", "C:"}
    for secret in (PASSWORD, base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()):
        assert secret not in log
