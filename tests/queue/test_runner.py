"""The worker inside this process, with Dramatiq's surface."""

import asyncio
import json
import subprocess
import sys
import time

import dramatiq
import pytest

from producer.contract.names import Queue
from tests.support.queueing import (
    CLEAN,
    NS,
    residue,
    result,
    submit,
    wait_for,
    wait_for_results,
)
from worker.queue.broker import AsyncActor, HardenedBroker
from worker.queue.jobs import Started
from worker.queue.observer import Silence
from worker.queue.runner import AsyncWorker
from worker.queue.setup import Setup

pytestmark = pytest.mark.redis_server


class Record(Silence):
    def __init__(self):
        self.heard = []

    def message_taken(self, delivery):
        self.heard.append(("taken", delivery.job_id))

    def message_left(self, delivery):
        self.heard.append(("left", delivery.job_id, delivery.settled))

    def job_crashed(self, delivery, error):
        self.heard.append(("crashed", delivery.job_id, type(error).__name__))

    def message_poisoned(self, poison):
        self.heard.append(("poisoned", poison.job_id, poison.flaw.name))

    def messages_given_back(self, queue, count):
        self.heard.append(("given back", count))


def error_result(queue, job_id, code, message):
    if job_id == "unsayable":
        raise ValueError("no result for this one")
    return json.dumps({"error": code}).encode(), b"{}"


@pytest.fixture
def record():
    return Record()


@pytest.fixture
def start(server, record):
    started = []

    def build(actor, **options):
        broker = HardenedBroker(server.url, namespace=NS)
        setup = Setup(broker, server.url, error_result, observer=record, **options)

        async def test_credentials(job_id):
            await actor(setup, job_id)

        dramatiq.actor(
            test_credentials,
            broker=broker,
            actor_class=AsyncActor,
            queue_name=Queue.CREDENTIAL_TESTS.value,
        )
        worker = AsyncWorker(setup)
        started.append((worker, broker))
        worker.start()
        return worker

    yield build
    for worker, broker in started:
        worker.stop(1000)
        broker.close()


async def succeed(setup, job_id):
    if isinstance(await setup.jobs.start(job_id), Started):
        await setup.jobs.finish(job_id, b'{"ok":true}', b"{}")


def test_a_paused_worker_takes_nothing_and_goes_on_when_resumed(start, client):
    worker = start(succeed)
    worker.pause()
    time.sleep(0.1)
    submit(client, ["job"])
    time.sleep(0.3)
    assert client.llen(f"{NS}:credential-tests") == 1
    worker.resume()
    worker.join()
    wait_for_results(client, ["job"])
    assert residue(client) == CLEAN


def test_the_observer_hears_of_each_message_once(start, client, record):
    worker = start(succeed)
    submit(client, ["job"])
    worker.join()
    assert record.heard == [("taken", "job"), ("left", "job", True)]


def test_an_actor_that_returns_without_a_result_ends_its_job_with_an_error(start, client, record):
    async def forget(setup, job_id):
        await setup.jobs.start(job_id)

    start(forget)
    submit(client, ["job"])
    wait_for_results(client, ["job"])
    assert result(client, "job") == {"error": "INTERNAL_SERVER_ERROR"}
    assert ("crashed", "job", "Unsettled") in record.heard


def test_an_actor_that_fails_before_its_start_ends_its_job_with_an_error(start, client):
    async def fail(setup, job_id):
        raise LookupError

    start(fail)
    submit(client, ["job"])
    wait_for_results(client, ["job"])
    wait_for(lambda: residue(client) == CLEAN)


def test_an_actor_that_cancels_itself_ends_its_job_with_an_error(start, client, record):
    async def cancel(setup, job_id):
        await setup.jobs.start(job_id)
        raise asyncio.CancelledError

    start(cancel)
    submit(client, ["job"])
    wait_for_results(client, ["job"])
    assert ("crashed", "job", "Unsettled") in record.heard


def test_an_actor_that_raises_after_its_finish_keeps_its_result(start, client, record):
    async def late(setup, job_id):
        await succeed(setup, job_id)
        raise ValueError

    start(late)
    submit(client, ["job"])
    wait_for_results(client, ["job"])
    wait_for(lambda: ("left", "job", True) in record.heard)
    assert result(client, "job") == {"ok": True}
    assert ("crashed", "job", "ValueError") in record.heard


def test_a_job_that_cannot_even_be_failed_becomes_a_dead_letter(start, client, record):
    async def fail(setup, job_id):
        await setup.jobs.start(job_id)
        raise ValueError

    start(fail)
    submit(client, ["unsayable"])
    wait_for(lambda: client.zcard(f"{NS}:credential-tests.XQ") == 1)
    wait_for(lambda: ("poisoned", "unsayable", "UNFINISHED") in record.heard)
    assert not client.exists(f"{NS}:running:unsayable")
    assert residue(client)["messages"] == 0


def test_a_job_that_shuts_its_ears_to_the_end_is_given_back(start, client, record):
    async def deaf(setup, job_id):
        await setup.jobs.start(job_id)
        await asyncio.sleep(60)

    worker = start(deaf)
    submit(client, ["job"])
    wait_for(lambda: worker.in_flight == 1 and client.exists(f"{NS}:running:job"))
    worker.stop(100)
    assert client.lrange(f"{NS}:credential-tests", 0, -1) == [b"rid-job"]
    assert ("given back", 1) in record.heard
    assert ("left", "job", False) in record.heard


SIGNALS_AT_EVERY_LINE = """
import os, signal, sys, threading
from worker.queue.runner import run

class Worker:
    def start(self):
        sys.settrace(trace)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()

    def stop(self):
        sys.settrace(None)
        print("stops", flush=True)

left = 100

def trace(frame, event, arg):
    # From the first handler on: at every line of Python that it runs, the signal comes again.
    global left
    if left and (left < 100 or isinstance(frame.f_locals.get("_frame"), type(frame))):
        left -= 1
        os.kill(os.getpid(), signal.SIGTERM)
    return trace

sys.exit(run(Worker()))
"""


def test_a_signal_that_comes_again_while_it_is_handled_is_the_same_signal():
    ended = subprocess.run(
        [sys.executable, "-c", SIGNALS_AT_EVERY_LINE],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "stops\n"), ended.stderr
