"""Health, limits, outages and the end of a gateway."""

import asyncio
import fcntl
import gc
import json
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import httpx
import pytest
import structlog
from click.testing import CliRunner

from producer.commands.gateway import gateway as gateway_command
from producer.gateway.claims import SubmitLimits
from producer.gateway.redis_calls import MAX_CALLS, RedisCalls
from producer.gateway.serve import address_of, listen, run, serve
from producer.gateway.store import GatewayStore
from producer.gateway.workers import read_beats
from producer.records.subscribers import add_subscriber
from producer.redis_failures import RedisUnavailableError
from producer.redis_url import parse_redis_url
from tests.support.certificates import authority
from tests.support.gateway import BODY, NAMESPACE, RESULT, TEST_PATH, running_gateway, settings
from tests.support.redis_process import redis_process
from tests.support.waiting import ends_whenever_cancelled
from tests.support.worker_process import worker_environment

pytestmark = pytest.mark.redis_server
ASYNC = {"Prefer": "respond-async"}


async def test_health_is_the_process_and_readiness_redis_and_a_worker(gateway, worker, store):
    assert (await gateway.get("/healthz")).status_code == 200
    ready = await gateway.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"redis": True, "workers": 1})


async def test_a_gateway_whose_background_task_died_says_so(gateway, worker):
    (arrivals,) = [task for task in asyncio.all_tasks() if "Arrivals.run" in repr(task)]
    assert (await gateway.get("/healthz")).status_code == 200
    arrivals.cancel()
    await asyncio.wait({arrivals})
    assert (await gateway.get("/healthz")).status_code == 503


@pytest.mark.parametrize(("setting", "value"), [("maxmemory", "1"), ("min-replicas-to-write", "1")])
async def test_a_gateway_whose_redis_takes_no_writes_is_not_ready(
    gateway, worker, store, setting, value
):
    keys = set(store.keys())
    was = store.config_get(setting)[setting]
    store.config_set(setting, value)
    try:
        ready = await gateway.get("/readyz")
    finally:
        store.config_set(setting, was)
    assert (ready.status_code, ready.json()) == (503, {"redis": False, "workers": 0})
    assert (await gateway.get("/readyz")).status_code == 200
    assert set(store.keys()) == keys, "the write that is tried changes nothing"


async def test_without_a_worker_nothing_is_enqueued_for_who_would_wait(gateway, crm, store):
    ready = await gateway.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"redis": True, "workers": 0})

    waiting = await gateway.post(TEST_PATH, json=BODY, auth=crm)
    assert waiting.status_code == 503
    assert waiting.json()["errors"][0]["errorCode"] == "SERVICE_UNAVAILABLE"
    assert int(waiting.headers["retry-after"]) >= 1
    assert store.llen("mailvouch:credential-tests") == 0

    for preferred in ("respond-async", "respond-async, wait=0.1", "wait=1, respond-async"):
        answer = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers={"Prefer": preferred})
        assert answer.status_code == 202


async def test_beats_from_before_a_clock_that_was_set_back_are_no_worker(gateway, store):
    store.zadd("mailvouch:__heartbeats__", {"dead": 1000 * (store.time()[0] + 3600)})
    ready = await gateway.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"redis": True, "workers": 0})


async def test_a_worker_that_restarts_costs_nobody_a_503(gateway, crm, worker, store):
    await gateway.get("/readyz")
    store.delete("mailvouch:__heartbeats__")  # as a worker does that ends
    assert (await gateway.get("/readyz")).status_code == 200
    asked = asyncio.create_task(gateway.post(TEST_PATH, json=BODY, auth=crm))
    await worker.answer_next()
    assert (await asked).status_code == 200


@pytest.mark.parametrize(("age_seconds", "present"), [(10, True), (16, False)])
async def test_a_beat_counts_for_fifteen_seconds(gateway, silent_worker, age_seconds, present):
    await silent_worker.beat(age_seconds=age_seconds)
    assert ((await gateway.get("/readyz")).status_code == 200) is present


