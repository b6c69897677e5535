"""A Redis that hangs holds up neither the start nor the end of a gateway."""

import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from producer.records.store import StoreKeys
from tests.support.gateway import NAMESPACE
from tests.support.trickling_redis import TricklingRedis
from tests.support.worker_process import worker_environment

pytestmark = pytest.mark.redis_server


@contextmanager
def gateway_at(url, folder):
    """A gateway's process and its address."""
    environment = worker_environment(folder, REDIS_URL=url, SHUTDOWN_SECONDS="1")
    with subprocess.Popen(
        [sys.executable, "-m", "producer.cli", "gateway", "--port", "0"],
        cwd=Path(__file__).parents[3],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            address = re.search(r"http://\S+", process.stderr.readline())[0]
            while '"gateway_started"' not in process.stderr.readline():
                pass
            yield process, address
        finally:
            process.kill()


@pytest.fixture
def trickling(server):
    made = []

    def make(trigger):
        made.append(TricklingRedis(server.port, trigger))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_thread_that_reads_a_redis_that_hangs_does_not_hold_up_the_end(tmp_path, shop, trickling):
    redis = trickling(StoreKeys(NAMESPACE).records("shop.example").encode())
    with gateway_at(redis.url, tmp_path) as (process, address):
        answers = []

        def ask():
            url = f"{address}/api/v1/app-integrations/smtp"
            answers.append(httpx.get(url, headers=shop, timeout=60))

        asking = threading.Thread(target=ask)
        asking.start()
        assert redis.trickles.wait(60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        asking.join()
        assert [answer.status_code for answer in answers] == [503]


def test_a_redis_that_hangs_does_not_hold_up_the_start(tmp_path, trickling):
    with gateway_at(trickling(b"").url, tmp_path) as (process, address):
        assert httpx.get(f"{address}/healthz", timeout=60).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
