"""The worker inside this process, with Dramatiq's surface."""

import asyncio
import json
import signal
import subprocess
import sys
import threading

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
from tests.support.round_trips import RoundTrips
from worker.queue.broker import AsyncActor, HardenedBroker
from worker.queue.jobs import Jobs, Started
from worker.queue.observer import Observer
from worker.queue.runner import AsyncWorker
from worker.queue.setup import Setup, Shard
from worker.queue.slots import part, waiting
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link

pytestmark = pytest.mark.redis_server


class Record(Observer):
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

    def messages_given_back(self, count):
        self.heard.append(("given back", count))


def error_result(failed):
    if failed.job_id == "unsayable":
        raise ValueError("no result for this one")
    return json.dumps({"error": failed.code}).encode(), b"{}"


@pytest.fixture
def record():
    return Record()


@pytest.fixture
def trips(server):
    return RoundTrips(server.url)


@pytest.fixture
def start(server, record):
    started = []

    def build(actor, **options):
        broker = HardenedBroker(server.url, namespace=NS)
        pool = async_pool(server.url)
        link = Link(pool)
        jobs = Jobs(link, broker.layout, broker.broker_id, error_result)
        bounds = {"concurrency": 1000, "shutdown_seconds": 30.0} | options
        shard = Shard(broker.layout, pool, link, jobs)
        setup = Setup(broker, (shard,), observer=record, **bounds)

        async def test_credentials(job_id):
            await actor(jobs, job_id)

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


async def succeed(jobs, job_id):
    if isinstance(await jobs.start(job_id), Started):
        await jobs.finish(job_id, b'{"ok":true}', b"{}")


def test_a_paused_worker_takes_nothing_and_goes_on_when_resumed(start, client, trips):
    worker = start(succeed, companions=(trips,))
    worker.pause()
    trips.pass_by()
    submit(client, ["job"])
    trips.pass_by()
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
    async def forget(jobs, job_id):
        await jobs.start(job_id)

    start(forget)
    submit(client, ["job"])
    wait_for_results(client, ["job"])
    assert result(client, "job") == {"error": "INTERNAL_SERVER_ERROR"}
    assert ("crashed", "job", "Unsettled") in record.heard


def test_an_actor_that_fails_before_its_start_ends_its_job_with_an_error(start, client):
    async def fail(jobs, job_id):
        raise LookupError

    start(fail)
    submit(client, ["job"])
    wait_for_results(client, ["job"])
    wait_for(lambda: residue(client) == CLEAN)


def test_an_actor_that_cancels_itself_ends_its_job_with_an_error(start, client, record):
    async def cancel(jobs, job_id):
        await jobs.start(job_id)
        raise asyncio.CancelledError

    start(cancel)
    submit(client, ["job"])
    wait_for_results(client, ["job"])
    assert ("crashed", "job", "Unsettled") in record.heard


def test_an_actor_that_raises_after_its_finish_keeps_its_result(start, client, record):
    async def late(jobs, job_id):
        await succeed(jobs, job_id)
        raise ValueError

    start(late)
    submit(client, ["job"])
    wait_for_results(client, ["job"])
    wait_for(lambda: ("left", "job", True) in record.heard)
    assert result(client, "job") == {"ok": True}
    assert ("crashed", "job", "ValueError") in record.heard


def test_a_job_that_cannot_even_be_failed_becomes_a_dead_letter(start, client, record):
    async def fail(jobs, job_id):
        await jobs.start(job_id)
        raise ValueError

    start(fail)
    submit(client, ["unsayable"])
    wait_for(lambda: client.zcard(f"{NS}:credential-tests.XQ") == 1)
    wait_for(lambda: ("poisoned", "unsayable", "UNFINISHED") in record.heard)
    assert not client.exists(f"{NS}:running:unsayable")
    assert residue(client)["messages"] == 0


def test_a_job_that_has_not_ended_when_the_drain_does_is_given_back(start, client, record):
    async def endless(jobs, job_id):
        await jobs.start(job_id)
        await asyncio.sleep(60)

    worker = start(endless)
    submit(client, ["job"])
    wait_for(lambda: worker.in_flight == 1 and client.exists(f"{NS}:running:job"))
    worker.stop(100)
    assert client.lrange(f"{NS}:credential-tests", 0, -1) == [b"rid-job"]
    assert ("given back", 1) in record.heard
    assert ("left", "job", False) in record.heard


ONE_SIGNAL = """
import os, sys
from worker.queue.runner import run

class Worker:
    def start(self):
        os.kill(os.getpid(), int(sys.argv[1]))

    def stop(self):
        print("stops", flush=True)

sys.exit(run(Worker()))
"""