async def test_a_result_that_is_there_needs_no_worker(gateway, crm, silent_worker):
    headers = {"Idempotency-Key": "k"}
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=headers | ASYNC)
    await silent_worker.answer_next()
    answer = await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=headers)
    assert (answer.status_code, answer.json()) == (200, RESULT)


async def test_the_rate_is_one_callers_over_all_gateways(store, server, crm, worker):
    chosen = settings(server.url, gateway_requests_per_minute=3)
    rival = httpx.BasicAuth("rival", add_subscriber(store, NAMESPACE, "rival", []).password)
    async with running_gateway(chosen) as one, running_gateway(chosen) as other:
        for client in (one, other, one):
            answer = await client.post(TEST_PATH, json=BODY, auth=crm, headers=ASYNC)
            assert answer.status_code == 202
        limited = await other.post(TEST_PATH, json=BODY, auth=crm, headers=ASYNC)
        assert limited.status_code == 429
        assert 1 <= int(limited.headers["retry-after"]) <= 60
        assert limited.json()["errors"][0]["errorCode"] == "TOO_MANY_REQUESTS"

        assert (await one.get(answer.headers["location"], auth=crm)).status_code == 202
        mine = await one.post(TEST_PATH, json=BODY, auth=rival, headers=ASYNC)
        assert mine.status_code == 202


async def test_a_subscriber_of_some_dealers_is_refused_for_others(gateway, store, worker):
    made = add_subscriber(store, NAMESPACE, "partner", ["dealer-1", "dealer-2"])
    auth = httpx.BasicAuth("partner", made.password)
    mine = await gateway.post(TEST_PATH, json=BODY, auth=auth, headers=ASYNC)
    other = await gateway.post(TEST_PATH.replace("dealer-1", "dealer-3"), json=BODY, auth=auth)
    assert (mine.status_code, other.status_code) == (202, 403)
    assert other.json()["errors"][0]["errorCode"] == "REQUEST_NOT_AUTHORIZED"


async def test_a_dealer_of_129_characters_is_a_400_and_one_of_128_is_not(gateway, crm, worker):
    for length, status in ((128, 202), (129, 400)):
        path = TEST_PATH.replace("dealer-1", "%C3%BC" * length)
        answer = await gateway.post(path, json=BODY, auth=crm, headers=ASYNC)
        assert answer.status_code == status


async def test_without_redis_it_is_a_503_and_never_a_401(tmp_path):
    with redis_process(tmp_path / "redis") as server, server.client() as store:
        auth = ("crm", add_subscriber(store, NAMESPACE, "crm", []).password)
        async with running_gateway(settings(server.url)) as client:
            server.kill()
            for credential in (auth, ("crm", "wrong")):
                answer = await client.post(TEST_PATH, json=BODY, auth=credential)
                assert answer.status_code == 503
                assert "retry-after" in answer.headers
            brand = {"Brand-URL": "x", "Auth-Key": "y"}
            answer = await client.get("/api/v1/app-integrations/smtp", headers=brand)
            assert answer.json()["errors"][0]["code"] == "ServiceUnavailable"
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()) == (503, {"redis": False, "workers": 0})

            server.start()
            assert (await client.post(TEST_PATH, json=BODY, auth=auth)).status_code != 401


async def test_a_call_waits_for_its_turn_at_redis_for_a_bounded_time(server):
    """So a Redis that hangs costs each request its own time, not that of all before it."""
    calls = RedisCalls(parse_redis_url(server.url), queue_seconds=0.05)
    for _ in range(MAX_CALLS):
        await calls._calls.acquire()
    with pytest.raises(RedisUnavailableError):
        await calls.ask("GET", "x")
    calls._calls.release()
    assert await calls.ask("GET", "x") is None
    await calls.close()


