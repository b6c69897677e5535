"""`dramatiq worker.app` and Dramatiq's own clients."""

import os
import signal
import subprocess
import sys
import time

import dramatiq
import pytest
from dramatiq.brokers.redis import RedisBroker

from producer.contract.names import Queue
from tests.support.queueing import (
    CLEAN,
    NS,
    residue,
    submit,
    toy_worker,
    wait_for,
    wait_for_results,
)

pytestmark = pytest.mark.redis_server


@pytest.fixture
def command(server, client):
    started = []

    def start(*flags):
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "dramatiq", "tests.support.toy_app", *flags],
                env=os.environ | {"TOY_REDIS_URL": server.url},
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_only_the_queues_that_were_named_are_consumed(command, client):
    command("--processes", "1", "--queues", "integration-updates")
    submit(client, ["other"])
    submit(client, ["mine"], queue=Queue.INTEGRATION_UPDATES)
    wait_for_results(client, ["mine"])
    assert client.llen(f"{NS}:credential-tests") == 1


def test_a_producer_with_stock_dramatiq_is_served_at_once_and_later(server, client):
    stock = RedisBroker(client=server.client(), namespace=NS)

    def test_credentials(job_id):
        raise AssertionError("declared here only to be sent")

    actor = dramatiq.actor(test_credentials, broker=stock, queue_name="credential-tests")
    for job in ("now", "later"):
        client.set(f"{NS}:request:{job}", "{}")
    with toy_worker(server):
        began = time.monotonic()
        actor.send("now")
        actor.send_with_options(args=("later",), delay=1500)
        wait_for_results(client, ["now"])
        wait_for_results(client, ["later"])
        assert time.monotonic() - began >= 1.5
        wait_for(lambda: residue(client) == CLEAN)
    assert client.exists(f"{NS}:credential-tests.DQ.msgs") == 0
    stock.close()
