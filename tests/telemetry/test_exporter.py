"""The page that the scraper and the orchestrator read."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import fakeredis
import pytest
import redis

from tests.support.redis_process import redis_process
from worker.queue.layout import Layout
from worker.queue.shard_clients import ShardClient
from worker.telemetry.exporter import Exporter, PortTakenError, Sources
from worker.telemetry.heartbeat import Heartbeat
from worker.telemetry.page_server import CLIENT_TIMEOUT_SECONDS, MOST_CLIENTS

PREFIX = "mailvouch:credential-tests"


class Workers:
    def __init__(self, *beats, directory=None):
        self.beats = beats
        self.directory = directory

    def heartbeats(self):
        return self.beats

    def pids(self):
        return {"supervisor": os.getpid(), "0": os.getppid()}

    def restarts(self):
        return 7


@pytest.fixture
def client() -> Iterator[redis.Redis]:
    with closing(fakeredis.FakeRedis()) as client:
        yield client


@pytest.fixture
def dead_client() -> Iterator[redis.Redis]:
    server = fakeredis.FakeServer()
    server.connected = False
    with closing(fakeredis.FakeRedis(server=server)) as client:
        yield client


@pytest.fixture
def export() -> Iterator[Callable[..., Exporter]]:
    running = []

    def start(client, workers=None) -> Exporter:
        exporter = Exporter(
            "127.0.0.1", 0, Sources([ShardClient(client, Layout("mailvouch"))], "1.2.3", workers)
        )
        exporter.start()
        running.append(exporter)
        return exporter

    yield start
    for exporter in running:
        exporter.stop()


def get(exporter: Exporter, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(exporter.url + path, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def enqueue(client: redis.Redis, redis_id: str, age_seconds: float) -> None:
    timestamp = int((time.time() - age_seconds) * 1000)
    client.hset(f"{PREFIX}.msgs", redis_id, json.dumps({"message_timestamp": timestamp}))
    client.rpush(PREFIX, redis_id)


def test_the_page_shows_queues_and_build_without_any_worker(client, export):
    enqueue(client, "a", 5)
    status, text = get(export(client), "/metrics")

    assert status == 200
    assert 'mailvouch_queue_messages{queue="credential-tests",state="ready"} 1.0' in text
    assert 'mailvouch_queue_messages{queue="integration-updates",state="dead"} 0.0' in text
    assert 'mailvouch_queue_oldest_seconds{queue="credential-tests"} ' in text
    assert 'mailvouch_build_info{version="1.2.3"} 1.0' in text


def test_without_redis_the_page_still_answers_and_readiness_says_why(dead_client, export):
    exporter = export(dead_client)

    status, text = get(exporter, "/metrics")
    assert status == 200
    assert "mailvouch_queue_messages{" not in text
    assert "mailvouch_build_info{" in text
    assert get(exporter, "/readyz") == (503, "Redis does not answer: ConnectionError\n")
    assert get(exporter, "/healthz") == (200, "ok\n")


def test_a_redis_whose_disk_is_full_is_said_to_refuse_and_why(export):
    class FullDisk(redis.Redis):
        def ping(self, **_more):
            text = "MISCONF Errors writing to the AOF file: No space left on device"
            raise redis.ResponseError(text)

    text = "Redis refuses: MISCONF Errors writing to the AOF file: No space left on device\n"
    assert get(export(FullDisk()), "/readyz") == (503, text)


@pytest.mark.redis_server
def test_a_demoted_redis_makes_the_page_unready(tmp_path, export):
    with redis_process(tmp_path) as server, server.client() as client:
        exporter = export(client)
        assert get(exporter, "/readyz") == (200, "ok\n")
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        assert get(exporter, "/readyz") == (503, "Redis is a replica: it takes no writes\n")


@pytest.mark.redis_server
def test_a_full_redis_makes_the_page_of_workers_unready_until_it_takes_writes_again(
    tmp_path, export
):
    with redis_process(tmp_path) as server, server.client() as client:
        exporter = export(client, Workers(Heartbeat("0", 0.1, has_beaten=True)))
        assert get(exporter, "/readyz") == (200, "ok\n")
        assert client.keys() == [], "to look changes nothing"
        client.config_set("maxmemory", 1)
        status, text = get(exporter, "/readyz")
        assert status == 503
        assert text.startswith("Redis takes no writes: ")
        assert "maxmemory" in text
        client.config_set("maxmemory", 0)
        assert get(exporter, "/readyz") == (200, "ok\n")


def test_a_worker_whose_loop_stands_still_makes_the_page_unhealthy(client, export):
    workers = Workers(Heartbeat("0", 1.0, has_beaten=False))
    exporter = export(client, workers)
    assert get(exporter, "/readyz") == (503, "no worker process fetches jobs\n")
    assert get(exporter, "/healthz") == (200, "ok\n"), "it may just be starting"

    workers.beats = [Heartbeat("0", 0.1, has_beaten=True)]
    assert get(exporter, "/readyz") == (200, "ok\n")
    assert get(exporter, "/healthz") == (200, "ok\n")
    assert "mailvouch_worker_processes 1.0" in get(exporter, "/metrics")[1]

    workers.beats = [Heartbeat("0", 100.0, has_beaten=True)]
    text = "worker process 0: no heartbeat for 100 s\n"
    assert get(exporter, "/healthz") == (503, text)
    assert get(exporter, "/readyz")[0] == 503
    assert "mailvouch_worker_processes 0.0" in get(exporter, "/metrics")[1]


def test_a_process_that_never_beats_is_unhealthy_in_the_end(client, export):
    exporter = export(client, Workers(Heartbeat("3", 31.0, has_beaten=False)))
    assert get(exporter, "/healthz") == (503, "worker process 3: no heartbeat for 31 s\n")


def test_while_draining_the_page_answers_and_is_not_ready(client, export):
    exporter = export(client, Workers(Heartbeat("0", 0.1, has_beaten=True)))
    exporter.drain()

    assert get(exporter, "/readyz") == (503, "draining: no more jobs are fetched\n")
    assert get(exporter, "/healthz")[0] == 200
    assert get(exporter, "/metrics")[0] == 200


def test_each_process_has_the_standard_process_metrics(client, export):
    text = get(export(client, Workers(Heartbeat("0", 0.1, has_beaten=True))), "/metrics")[1]
    assert 'process_resident_memory_bytes{slot="0"}' in text
    assert 'process_cpu_seconds_total{slot="supervisor"}' in text
    assert text.count("# TYPE process_resident_memory_bytes gauge") == 1
    assert "mailvouch_worker_restarts_total 7.0" in text


def test_the_page_answers_while_the_directory_of_metrics_is_gone(client, export, tmp_path):
    workers = Workers(Heartbeat("0", 0.1, has_beaten=True), directory=tmp_path / "gone")
    assert get(export(client, workers), "/metrics")[0] == 200


def test_a_page_that_cannot_be_made_is_an_error_that_is_answered_and_logged(client, export, caplog):
    exporter = export(client, Workers())
    assert get(exporter, "/healthz")[0] == 200
    exporter._sources.workers.heartbeats = lambda: 1 / 0
    assert get(exporter, "/healthz")[0] == 500
    (record,) = (one for one in caplog.records if one.message == "metrics_page_failed")
    assert record.exc_info[0] is ZeroDivisionError


def test_of_many_who_say_nothing_the_first_must_go_and_the_page_is_answered(client, export):
    exporter = export(client)
    address = ("127.0.0.1", int(exporter.url.rpartition(":")[2]))
    with ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(address, CLIENT_TIMEOUT_SECONDS / 2))
            for _ in range(MOST_CLIENTS + 10)
        ]
        for one in silent:
            one.sendall(b"GET /")
        assert get(exporter, "/healthz") == (200, "ok\n")
        assert [one.recv(1) for one in silent[:10]] == [b""] * 10


def test_the_root_lists_the_pages(client, export):
    status, text = get(export(client), "/")
    assert status == 200
    assert [line.split()[0] for line in text.splitlines()] == ["/metrics", "/healthz", "/readyz"]


def test_what_is_not_served_is_not_found(client, export):
    assert get(export(client), "/nothing")[0] == 404


def test_a_taken_port_is_one_line_that_names_the_setting(client):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError) as caught:
            Exporter("127.0.0.1", port, Sources([ShardClient(client, Layout("mailvouch"))], "1"))

    text = f"MAILVOUCH_METRICS_PORT: cannot listen on 127.0.0.1:{port}: Address already in use"
    assert str(caught.value) == f"{text} (0 takes any free port)"


def test_a_client_that_cannot_be_let_in_for_want_of_files_costs_next_to_nothing():
    program = [sys.executable, "-m", "tests.telemetry.page_without_files"]
    root = Path(__file__).parents[2]
    ended = subprocess.run(program, cwd=root, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert float(ended.stdout) < 0.2, "seconds of CPU in a second"
