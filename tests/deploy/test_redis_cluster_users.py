"""The shipped Redis users on a cluster, with shards: each does its whole work, none leaves it."""

import asyncio
import subprocess
import sys

import httpx
import pytest
import redis

from producer.client import Client, credential_test
from producer.contract.keyspace import Keyspace, hash_slot_of
from producer.records.brands import add_brand
from producer.records.store import StoreKeys
from producer.records.subscribers import add_subscriber
from producer.redis_clients import connect
from producer.redis_url import parse_redis_url
from tests.support.gateway import TEST_PATH, running_gateway, settings
from tests.support.redis_cluster import SLOTS, Node
from tests.support.redis_users import make_users
from tests.support.worker_process import running_worker, worker_environment

pytestmark = [pytest.mark.redis_server, pytest.mark.slow]

SHARDS = 4
KEYSPACE = Keyspace(shards=SHARDS, on_cluster=True)


class Deployment:
    """A cluster of one node that knows the users, and what each of them is given."""

    def __init__(self, node, folder):
        self.node = node
        self.folder = folder
        self.urls = {}
        spaces = make_users.namespaces("mailvouch", cluster=True, shards=SHARDS)
        words = {user: f">{user}-word" for user in (*make_users.USERS, "crm")}
        with node.client() as admin:
            for line in make_users.users(words, spaces, ["crm"]):
                _, name, *rules = line.split()
                if name != "default":
                    admin.execute_command("ACL", "SETUSER", name, "reset", *_rules(rules))
                    place = f"{name}:{name}-word@127.0.0.1:{node.port}"
                    self.urls[name] = f"redis+cluster://{place}"

    def environment(self, user):
        return worker_environment(
            self.folder, REDIS_URL=self.urls[user], SHARDS=str(SHARDS), LOG_FORMAT="json"
        )

    def records(self, user):
        url = parse_redis_url(self.urls[user])
        return connect(url, hash_slot=hash_slot_of(KEYSPACE.records))

    def command(self, user, *words):
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env=self.environment(user),
            capture_output=True,
            text=True,
            check=False,
        )

    def worker(self):
        return running_worker(self.folder, self.environment("worker"))


def _rules(words):
    """Split as Redis does: a selector is one argument, brackets and all."""
    return make_users.re.findall(r"\([^)]*\)|[^\s()]+", " ".join(words))


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("deployment")
    node = Node(folder / "node")
    try:
        node.start()
        node.ask("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)
        yield Deployment(node, folder)
    finally:
        node.kill()


def test_worker_client_and_operator_do_their_whole_work(deployment):
    with deployment.worker() as worker, Client(deployment.urls["client"], shards=SHARDS) as client:
        for shard in range(SHARDS):
            envelope = credential_test({"emailCredentialsRequests": [{}]})
            job = client.submit(envelope, job_id=f"s{shard}-job")
            result = client.wait(job, timeout_seconds=60, on_progress=lambda _: None)
            assert result["emailCredentialsResponses"][0]["outcome"] == "FAILURE"
        assert client.workers() == 1
        for words in (
            ("producer.cli", "brands", "add", "https://www.example.com"),
            ("producer.cli", "catalogue", "list"),
            ("worker.cli", "queues"),
            ("worker.cli", "dead", "list"),
            ("worker.cli", "doctor"),
        ):
            done = deployment.command("operator", *words)
            assert done.returncode == 0, (words, done.stdout, done.stderr)
    assert "NOPERM" not in worker.log()
    assert "NoPermission" not in worker.log()


async def test_a_gateway_does_its_whole_work(deployment):
    with deployment.records("operator") as store:
        password = add_subscriber(store, KEYSPACE.records, "sub", []).password
        brand = add_brand(store, StoreKeys(KEYSPACE.records), "https://b.example")
    headers = {"Brand-URL": brand.brand, "Auth-Key": brand.auth_key}
    basic = httpx.BasicAuth("sub", password)
    chosen = settings(deployment.urls["gateway"], shards=SHARDS, gateway_operators="sub")
    body = {"emailCredentialsRequests": [{"smtpHost": "localhost", "password": "x"}]}
    with deployment.worker():
        async with running_gateway(chosen) as gateway:
            ready = await gateway.get("/readyz")
            while ready.status_code != 200:
                await asyncio.sleep(0.1)
                ready = await gateway.get("/readyz")
            for shard in range(SHARDS):
                key = {"Idempotency-Key": f"s{shard}-key"}
                tested = await gateway.post(TEST_PATH, json=body, auth=basic, headers=key)
                again = await gateway.post(TEST_PATH, json=body, auth=basic, headers=key)
                assert (tested.status_code, again.status_code) == (200, 200), tested.text
                job = tested.headers["Content-Location"]
                for path in (job, f"{job}/report", f"{job}/events"):
                    assert (await gateway.get(path, auth=basic)).status_code == 200
            listed = await gateway.get("/api/v1/app-integrations/smtp", headers=headers)
            board = await gateway.get("/operations", auth=basic)
    assert (listed.status_code, board.status_code) == (200, 200)


@pytest.mark.parametrize("user", ["client", "producer", "poller", "crm"])
def test_no_user_leaves_the_namespaces(deployment, user):
    with redis.Redis(port=deployment.node.port, username=user, password=f"{user}-word") as client:
        for namespace in (
            "mailvouch",
            "{mailvouch-x-}",
            "{mailvouch-1}",
            "{mailvouch-123-}",
            "{other}",
        ):
            for words in (("GET", f"{namespace}:result:a"), ("SET", f"{namespace}:request:a", "x")):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*words)
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command("CLUSTER", "FAILOVER")