async def test_a_redis_that_restarts_during_a_wait_loses_nothing(tmp_path):
    with redis_process(tmp_path / "redis", "--appendfsync", "always") as server:
        with server.client() as store:
            auth = ("crm", add_subscriber(store, NAMESPACE, "crm", []).password)
            store.zadd("mailvouch:__heartbeats__", {"w": time.time() * 1000})
        async with running_gateway(settings(server.url)) as client:
            key = {"Idempotency-Key": "k"}
            asked = asyncio.create_task(client.post(TEST_PATH, json=BODY, auth=auth, headers=key))
            with server.client() as store:
                await asyncio.to_thread(store.blpop, ["mailvouch:credential-tests"], 10)
            server.kill()
            server.start()
            with server.client() as store:
                store.set("mailvouch:result:k", json.dumps(RESULT))
                store.delete("mailvouch:request:k")
            answer = await asyncio.wait_for(asked, 15)
            assert (answer.status_code, answer.json()) == (200, RESULT)


async def test_whoever_waits_a_gateway_holds_at_most_20_connections(gateway, crm, worker, store):
    limits = httpx.Limits(max_connections=200)
    async with httpx.AsyncClient(base_url=gateway.base_url, timeout=60, limits=limits) as many:
        before = len(store.client_list())
        asked = [asyncio.create_task(many.post(TEST_PATH, json=BODY, auth=crm)) for _ in range(200)]
        jobs = []
        for _ in asked:
            await worker.beat()  # on a busy machine the first one counts no longer
            jobs.append(await worker.take())
        assert len(store.client_list()) - before <= 20
        for job_id in jobs:
            await worker.finish(job_id, RESULT)
        answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["content-location"] for answer in answers} == {
        f"/jobs/{job_id}" for job_id in jobs
    }


async def test_at_the_end_waits_get_their_202_and_results_that_come_in_time_their_200(
    store, server, crm, worker
):
    listeners = listen("127.0.0.1", 0)
    address = address_of(listeners[0], tls=False)
    stopping = asyncio.Event()
    chosen = settings(server.url, shutdown_seconds=7)
    serving = asyncio.create_task(serve(chosen, listeners, None, stopping))
    async with httpx.AsyncClient(base_url=address, timeout=30) as client:
        asked = [asyncio.create_task(client.post(TEST_PATH, json=BODY, auth=crm)) for _ in range(2)]
        first, second = [await worker.take() for _ in asked]
        async with client.stream("GET", f"/jobs/{second}/events", auth=crm) as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "event: progress"
            stopping.set()
            assert "event: done" not in [line async for line in lines]
        with pytest.raises(httpx.ConnectError):
            async with httpx.AsyncClient(base_url=address) as late:
                await refused(late)
        await worker.finish(first, RESULT)
        answers = {one.headers["content-location"]: one for one in await asyncio.gather(*asked)}
    await asyncio.wait_for(serving, 30)
    assert answers[f"/jobs/{first}"].status_code == 200
    assert answers[f"/jobs/{second}"].status_code == 202


async def test_what_is_still_at_work_at_the_end_is_a_503_in_its_familys_shape(store, server, crm):
    async with running_gateway(settings(server.url, shutdown_seconds=1)) as client:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        head = [
            f"POST {TEST_PATH} HTTP/1.1",
            "Host: x",
            f"Authorization: {crm._auth_header}",
            "Content-Type: application/json",
            "Content-Length: 100",
            "Expect: 100-continue",
        ]
        writer.write("\r\n".join([*head, "", ""]).encode())
        begun = await reader.readuntil(b"\r\n\r\n")
    header, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert begun.startswith(b"HTTP/1.1 100 ")
    assert header.startswith(b"HTTP/1.1 503 ")
    for line in (b"retry-after: 5", b"x-content-type-options: nosniff"):
        assert line in header.lower()
    assert json.loads(body)["errors"][0]["errorCode"] == "SERVICE_UNAVAILABLE"


async def refused(client):
    """A client that comes in the moment of closing is cut off."""
    async with asyncio.timeout(30):
        while True:
            with suppress(httpx.RemoteProtocolError, httpx.ReadError):
                await client.get("/healthz")