@pytest.mark.usefixtures("heard_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_stop_drains(number):
    ended = subprocess.run(
        [sys.executable, "-c", ONE_SIGNAL, str(int(number))],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "stops\n"), ended.stderr


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
        timeout=100,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, "stops\n"), ended.stderr


def begin_to_drain(worker, client, trips):
    """In a thread, which ends with the drain. First an idle fetcher gives its blocked call up."""
    wait_for(lambda: client.info("clients")["blocked_clients"] == 1)
    stopping = threading.Thread(target=worker.stop, args=(30_000,))
    stopping.start()
    wait_for(lambda: client.info("clients")["blocked_clients"] == 0)
    trips.pass_by()
    return stopping


async def wait_if_told(jobs, job_id):
    """One part, which waits to be let in, if the job's name says so."""
    if isinstance(await jobs.start(job_id), Started):
        if job_id.startswith("waits"):
            with part(), waiting():
                await asyncio.sleep(60)
        await jobs.finish(job_id, b'{"ok":true}', b"{}")


def test_jobs_that_wait_hold_up_no_others_and_are_still_in_hand(start, client):
    worker = start(wait_if_told, concurrency=1)
    submit(client, ["waits-1", "waits-2", "waits-3", "quick"])
    wait_for_results(client, ["quick"], 20)
    wait_for(lambda: worker.in_flight == 3)


def test_a_drain_gives_those_who_wait_back_at_once_and_in_their_order(start, client, record):
    jobs = ["waits-1", "waits-2", "waits-3"]
    worker = start(wait_if_told, concurrency=1, shutdown_seconds=120.0)
    submit(client, jobs)
    wait_for(lambda: worker.in_flight == 3 and all(map(started_once(client), jobs)))
    worker.stop(120_000)  # they wait for 60 s, and would end
    assert client.lrange(f"{NS}:credential-tests", 0, -1) == [b"rid-" + j.encode() for j in jobs]
    assert not any(map(started_once(client), jobs)), "it does not count as a start"
    assert [entry for entry in record.heard if entry[0] == "given back"] == [("given back", 3)]


def started_once(client):
    return lambda job: client.exists(f"{NS}:running:{job}", f"{NS}:attempts:{job}") == 1


def test_a_job_that_comes_to_wait_in_a_drain_is_given_back_then(start, client, trips):
    work_is_done = threading.Event()

    async def wait_later(jobs, job_id):
        await jobs.start(job_id)
        await asyncio.to_thread(work_is_done.wait)
        with part(), waiting():
            await asyncio.sleep(60)

    worker = start(wait_later, companions=(trips,))
    submit(client, ["job"])
    wait_for(lambda: started_once(client)("job"))
    stopping = begin_to_drain(worker, client, trips)
    work_is_done.set()
    stopping.join(20)
    assert not stopping.is_alive()
    assert client.lrange(f"{NS}:credential-tests", 0, -1) == [b"rid-job"]


def test_a_drain_waits_for_a_waiting_job_that_has_found_something(start, client, trips):
    waits = threading.Event()
    go_on = threading.Event()

    async def find_one_thing_and_wait(jobs, job_id):
        await jobs.start(job_id)
        with part():
            pass
        with part(), waiting():
            waits.set()
            await asyncio.to_thread(go_on.wait)
        await jobs.finish(job_id, b'{"ok":true}', b"{}")

    worker = start(find_one_thing_and_wait, companions=(trips,))
    submit(client, ["job"])
    assert waits.wait(30)
    try:
        stopping = begin_to_drain(worker, client, trips)
    finally:
        go_on.set()
    stopping.join(20)
    assert result(client, "job") == {"ok": True}


def test_what_runs_beside_the_jobs_may_fail_without_ending_any(start, client):
    calls = []

    async def fail():
        calls.append(1)
        raise OSError(28, "No space left on device")

    worker = start(succeed, companions=(fail,))
    submit(client, ["job"])
    wait_for_results(client, ["job"])
    wait_for(lambda: len(calls) == 2)
    assert worker.in_flight == 0


def test_a_stop_waits_for_no_thread_of_the_loop_that_hangs(start):
    """As one that asks a name server that hangs for Redis' address."""
    begun, released, stopped = (threading.Event() for _ in range(3))

    def hang():
        begun.set()
        released.wait()

    async def ask():
        await asyncio.get_running_loop().run_in_executor(None, hang)

    worker = start(succeed, companions=(ask,), shutdown_seconds=600)
    begun.wait()

    def stop():
        worker.stop()
        stopped.set()

    stopping = threading.Thread(target=stop)
    stopping.start()
    try:
        assert stopped.wait(60)
    finally:
        released.set()
        stopping.join()
