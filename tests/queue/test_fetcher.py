"""How messages get from a list to a task."""

import asyncio
import signal

import pytest

from producer.contract.names import Queue
from tests.support.faulty_proxy import FaultyProxy
from tests.support.ports import free_port
from tests.support.queueing import (
    NS,
    finished,
    let_go,
    starts,
    submit,
    toy_worker,
    wait_for,
    wait_for_results,
)
from tests.support.toy_app import make_setup
from tests.support.waiting import until
from worker.queue.fetcher import (
    BUSY_JOBS,
    KEEPS_UP_SECONDS,
    LONGEST_HOLD_SECONDS,
    MOST_PER_FETCH,
    MOST_PER_FETCH_WHEN_BUSY,
    Fetcher,
    until_loop_keeps_up,
)
from worker.queue.slots import Slots
from worker.redis_link.backoff import LONGEST_PAUSE_SECONDS

pytestmark = pytest.mark.redis_server

LIST = f"{NS}:credential-tests"


def calls(client, command):
    return client.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0)


def await_beat(client):
    """Each is two seconds after the last by the worker's own clock, however slow it is."""
    last = beats(client)
    wait_for(lambda: beats(client) != last)


def beats(client):
    return client.zrange(f"{NS}:__heartbeats__", 0, -1, withscores=True)


def test_an_idle_worker_asks_for_nothing_until_something_is_pushed(server, client):
    with toy_worker(server):
        wait_for(lambda: client.info("clients")["blocked_clients"] == 2)
        before = calls(client, "lrange")
        await_beat(client)
        await_beat(client)
        # Each of the two queues may have seen a peek end: every five seconds.
        assert calls(client, "lrange") - before <= 2
        submit(client, ["job"])
        wait_for_results(client, ["job"])


def test_jobs_start_in_the_order_in_which_they_were_pushed(server, client):
    jobs = [f"job-{number}" for number in range(60)]
    with toy_worker(server, concurrency=1):
        for job in jobs:
            submit(client, [job])
        wait_for_results(client, jobs)
    order = [line.decode() for line in client.lrange("toy:log", 0, -1)]
    assert [line for line in order if line.startswith("start")] == [f"start {job}" for job in jobs]


def test_no_more_is_fetched_than_can_run(server, client):
    with toy_worker(server, concurrency=10):
        submit(client, [f"job-{number}" for number in range(40)], hold=True)
        wait_for(lambda: len(starts(client)) == 10)
        await_beat(client)
        assert client.llen(LIST) == 30


LONG_TURN_SECONDS = 2 * KEEPS_UP_SECONDS


class Clock:
    """A clock that goes on when told to."""

    seconds = 0.0

    def __call__(self):
        return self.seconds

    async def pass_turn(self, seconds):
        """Let the loop turn once, in so many seconds."""
        self.seconds += seconds
        await asyncio.sleep(0)


async def test_a_loop_that_cannot_keep_up_begins_nothing_more_until_it_can():
    clock = Clock()
    holding = asyncio.create_task(until_loop_keeps_up(clock))
    for _ in range(4):
        await clock.pass_turn(LONG_TURN_SECONDS)
        assert not holding.done()
    await clock.pass_turn(KEEPS_UP_SECONDS / 2)
    assert holding.done()


async def test_a_loop_that_never_keeps_up_is_waited_for_no_longer_than_a_while():
    clock = Clock()
    holding = asyncio.create_task(until_loop_keeps_up(clock))
    await asyncio.sleep(0)
    while clock.seconds + LONG_TURN_SECONDS < LONGEST_HOLD_SECONDS:
        await clock.pass_turn(LONG_TURN_SECONDS)
        assert not holding.done()
    await clock.pass_turn(2 * LONG_TURN_SECONDS)
    assert holding.done()


def test_a_busy_worker_fetches_small_portions(server, client):
    jobs = [f"job-{number}" for number in range(BUSY_JOBS + 10 * MOST_PER_FETCH_WHEN_BUSY)]
    with toy_worker(server, concurrency=1000) as worker:
        worker.send_signal(signal.SIGSTOP)
        submit(client, jobs, seconds=1)
        before = calls(client, "lrange")
        worker.send_signal(signal.SIGCONT)
        wait_for(lambda: len(starts(client)) == len(jobs))
        assert calls(client, "lrange") - before >= BUSY_JOBS / MOST_PER_FETCH + 10
        wait_for_results(client, jobs)


def test_two_workers_share_what_comes(server, client):
    jobs = [f"job-{number}" for number in range(400)]
    with toy_worker(server), toy_worker(server):
        submit(client, jobs, hold=True)
        wait_for(lambda: len(starts(client)) == 400)
        holders = {client.get(f"{NS}:running:{job}").split()[0] for job in jobs}
        assert len(holders) == 2