async def test_the_log_has_one_line_a_request_and_nothing_of_what_was_sent(
    gateway, crm, worker, shop
):
    canary = "Zq7-canary"
    body = {"emailCredentialsRequests": [{"password": canary}], canary: canary}
    with structlog.testing.capture_logs() as lines:
        await gateway.post(
            f"/dealers/{canary}/email-credentials/test?q={canary}",
            json=body,
            auth=crm,
            headers=ASYNC | {"X-Canary": canary},
        )
        await gateway.get(f"/{canary}", auth=("x", canary))
        await gateway.get("/api/v1/app-integrations/smtp", headers=shop)
        refused_answer = await gateway.post(TEST_PATH, json=body, auth=(canary, canary))
    assert canary not in repr(lines)
    submit, unknown, listed, wrong = [line for line in lines if line["event"] == "request"]
    assert submit["route"] == "/dealers/{dealerUUID}/email-credentials/test"
    assert (submit["method"], submit["status"], submit["subscriber"]) == ("POST", 202, "crm")
    assert submit["job_id"] == await worker.take()
    assert {"duration_ms", "client"} <= submit.keys()
    assert (unknown["route"], unknown["status"]) == ("other", 404)
    assert listed["brand"] == "shop.example"
    (error,) = refused_answer.json()["errors"]
    assert [one["error_id"] for one in wrong["errors"]] == [error["errorUID"]]


async def test_metrics_count_routes_of_a_closed_set(gateway, crm, worker):
    await gateway.post(TEST_PATH, json=BODY, auth=crm, headers=ASYNC)
    await gateway.request("BREW", "/pot")
    page = (await gateway.get("/metrics")).text
    route = 'route="/communications/dealers/{dealerUUID}/email-credentials/test"'
    assert f'mailvouch_gateway_requests_total{{method="POST",{route},status="202"}} 1.0' in page
    other = 'mailvouch_gateway_requests_total{method="other",route="other",status="404"} 1.0'
    assert other in page
    assert f"mailvouch_gateway_request_seconds_count{{{route}}} 1.0" in page
    assert "mailvouch_gateway_waiting 0.0" in page


