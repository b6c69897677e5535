"""What `top` and `queues` show."""

import io
import json
import socket
import threading
from contextlib import closing

import fakeredis
import pytest
import redis
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, generate_latest
from rich.console import Console

from producer.contract.codes import Code
from producer.contract.names import Kind
from producer.contract.report import ItemReport, Phase, PhaseName, PhaseState, Probe, Report
from tests.support.redis_process import redis_process
from worker.commands.console import unreachable
from worker.commands.readings import Reading, parse_metrics, slowest_servers
from worker.commands.top import queues, read, render, top
from worker.probing.target import Protocol
from worker.queue.depth import Depth
from worker.queue.layout import Layout
from worker.queue.shard_clients import ShardClient
from worker.settings import Settings
from worker.telemetry.metrics import JobOutcome, Metrics


def page(jobs: int) -> str:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    for _ in range(jobs):
        metrics.observe_job(Kind.CREDENTIAL_TEST, JobOutcome.SUCCESS, 0.5, 0.1)
        auth = Phase(name=PhaseName.AUTH, state=PhaseState.OK, milliseconds=250)
        metrics.observe_probe(Protocol.IMAP, Code.OK, [auth])
    return generate_latest(registry).decode()


def report(address: str, milliseconds: float, code: Code = Code.OK) -> bytes:
    phase = Phase(name=PhaseName.GREETING, state=PhaseState.OK, milliseconds=milliseconds)
    probe = Probe(code=code, retryable=False, phases=(phase,), remote_address=address)
    return (
        Report(
            job_id="j",
            kind=Kind.CREDENTIAL_TEST,
            attempts=1,
            queue_wait_ms=1,
            duration_ms=1,
            worker_version="1",
            items=(ItemReport(smtp=probe),),
        )
        .model_dump_json(by_alias=True)
        .encode()
    )


def shown(before: Reading, now: Reading) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(render(before, now))
    return console.file.getvalue()


def test_rates_are_the_difference_of_two_readings():
    before, now = Reading(10.0, parse_metrics(page(4))), Reading(12.0, parse_metrics(page(10)))

    rate = now.rate(before, "mailvouch_jobs_total", kind="credential-test", outcome="success")
    assert rate == 3.0
    text = shown(before, now)
    assert "credential-test success" in text
    assert "imap OK" in text
    assert "250 ms" in text


def test_a_counter_that_began_anew_has_no_negative_rate():
    before, now = Reading(0.0, parse_metrics(page(9))), Reading(1.0, parse_metrics(page(2)))

    labels = {"kind": "credential-test", "outcome": "success"}
    assert now.rate(before, "mailvouch_jobs_total", **labels) == 2.0


def test_the_slowest_servers_come_first_and_unreadable_reports_are_left_out():
    servers = slowest_servers(
        [report("192.0.2.1", 10), b"{}", report("192.0.2.2", 900, Code.RATE_LIMITED)]
    )

    assert [server.address for server in servers] == ["192.0.2.2", "192.0.2.1"]
    assert servers[0].last_code == "RATE_LIMITED"


def test_what_cannot_be_read_is_told_on_the_page():
    server = fakeredis.FakeServer()
    server.connected = False
    with closing(fakeredis.FakeRedis(server=server)) as client:
        reading = read("http://127.0.0.1:1/metrics", [ShardClient(client, Layout("mailvouch"))])

    text = shown(reading, reading)
    assert "no metrics from http://127.0.0.1:1/metrics" in text
    assert "--url" in text
    assert "Redis does not answer: ConnectionError" in text


@pytest.mark.parametrize(
    "said",
    [
        b"\x1b[2JSSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nbroken off",
        b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 300 + b"\r\n",
    ],
    ids=["another service", "broken off", "too many headers"],
)
def test_what_is_no_http_is_told_on_the_page_in_plain_words(said):
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def answer():
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(said)

        threading.Thread(target=answer, daemon=True).start()
        reading = read(f"http://127.0.0.1:{listening.getsockname()[1]}/metrics", [])

    text = shown(reading, reading)
    assert "no metrics from" in text
    assert "\x1b" not in text


