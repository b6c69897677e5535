"""The contract's enqueue without Python (section 2), as the README shows it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import redis

from producer.client import Client, credential_test
from producer.contract.envelope import parse_envelope
from producer.sealing.requests import CURVES, Unsealer, make_request_keys
from tests.support.redis_server import embedded_redis

pytestmark = pytest.mark.redis_server

HERE = Path(__file__).parent
ENVELOPE = {
    "version": 1,
    "kind": "credential-test",
    "dealerUUID": "d-1",
    "body": {
        "emailCredentialsRequests": [
            {"dealerEmail": "jo@example.com", "password": "a\"b\\c'd $x `y` é \N{SNOWMAN}"}
        ]
    },
}


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on this machine")
    return found


@pytest.fixture(scope="module")
def server():
    with embedded_redis() as server:
        yield server


@pytest.fixture
def socket(server) -> str:
    with redis.Redis.from_url(server.url) as store:
        store.flushall()
    return server.url.removeprefix("unix://")


@pytest.fixture
def store(server, socket):
    with redis.Redis.from_url(server.url) as store:
        yield store


@pytest.fixture
def envelope_file(tmp_path) -> str:
    path = tmp_path / "envelope.json"
    path.write_text(json.dumps(ENVELOPE, indent=2, ensure_ascii=False), "utf-8")
    return str(path)


def run(*words: str) -> str:
    ended = subprocess.run(words, check=True, capture_output=True, text=True, timeout=30)
    return ended.stdout.strip()


def what_is_queued(store: redis.Redis, job_id: str) -> dict:
    """The message, its two varying values taken out; the request's life is checked."""
    assert 86_000 < store.ttl(f"mailvouch:request:{job_id}") <= 86_400
    (rid,) = store.lrange("mailvouch:credential-tests", 0, -1)
    ((key, message),) = store.hgetall("mailvouch:credential-tests.msgs").items()
    assert key == rid
    document = json.loads(message)
    assert document["options"] == {"redis_message_id": rid.decode()}
    assert isinstance(document["message_timestamp"], int)
    return {**document, "options": None, "message_timestamp": None}


def as_our_client_queues(server, store: redis.Redis, job_id: str) -> dict:
    store.flushall()
    with Client(server.url) as client:
        client.submit(credential_test(ENVELOPE["body"], "d-1"), job_id=job_id)
    return what_is_queued(store, job_id)


def test_with_redis_cli(server, socket, store, envelope_file):
    tool("redis-cli")
    script = str(HERE / "enqueue.sh")
    assert run("sh", script, "shell-1", envelope_file, "-s", socket) == "shell-1"
    assert json.loads(store.get("mailvouch:request:shell-1")) == ENVELOPE
    queued = what_is_queued(store, "shell-1")
    assert queued == as_our_client_queues(server, store, "shell-1")


def test_with_redis_cli_a_refusal_is_seen(server, store, envelope_file):
    tool("redis-cli")
    store.set("mailvouch:credential-tests", "no list")
    socket = server.url.removeprefix("unix://")
    script = str(HERE / "enqueue.sh")
    ended = subprocess.run(
        ["sh", script, "shell-2", envelope_file, "-s", socket],
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "WRONGTYPE" in ended.stderr


def test_from_node(server, socket, store, envelope_file):
    node = tool("node")
    script = str(HERE / "enqueue.mjs")
    assert run(node, script, socket, "node-1", envelope_file) == "node-1"
    assert json.loads(store.get("mailvouch:request:node-1")) == ENVELOPE
    queued = what_is_queued(store, "node-1")
    assert queued == as_our_client_queues(server, store, "node-1")


@pytest.mark.parametrize("curve", CURVES)
def test_sealed_from_node(socket, store, envelope_file, tmp_path, curve):
    node = tool("node")
    private, public = make_request_keys(curve)
    key_file = tmp_path / "public.jwk"
    key_file.write_text(json.dumps(public))
    script = str(HERE / "enqueue.mjs")
    assert run(node, script, socket, "node-2", envelope_file, str(key_file)) == "node-2"

    stored = store.get("mailvouch:request:node-2")
    assert b"jo@example" not in stored
    envelope = parse_envelope(Unsealer([private]).unseal(stored))
    assert envelope.body == ENVELOPE["body"]
    what_is_queued(store, "node-2")