class Command:
    """`mailvouch gateway` as a user starts it."""

    def __init__(self, folder, **chosen):
        self.environment = worker_environment(folder, **chosen)
        self.folder = folder

    def run(self, *words):
        return subprocess.run(
            [sys.executable, "-m", "producer.cli", *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )


@pytest.mark.parametrize(
    ("chosen", "named"),
    [
        ({"GATEWAY_PORT": "99999"}, "MAILVOUCH_GATEWAY_PORT"),
        ({"GATEWAY_WAIT_SECONDS": "soon"}, "MAILVOUCH_GATEWAY_WAIT_SECONDS"),
        ({"GATEWAY_HOST": "0.0.0.0"}, "MAILVOUCH_GATEWAY_HOST"),
        ({"GATEWAY_HOST": "::"}, "MAILVOUCH_GATEWAY_HOST"),
        ({"GATEWAY_TRUSTED_PROXIES": "10.0.0.0/99"}, "MAILVOUCH_GATEWAY_TRUSTED_PROXIES"),
        ({"GATEWAY_TLS_CERT": "/nowhere"}, "MAILVOUCH_GATEWAY_TLS_CERT"),
        ({"GATEWAY_TLS_CERT": "/etc/hostname"}, "MAILVOUCH_GATEWAY_TLS_KEY"),
        (
            {"GATEWAY_TLS_CERT": "/etc/hostname", "GATEWAY_TLS_KEY": "/etc/hostname"},
            "MAILVOUCH_GATEWAY_TLS_CERT",
        ),
        ({"PUBLIC_KEY": "/etc/hostname"}, "MAILVOUCH_PUBLIC_KEY"),
        ({"GATEWAY_HOST": "no.such.host.invalid", "GATEWAY_TRUSTED_PROXIES": "::1"}, "GATEWAY_"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(tmp_path, monkeypatch, chosen, named):
    monkeypatch.chdir(tmp_path)  # no .env of the checkout
    chosen = {"REDIS_URL": "redis://127.0.0.1:1", **chosen}
    environment = {f"MAILVOUCH_{name}": value for name, value in chosen.items()}
    ended = CliRunner().invoke(gateway_command, env=environment)
    assert (ended.exit_code, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert named in line


def test_the_command_loads_nothing_that_it_does_not_use():
    """Six megabytes of a process that is to hold thousands of waiting requests in 120."""
    script = "import sys, producer.commands.gateway; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.partition(".")[0] for name in ended.stdout.split()}
    assert not loaded & {"rich", "pygments", "opentelemetry", "dramatiq", "worker"}
    assert {"redis", "structlog", "starlette"} <= loaded


def test_a_port_that_is_taken_stops_the_start_with_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = Command(tmp_path, REDIS_URL="redis://127.0.0.1:1").run("gateway", "--port", port)
    assert ended.returncode == 2
    assert "MAILVOUCH_GATEWAY_PORT" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_without_the_embedded_redis_it_says_what_to_start(tmp_path):
    ended = Command(tmp_path).run("gateway")
    assert ended.returncode == 4
    assert "mailvouch-worker run" in ended.stderr


def test_sigterm_ends_it_with_0_though_the_named_redis_is_away(tmp_path):
    command = Command(tmp_path, REDIS_URL="redis://127.0.0.1:1", GATEWAY_PORT="0")
    process = subprocess.Popen(
        [sys.executable, "-m", "producer.cli", "gateway"],
        cwd=tmp_path,
        env=command.environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    address = re.search(r"http://\S+", first)
    assert address is not None, first
    while '"gateway_started"' not in process.stderr.readline():
        pass
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    assert httpx.get(f"{address[0]}/healthz", headers=upgrade).status_code == 200
    process.send_signal(signal.SIGTERM)
    lines = process.stderr.read().splitlines()
    # A sentence of its own says, at whatever moment, that Redis is away.
    logged = [json.loads(line)["event"] for line in lines if not line.startswith("for now: ")]
    ours = ["request", "gateway_stopping", "gateway_stopped"]  # none of uvicorn's own
    assert [event for event in logged if event != "redis_unavailable"] == ours
    assert process.wait(100) == 0
    process.stderr.close()


async def test_what_was_imported_is_not_searched_for_cycles(server):
    """Each search took 40 ms, in which nobody was answered."""
    chosen = settings(server.url, shutdown_seconds=0.1)
    gc.unfreeze()  # what tests/conftest.py froze
    running = asyncio.create_task(run(chosen, listen("127.0.0.1", 0), None))
    await asyncio.sleep(0)
    frozen, searched = gc.get_freeze_count(), len(gc.get_objects())
    signal.raise_signal(signal.SIGTERM)
    await running
    assert frozen > 10 * searched


def test_a_gateway_whose_log_nobody_reads_answers_and_stops(tmp_path):
    command = Command(tmp_path, REDIS_URL="redis://127.0.0.1:1", GATEWAY_PORT="0")
    with subprocess.Popen(
        [sys.executable, "-m", "producer.cli", "gateway"],
        cwd=tmp_path,
        env=command.environment,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
            address = re.search(r"https?://\S+", process.stderr.readline().decode())[0]
            with httpx.Client(base_url=address, timeout=20) as client:
                assert {client.get("/nothing").status_code for _ in range(100)} == {404}
            process.terminate()
            assert process.wait(100) == 0
            assert b"log_lines_dropped" not in process.stderr.read(), "they waited in memory"
        finally:
            process.kill()


ENDED = """
import asyncio, logging
from producer.gateway.logs import configure

configure("INFO", "json")
for kind in (asyncio.CancelledError, ValueError):
    try:
        raise kind("text")
    except BaseException as error:  # as uvicorn logs what an application raises
        logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
"""


def test_an_answer_that_is_cut_off_at_the_end_is_no_error_in_the_log():
    done = subprocess.run([sys.executable, "-c", ENDED], capture_output=True, text=True, check=True)
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["exception"] == "ValueError"


def test_clients_that_open_every_connection_there_can_be_leave_files_for_redis_and_pages(tmp_path):
    """Of what is needed later nothing may fail: a codec, a template, a connection to Redis."""
    with redis_process(tmp_path / "redis") as server, server.client() as store:
        crm = add_subscriber(store, NAMESPACE, "crm", []).password
        command = Command(tmp_path, REDIS_URL=server.url, GATEWAY_PORT="0")
        with (
            few_files_gateway(command, 96) as address,
            ExitStack() as opened,
            httpx.Client(base_url=address, auth=("crm", crm), timeout=20) as client,
        ):
            assert client.get("/healthz").status_code == 200
            place = address.removeprefix("http://").split(":")
            taken = [opened.enter_context(socket.create_connection(place)) for _ in range(150)]
            assert ended_at_once(taken[-1])
            assert client.get("/").status_code == 200
            answer = client.post(TEST_PATH, json=BODY, headers=ASYNC)
            assert answer.status_code == 202


def test_clients_that_begin_no_handshake_leave_files_too(tmp_path):
    """Of a connection over TLS our protocol hears after its handshake only."""
    issued = authority().issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    tls = {"GATEWAY_TLS_CERT": str(chain), "GATEWAY_TLS_KEY": str(key)}
    with redis_process(tmp_path / "redis") as server, server.client() as store:
        crm = add_subscriber(store, NAMESPACE, "crm", []).password
        command = Command(
            tmp_path, REDIS_URL=server.url, GATEWAY_PORT="0", GATEWAY_READ_SECONDS="3600", **tls
        )
        with (
            few_files_gateway(command, 96) as address,
            ExitStack() as opened,
            httpx.Client(base_url=address, auth=("crm", crm), timeout=20, verify=False) as client,
        ):
            assert client.get("/healthz").status_code == 200
            place = address.removeprefix("https://").split(":")
            taken = [opened.enter_context(socket.create_connection(place)) for _ in range(150)]
            taken[-1].settimeout(20)
            assert ended_at_once(taken[-1])
            assert client.get("/").status_code == 200
            answer = client.post(TEST_PATH, json=BODY, headers=ASYNC)
            assert answer.status_code == 202


@contextmanager
def few_files_gateway(command, files):
    started = f'ulimit -n {files}; exec "$0" -m producer.cli gateway'
    with subprocess.Popen(
        ["sh", "-c", started, sys.executable],
        cwd=command.folder,
        env=command.environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield re.search(r"https?://\S+", process.stderr.readline())[0]
        finally:
            process.kill()


def ended_at_once(connection):
    with suppress(ConnectionResetError):
        return connection.recv(1) == b""
    return True


async def test_a_background_task_of_the_gateway_can_be_cancelled_at_any_moment(store, server):
    chosen = settings(server.url)
    limits = SubmitLimits(chosen.request_ttl_seconds, chosen.result_ttl_seconds, 0)
    gateway_store = GatewayStore(chosen.redis(), chosen.keyspace, limits)

    await read_beats(gateway_store.shards)  # connected
    await ends_whenever_cancelled(partial(read_beats, gateway_store.shards))
    await gateway_store.close()


@pytest.mark.slow
def test_subscribers_are_added_listed_and_revoked(tmp_path, store, server):
    command = Command(tmp_path, REDIS_URL=server.url)
    added = command.run("subscribers", "add", "crm@x_1.-", "--dealer", "d1", "--json")
    document = json.loads(added.stdout)
    assert document.keys() == {"name", "password"}
    listed = command.run("subscribers", "list", "--json")
    assert json.loads(listed.stdout) == [{"name": "crm@x_1.-", "dealers": ["d1"]}]
    assert document["password"] not in listed.stdout + repr(
        store.hgetall(f"{NAMESPACE}:gateway:subscribers")
    )
    codes = [
        command.run("subscribers", *words).returncode
        for words in (
            ("add", "crm@x_1.-"),
            ("add", "no spaces"),
            ("add", "x" * 65),
            ("revoke", "crm@x_1.-"),
            ("revoke", "crm@x_1.-"),
        )
    ]
    assert codes == [2, 2, 2, 0, 5]