def test_a_reading_samples_the_stored_reports():
    with closing(fakeredis.FakeRedis()) as client:
        client.set("mailvouch:report:a", report("192.0.2.9", 40))
        reading = read("http://127.0.0.1:1/metrics", [ShardClient(client, Layout("mailvouch"))])

    assert [server.address for server in reading.servers] == ["192.0.2.9"]
    assert [depth.queue for depth in reading.depths] == ["credential-tests", "integration-updates"]


@pytest.fixture
def redis_url():
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    server.shutdown()
    server.server_close()


def test_queues_prints_json_for_scripts_and_a_table_for_people(redis_url):
    environment = {"MAILVOUCH_REDIS_URL": redis_url}
    answer = CliRunner().invoke(queues, ["--json"], env=environment)

    depths = [Depth(**depth) for depth in json.loads(answer.stdout)]
    assert depths[0] == Depth("credential-tests", 0, 0, 0, 0, 0.0)
    table = CliRunner().invoke(queues, [], env=environment).stdout
    assert "integration-updates" in table


def test_queues_without_redis_exits_with_four(tmp_path):
    unset = {"MAILVOUCH_REDIS_URL": "", "MAILVOUCH_DATA_DIR": str(tmp_path)}
    answer = CliRunner().invoke(queues, [], env=unset)
    assert answer.exit_code == 4
    assert "mailvouch-worker run" in answer.stderr


def test_queues_with_a_dead_redis_exits_with_four_and_names_place_and_remedy(tmp_path):
    url = "redis://:hunter2@127.0.0.1:1/0"
    dead = CliRunner().invoke(queues, [], env={"MAILVOUCH_REDIS_URL": url})
    assert dead.exit_code == 4
    assert "127.0.0.1:1 cannot be reached (connection refused)" in dead.stderr
    assert "MAILVOUCH_REDIS_URL" in dead.stderr
    assert "hunter2" not in dead.stderr

    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "redis.sock"))
    unset = {"MAILVOUCH_REDIS_URL": "", "MAILVOUCH_DATA_DIR": str(tmp_path)}
    embedded = CliRunner().invoke(queues, [], env=unset)
    assert (embedded.exit_code, "mailvouch-worker run" in embedded.stderr) == (4, True)


def test_queues_says_where_redis_refuses_the_password():
    error = unreachable(Settings(redis_url="redis://:hunter2@h:1/0"), redis.AuthenticationError())
    assert "check user and password in MAILVOUCH_REDIS_URL" in error.message
    assert "hunter2" not in error.message


@pytest.mark.parametrize("once", [["--once"], []], ids=["once", "in a pipe"])
def test_one_page_without_metrics_says_so_and_ends_with_4(monkeypatch, tmp_path, once):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        nobody = taken.getsockname()[1]
    with redis_process(tmp_path / "redis") as server:
        monkeypatch.setenv("MAILVOUCH_REDIS_URL", server.url)
        ended = CliRunner().invoke(
            top, [*once, "--interval", "0.2", "--url", f"http://127.0.0.1:{nobody}/metrics"]
        )
    assert ended.exit_code == 4
    assert "no metrics from" in ended.output


def test_phases_stand_in_the_order_in_which_they_run():
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    names = (PhaseName.TLS, PhaseName.AUTH, PhaseName.DNS)
    phases = [Phase(name=name, state=PhaseState.OK, milliseconds=1) for name in names]
    metrics.observe_probe(Protocol.SMTP, Code.OK, phases)
    reading = Reading(1.0, parse_metrics(generate_latest(registry).decode()))
    text = shown(reading, reading)
    assert text.index("smtp dns") < text.index("smtp tls") < text.index("smtp auth")


def test_a_live_page_has_a_header():
    console = Console(file=io.StringIO(), width=100)
    reading = Reading(1.0, {})
    console.print(render(reading, reading, "mailvouch-worker top"))
    assert console.file.getvalue().startswith("mailvouch-worker top")
