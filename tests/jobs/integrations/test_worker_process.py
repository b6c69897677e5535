"""Integration jobs from raw Redis commands to their results, by real worker processes."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from producer.contract.envelope import queue_message
from producer.contract.names import Keys, Queue
from producer.records.brands import add_brand
from producer.records.catalogue import import_catalogue
from producer.records.integrations import import_integrations
from producer.records.store import Record, StoreKeys
from producer.sealing.at_rest import PasswordVault
from producer.sealing.requests import write_store_key
from tests.support.integration_world import BODY, BRAND, GMAIL
from tests.support.redis_process import RedisProcess, redis_process
from tests.support.worker_process import running_worker, worker_environment

pytestmark = pytest.mark.redis_server

KEYS, STORE = Keys(), StoreKeys(Keys().namespace)
UPDATES = 200
READY_SECONDS = 180  # the start of a worker took 60 on a machine with a hundred busy processes


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisProcess]:
    with redis_process(tmp_path / "redis") as running:
        yield running


@pytest.fixture
def store_key(tmp_path: Path) -> Path:
    return write_store_key(tmp_path)


@pytest.fixture
def worker(server: RedisProcess, store_key: Path, tmp_path: Path) -> Iterator[None]:
    environment = worker_environment(
        tmp_path,
        REDIS_URL=server.url,
        STORE_KEYS=str(store_key),
        VERIFY_INTEGRATIONS="off",
        PROCESSES="2",
    )
    with running_worker(tmp_path, environment):
        yield


def submit(client: redis.Redis, job_id: str, envelope: dict, submitted_ms: int) -> None:
    """The contract's way to enqueue without our client."""
    queue = Queue.INTEGRATION_UPDATES
    with client.pipeline(transaction=True) as pipe:
        pipe.set(KEYS.request(job_id), json.dumps(envelope), nx=True, ex=600)
        message = queue_message(queue, job_id, f"r-{job_id}", submitted_ms)
        pipe.hset(KEYS.messages(queue), f"r-{job_id}", message)
        pipe.rpush(KEYS.queue(queue), f"r-{job_id}")
        pipe.execute()


def results(client: redis.Redis, job_ids: list[str]) -> dict[str, dict]:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        found = client.mget([KEYS.result(job_id) for job_id in job_ids])
        if all(found):
            return dict(zip(job_ids, map(json.loads, found), strict=True))
        time.sleep(0.1)
    raise AssertionError(f"{found.count(None)} jobs without a result")


@pytest.mark.slow
def test_200_updates_in_any_order_by_two_processes_end_with_the_one_submitted_last(
    server, worker, store_key
):
    with server.client() as client:
        auth_key = add_brand(client, STORE, BRAND).auth_key
        import_catalogue(client, STORE, [GMAIL.model_dump(mode="json", by_alias=True)])
        vault = PasswordVault.load([store_key])
        (one,) = import_integrations(client, STORE, vault, BRAND, [{**BODY, "id": "one"}])
        base_ms = int(time.time() * 1000) + 1
        order = list(range(UPDATES))
        random.Random(11).shuffle(order)
        for n in order:
            body = {**BODY, "name": f"update {n}"}
            envelope = {"version": 1, "kind": "integration-update", "id": one, "brandUrl": BRAND}
            submit(client, f"u{n}", {**envelope, "authKey": auth_key, "body": body}, base_ms + n)
        found = results(client, [f"u{n}" for n in order])
        record = Record.model_validate_json(client.hget(STORE.records(BRAND), one))
    assert record.name == f"update {UPDATES - 1}"
    assert found[f"u{UPDATES - 1}"]["success"] is True
    assert {answer["statusCode"] for answer in found.values()} <= {200, 409}
