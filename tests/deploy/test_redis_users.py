"""Each Redis user can do its work under the shipped configuration, and nothing else."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import redis
import trustme

from producer.client import Client, credential_test
from producer.contract.names import Queue
from tests.support.worker_process import worker_environment
from worker.queue.depth import measure
from worker.queue.layout import Layout

pytestmark = [pytest.mark.redis_server, pytest.mark.timeout(120)]

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
        self.process = subprocess.Popen(
            [program, folder / "redis.conf"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
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


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "tls"])
def server(request, tool, deploy, tmp_path_factory) -> Iterator[Server]:
    server = Server(
        tool("redis-server"), deploy, tmp_path_factory.mktemp("redis"), tls=request.param
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


def test_a_producer_can_submit_and_cannot_read_requests_or_results(user):
    producer = user("producer")
    submit(producer)

    assert producer.exists(REQUEST) == 1
    for key in (REQUEST, RESULT):
        with pytest.raises(redis.exceptions.NoPermissionError):
            producer.get(key)
    with pytest.raises(redis.exceptions.NoPermissionError):
        producer.hgetall(f"{QUEUE}.msgs")


def test_a_poller_sees_results_and_that_a_job_waits_but_no_request(user):
    user("worker").set(RESULT, "{}")
    poller = user("poller")

    assert poller.get(RESULT) == b"{}"
    assert poller.exists(REQUEST, RESULT) >= 1
    with poller.pubsub() as subscription:
        subscription.subscribe("mailvouch:done:job")
        assert subscription.get_message(timeout=10)["type"] == "subscribe"
    for attempt in (
        lambda: poller.get(REQUEST),
        lambda: poller.set(RESULT, "forged"),
        lambda: poller.get("mailvouch:integration:x"),
        lambda: poller.rpush(QUEUE, "x"),
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            attempt()


def test_a_client_can_submit_and_wait(user):
    client = user("client")
    submit(client)
    user("worker").set(RESULT, "{}")

    assert client.get(RESULT) == b"{}"
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.get(REQUEST)


def test_our_own_client_can_work_as_the_client_user(server):
    url = server.urls["CLIENT_REDIS_URL"]
    with closing(Client(url)) as client:
        body = {"emailCredentialsRequests": [{"smtpHost": "mail.example"}]}
        job_id = client.submit(credential_test(body))
        with server.user("worker") as worker:
            worker.set(f"mailvouch:result:{job_id}", '{"errors": []}')
        assert client.wait(job_id, timeout_seconds=20) == {"errors": []}


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
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            attempt()


@pytest.mark.parametrize("name", ["worker", "producer", "poller", "client", "exporter", "operator"])
def test_no_user_can_administer_the_server_or_leave_the_namespace(user, name):
    client = user(name)
    for command in (
        ("CONFIG", "GET", "*"),
        ("FLUSHALL",),
        ("KEYS", "*"),
        ("ACL", "LIST"),
        ("SHUTDOWN",),
        ("SET", "other:key", "1"),
        ("GET", "other:key"),
    ):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*command)


@contextmanager
def worker_of(server: Server) -> Iterator[Path]:
    """A real worker as the user `worker`; its log."""
    url = server.urls["WORKER_REDIS_URL"]
    environment = worker_environment(server.folder, REDIS_URL=url, LOG_FORMAT="json")
    log = server.folder / "worker.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "run"],
            cwd=server.folder,
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        yield log
        process.terminate()
        assert process.wait(60) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def run_command(server: Server, user: str, *words: str) -> subprocess.CompletedProcess[str]:
    url = server.urls[f"{user.upper()}_REDIS_URL"]
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=server.folder,
        env=worker_environment(server.folder, REDIS_URL=url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_worker_client_and_operator_do_their_whole_work_under_these_rules(server):
    with worker_of(server) as log:
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
    assert "NoPermission" not in log.read_text()
    assert "NOPERM" not in log.read_text()
