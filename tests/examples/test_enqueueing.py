"""Enqueueing without our package (docs/CONTRACT.md section 2), as `examples/enqueue` shows it."""

import json
import subprocess

import pytest
import redis

from producer.client import Client, credential_test, integration
from producer.contract.envelope import parse_envelope
from producer.contract.names import Kind
from producer.sealing.requests import CURVES, Unsealer, make_request_keys
from tests.examples.languages import ENQUEUE, LANGUAGES, command, tool
from tests.support.redis_server import embedded_redis

pytestmark = [pytest.mark.redis_server]

ITEM = {"dealerEmail": "jo@example.com", "password": "a\"b\\c'd $x `y` é \N{SNOWMAN}"}
INTEGRATION = {"name": "Post", "host": "smtp.example.com", "password": "a\"b\\c'd $x"}
ENVELOPES = {
    "credential-tests": {
        "version": 1,
        "kind": "credential-test",
        "dealerUUID": "d-1",
        "body": {"emailCredentialsRequests": [ITEM]},
    },
    "integration-updates": {
        "version": 1,
        "kind": "integration-update",
        "id": "i-1",
        "brandUrl": "https://dealer.example",
        "authKey": "k",
        "body": INTEGRATION,
    },
}


@pytest.fixture(scope="module")
def server():
    with embedded_redis() as server:
        yield server


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    return tmp_path_factory.mktemp("build")


@pytest.fixture
def store(server):
    with redis.Redis.from_url(server.url) as store:
        store.flushall()
        yield store


@pytest.fixture
def socket(server):
    return server.url.removeprefix("unix://")


@pytest.fixture(params=ENVELOPES)
def queue(request):
    return request.param


@pytest.fixture(params=LANGUAGES)
def enqueue(request, build, envelope_file):
    """Runs the example of a language: `enqueue(socket, job_id)`."""

    def enqueue(socket, job, envelope=envelope_file):
        return run(command(request.param, build, socket, job, envelope))

    return enqueue


@pytest.fixture
def envelope_file(tmp_path, queue):
    path = tmp_path / "envelope.json"
    path.write_text(json.dumps(ENVELOPES[queue], indent=2, ensure_ascii=False), "utf-8")
    return str(path)


def run(words):
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)


def what_is_queued(store, queue, job_id):
    """The message, its two varying values taken out; the request's life is checked."""
    assert 86_000 < store.ttl(f"mailvouch:request:{job_id}") <= 86_400
    (rid,) = store.lrange(f"mailvouch:{queue}", 0, -1)
    ((key, message),) = store.hgetall(f"mailvouch:{queue}.msgs").items()
    assert key == rid
    document = json.loads(message)
    assert document["options"] == {"redis_message_id": rid.decode()}
    assert isinstance(document["message_timestamp"], int)
    return {**document, "options": None, "message_timestamp": None}


def as_our_client_queues(server, store, queue, job_id):
    store.flushall()
    envelope = ENVELOPES[queue]
    job = (
        credential_test(envelope["body"], "d-1")
        if queue == "credential-tests"
        else integration(
            Kind.INTEGRATION_UPDATE,
            brand_url="https://dealer.example",
            auth_key="k",
            integration_id="i-1",
            body=INTEGRATION,
        )
    )
    with Client(server.url) as client:
        client.submit(job, job_id=job_id)
    return what_is_queued(store, queue, job_id)


def test_a_job_is_enqueued_as_our_client_does(enqueue, server, socket, store, queue):
    ended = enqueue(socket, "job-1")
    assert (ended.stdout.strip(), ended.returncode) == ("job-1", 0), ended.stderr
    assert json.loads(store.get("mailvouch:request:job-1")) == ENVELOPES[queue]
    queued = what_is_queued(store, queue, "job-1")
    assert queued == as_our_client_queues(server, store, queue, "job-1")


def test_an_id_that_was_submitted_before_keeps_its_first_request(enqueue, socket, store):
    store.set("mailvouch:request:again", "the first")
    ended = enqueue(socket, "again")
    assert ended.returncode == 0, ended.stderr
    assert store.get("mailvouch:request:again") == b"the first"


@pytest.mark.parametrize("queue", ["credential-tests"], indirect=True)
class TestFailsLoudly:
    def test_where_redis_refuses(self, enqueue, socket, store):
        store.set("mailvouch:credential-tests", "no list")
        ended = enqueue(socket, "refused")
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "WRONGTYPE" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1

    def test_where_redis_is_missing(self, enqueue, tmp_path):
        ended = enqueue(str(tmp_path / "no.sock"), "lost")
        assert (ended.returncode, ended.stdout) == (4, "")
        assert "cannot be reached" in ended.stderr
        assert len(ended.stderr.splitlines()) == 1

    def test_where_redis_wants_a_password(self, enqueue, socket, store):
        store.config_set("requirepass", "hunter22")
        ended = enqueue(socket, "lost")
        store.config_set("requirepass", "")
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "NOAUTH" in ended.stderr
        assert store.keys() == []

    def test_where_a_url_is_given_and_never_shows_its_password(self, enqueue):
        ended = enqueue("redis://user:hunter22@127.0.0.1:1/0", "lost")
        assert ended.returncode in {2, 4}
        assert "hunter22" not in ended.stdout + ended.stderr
        assert len(ended.stderr.splitlines()) == 1

    def test_where_the_file_is_missing(self, enqueue, socket, store):
        ended = enqueue(socket, "lost", "no-such-file")
        assert (ended.returncode, ended.stdout) == (2, "")
        assert len(ended.stderr.splitlines()) == 1
        assert store.keys() == []

    def test_where_the_job_id_is_none(self, enqueue, socket, store):
        ended = enqueue(socket, "a b\r\nFLUSHALL")
        assert (ended.returncode, ended.stdout) == (2, "")
        assert store.keys() == []


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("queue", ["credential-tests"], indirect=True)
def test_a_request_is_sealed_from_node(socket, store, envelope_file, tmp_path, curve):
    private, public = make_request_keys(curve)
    key_file = tmp_path / "public.jwk"
    key_file.write_text(json.dumps(public))
    script = str(ENQUEUE / "enqueue.mjs")
    ended = run([tool("node"), script, socket, "node-2", envelope_file, str(key_file)])
    assert ended.stdout.strip() == "node-2", ended.stderr

    stored = store.get("mailvouch:request:node-2")
    assert b"jo@example" not in stored
    envelope = parse_envelope(Unsealer([private]).unseal(stored))
    assert envelope.body == ENVELOPES["credential-tests"]["body"]
    what_is_queued(store, "credential-tests", "node-2")