def test_a_queue_is_not_starved_by_the_other(server, client):
    hogs = [f"hog-{number}" for number in range(300)]
    updates = [f"update-{number}" for number in range(5)]
    with toy_worker(server, concurrency=20):
        submit(client, hogs, hold=True)
        wait_for(lambda: len(starts(client)) == 20)
        submit(client, updates, queue=Queue.INTEGRATION_UPDATES)
        wait_for_results(client, updates)
        assert finished(client, hogs) == 0


@pytest.fixture
async def fetching(server, client):
    """Starts a fetcher in this process, as the Redis user `worker`."""
    client.execute_command("ACL", "SETUSER", "worker", "on", ">x", "~*", "+@all")
    setup = make_setup(f"redis://worker:x@127.0.0.1:{server.port}/0")
    slots = Slots(5, [Queue.CREDENTIAL_TESTS])
    fetcher = Fetcher(
        Queue.CREDENTIAL_TESTS, setup, setup.shards[0], slots, lambda *_: False, lambda: 1
    )
    tasks = []

    def start():
        tasks.append(asyncio.create_task(fetcher.run()))

    yield start
    await fetcher.stop()


def told(caplog, event):
    return [(one.command, one.keys) for one in caplog.records if one.message == event]


async def push_where_one_waits(client):
    """What is pushed before is fetched without a wait, and the wait that follows lasts 5 s."""
    await until(lambda: client.info("clients")["blocked_clients"] > 0)
    submit(client, ["job"])


def accepted(caplog):
    return [one.command for one in caplog.records if one.message == "redis_accepts"]


def refusals(client, code):
    return client.info("errorstats").get(f"errorstat_{code}", {}).get("count", 0)


async def test_an_operator_is_told_what_a_fetch_may_not_do_and_when_it_may(
    fetching, client, caplog
):
    client.execute_command("ACL", "SETUSER", "worker", "-blmove")
    fetching()
    await until(lambda: bool(told(caplog, "redis_refuses")))
    assert told(caplog, "redis_refuses") == [("BLMOVE", LIST)]
    client.execute_command("ACL", "SETUSER", "worker", "+blmove")
    await push_where_one_waits(client)
    await until(lambda: bool(accepted(caplog)))


async def test_an_operator_is_told_once_that_redis_is_full_and_once_that_it_is_no_more(
    fetching, client, caplog
):
    client.config_set("maxmemory", "1")
    try:
        fetching()
        await until(lambda: refusals(client, "OOM") >= 3)  # each after a fetch that was answered
    finally:
        client.config_set("maxmemory", "0")
    await push_where_one_waits(client)
    await until(lambda: bool(accepted(caplog)))
    assert told(caplog, "redis_refuses") == [("BLMOVE", LIST)]
    assert accepted(caplog) == ["BLMOVE"]


async def test_an_operator_is_told_which_keys_of_a_fetch_are_of_the_wrong_type(
    fetching, client, caplog
):
    client.set(f"{NS}:__heartbeats__", "foreign")
    submit(client, ["job"])
    fetching()
    await until(lambda: bool(told(caplog, "redis_refuses")))
    keys = f"{LIST} {LIST}.msgs {NS}:__acks__.* {NS}:__heartbeats__"
    assert told(caplog, "redis_refuses") == [("fetch", keys)]


@pytest.mark.slow
def test_a_connection_that_has_gone_silent_is_given_up(server, client):
    proxy = FaultyProxy(server.port)
    direct = server.port
    try:
        server.port = proxy.port
        with toy_worker(server):
            server.port = direct
            submit(client, ["before"], hold=True)
            wait_for(lambda: starts(client) == {"before": 1})
            proxy.silence()
            let_go(client)
            submit(client, ["after"])
            wait_for_results(client, ["before", "after"])
    finally:
        server.port = direct
        proxy.close()
    assert starts(client)["before"] == 1


async def test_a_fetcher_outlasts_an_outage_of_any_length(monkeypatch):
    """After 1,024 failures, 17 minutes, its pause had been computed from too large a number."""
    setup = make_setup(f"redis://127.0.0.1:{free_port()}/0")
    slots = Slots(10, [Queue.CREDENTIAL_TESTS])
    fetcher = Fetcher(
        Queue.CREDENTIAL_TESTS, setup, setup.shards[0], slots, lambda *_: True, lambda: 1
    )
    pauses, enough, sleep = [], asyncio.Event(), asyncio.sleep

    async def no_sleep(seconds):
        pauses.append(seconds)
        if len(pauses) > 1100:
            enough.set()
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", no_sleep)
    run = asyncio.create_task(fetcher.run())
    await asyncio.wait(
        [run, waits := asyncio.create_task(enough.wait())], return_when="FIRST_COMPLETED"
    )
    assert waits.done()
    assert not run.done()
    assert max(pauses) <= LONGEST_PAUSE_SECONDS
    await fetcher.stop()
