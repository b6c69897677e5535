"""The life of a job, script by script, with two workers that are only names."""

import asyncio
import json

import pytest

from producer.contract.codes import Code
from producer.verdicts.reading import advice_of
from tests.support.command_count import counted_commands
from tests.support.queueing import CLEAN, NS, residue, result, submit
from tests.support.round_trips import ENOUGH
from tests.support.waiting import until
from worker.queue import lua
from worker.queue.failed_job import SENTENCES
from worker.queue.jobs import Jobs, Lifetimes, Refused, Started, current_delivery
from worker.queue.layout import Layout
from worker.queue.message import Delivery
from worker.queue.turns import (
    LARGE_AT_A_TIME,
    LARGE_REQUEST_BYTES,
    MOST_REQUEST_BYTES,
    Turns,
)
from worker.redis_link.connections import async_pool
from worker.redis_link.link import Link, Script

pytestmark = pytest.mark.redis_server

QUEUE = "credential-tests"
LAYOUT = Layout(NS)
FETCH = Script("fetch", lua.source("fetch"))
GIVE_BACK = Script("give_back", lua.source("give_back"))


class Worker:
    """Fetches and runs by hand what a process does by itself."""

    def __init__(self, name, link, turns=None):
        self.name = name
        self.link = link
        self.jobs = Jobs(link, LAYOUT, name, error_result, Lifetimes(1000, 2000), turns=turns)

    async def fetch(self, job_id):
        keys = [
            LAYOUT.queue(QUEUE),
            LAYOUT.messages(QUEUE),
            LAYOUT.acks(self.name, QUEUE),
            LAYOUT.heartbeats,
        ]
        (redis_message_id,), _ = await self.link.call(FETCH, keys, [self.name, 1, 1000])
        return Delivery(QUEUE, redis_message_id, job_id, "test_credentials", timestamp_ms=0)

    async def start(self, delivery):
        current_delivery.set(delivery)
        return await self.jobs.start(delivery.job_id)

    async def finish(self, delivery, result, owner=""):
        current_delivery.set(delivery)
        return await self.jobs.finish(delivery.job_id, result, b'{"report":1}', owner=owner)

    async def take(self, job_id):
        return await self.start(await self.fetch(job_id))


def error_result(failed):
    body = {"queue": failed.queue, "error": failed.code, "attempts": failed.attempts}
    return json.dumps(body).encode(), b'{"report":0}'


@pytest.fixture
async def link(server):
    link = Link(async_pool(server.url))
    yield link
    await link.close()


@pytest.fixture
def one(link):
    return Worker("one", link)


@pytest.fixture
def two(link):
    return Worker("two", link)


async def test_a_fetch_gives_each_id_its_own_message_past_those_that_are_large_or_missing(
    link, client
):
    client.rpush(LAYOUT.queue(QUEUE), "a", "large", "b", "missing", "c")
    client.hset(LAYOUT.messages(QUEUE), mapping={"a": "A", "large": "x" * 11, "b": "B", "c": "C"})
    keys = [LAYOUT.queue(QUEUE), LAYOUT.messages(QUEUE), LAYOUT.acks("w", QUEUE), LAYOUT.heartbeats]
    ids, messages = await link.call(FETCH, keys, ["w", 64, 10])
    assert ids == [b"a", b"large", b"b", b"missing", b"c"]
    assert messages == [b"A", 11, b"B", None, b"C"]


def acks(client, worker):
    return client.smembers(LAYOUT.acks(worker.name, QUEUE))


async def test_progress_is_published_before_the_result_and_waits_for_nobody(one, client):
    submit(client, ["j"])
    delivery = await one.fetch("j")
    await one.start(delivery)
    with client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(f"{NS}:progress:j", f"{NS}:done:j")
        assert [listener.get_message(timeout=5) for _ in range(2)] == [None, None]
        one.jobs.publish_progress("j", 2, 3)
        await one.finish(delivery, b"{}")
        heard = [listener.get_message(timeout=5) for _ in range(2)]
    assert [(message["channel"], message["data"]) for message in heard] == [
        (f"{NS}:progress:j".encode(), b'{"done": 2, "total": 3}'),
        (f"{NS}:done:j".encode(), b"j"),
    ]


async def test_a_start_hands_over_the_request_and_says_how_long_it_waited(one, client):
    submit(client, ["job"], word="x")
    job = await one.take("job")
    assert isinstance(job, Started)
    assert (job.job_id, json.loads(job.envelope), job.attempt) == ("job", {"word": "x"}, 1)
    assert job.queue_wait_ms > 1_700_000_000_000  # since 1970: the delivery says 0
    assert "x" not in repr(job)


async def test_a_request_that_is_larger_than_any_ends_its_job_and_is_not_loaded(one, client):
    submit(client, ["huge"])
    client.set(f"{NS}:request:huge", bytes(MOST_REQUEST_BYTES + 1))
    before = client.info("stats")["total_net_output_bytes"]
    assert await one.take("huge") is Refused.TOO_LARGE
    assert client.info("stats")["total_net_output_bytes"] - before < 100_000
    assert result(client, "huge")["error"] == Code.REQUEST_UNREADABLE
    assert residue(client) == CLEAN


async def test_few_jobs_with_large_requests_are_started_at_a_time(one, client):
    jobs = [f"job-{number}" for number in range(LARGE_AT_A_TIME + 2)]
    submit(client, jobs, filler="x" * LARGE_REQUEST_BYTES)
    started = asyncio.Queue()
    may_end = asyncio.Semaphore(0)

    async def run(job):
        started.put_nowait(await one.take(job))
        await may_end.acquire()

    tasks = [asyncio.create_task(run(job)) for job in jobs]
    for _ in range(LARGE_AT_A_TIME):
        assert isinstance(await started.get(), Started)
    submit(client, ["small"])
    assert isinstance(await asyncio.create_task(one.take("small")), Started)
    assert started.empty()
    for _ in jobs:
        may_end.release()
    await asyncio.gather(*tasks)
    assert started.qsize() == 2


async def test_a_finish_saves_publishes_and_leaves_nothing_else(one, client):
    submit(client, ["job"])
    listener = client.pubsub()
    listener.subscribe(f"{NS}:done:job")
    delivery = await one.fetch("job")
    await one.start(delivery)
    assert await one.finish(delivery, b'{"a":1}')
    assert delivery.settled
    keys = {key.decode() for key in client.keys("*")} - {LAYOUT.heartbeats}
    assert keys == {f"{NS}:result:job", f"{NS}:report:job"}
    assert 1990 < client.ttl(f"{NS}:result:job") <= 2000
    assert 1990 < client.ttl(f"{NS}:report:job") <= 2000
    words = [listener.get_message(timeout=2) for _ in range(3)]
    assert [word["data"] for word in words if word and word["type"] == "message"] == [b"job"]


async def test_a_foreign_key_in_the_place_of_the_jobs_that_run_costs_no_job(one, client):
    submit(client, ["job", "next"])
    delivery = await one.fetch("job")
    client.set(LAYOUT.started("one"), "no set")
    assert isinstance(await one.start(delivery), Started)
    client.set(LAYOUT.started("one"), "no set")
    assert await one.finish(delivery, b'{"ok":true}')
    assert result(client, "job") == {"ok": True}
    assert isinstance(await one.take("next"), Started)
    assert client.smembers(LAYOUT.started("one")) == {b"next"}
    assert not client.exists(f"{NS}:request:job", LAYOUT.running("job"))


async def test_the_owner_stands_beside_the_result_and_a_result_of_nobody_has_none(one, client):
    submit(client, ["job", "nobodys"])
    for job, owner in (("job", "digest"), ("nobodys", "")):
        delivery = await one.fetch(job)
        await one.start(delivery)
        client.set(f"{NS}:owner:{job}", "who claimed it")
        await one.finish(delivery, b"{}", owner)
        await one.finish(delivery, b"{}", "another's, too late")
    assert client.get(f"{NS}:owner:job") == b"digest"
    assert 1990 < client.ttl(f"{NS}:owner:job") <= 2000
    assert not client.exists(f"{NS}:owner:nobodys")


async def test_the_first_result_wins_and_the_second_finish_only_acknowledges(one, two, client):
    submit(client, ["job"])
    delivery = await one.fetch("job")
    await one.start(delivery)
    client.smove(LAYOUT.acks("one", QUEUE), LAYOUT.acks("two", QUEUE), "rid-job")
    assert await two.finish(delivery, b'{"by":2}')
    assert not await one.finish(delivery, b'{"by":1}')
    assert result(client, "job") == {"by": 2}


async def test_a_finish_whose_reply_was_lost_is_told_again_that_it_was_first(one, client):
    submit(client, ["job"])
    delivery = await one.fetch("job")
    await one.start(delivery)
    assert await one.finish(delivery, b"{}")
    assert await one.finish(delivery, b"{}")


async def test_a_start_whose_reply_was_lost_counts_once(one, client):
    submit(client, ["job"])
    delivery = await one.fetch("job")
    for _ in range(5):
        job = await one.start(delivery)
        assert isinstance(job, Started)
        assert job.attempt == 1


async def test_another_message_of_a_running_job_is_dropped(one, two, client):
    submit(client, ["job"])
    submit(client, ["job"], prefix="copy-")
    assert isinstance(await one.take("job"), Started)
    assert await two.take("job") is Refused.DUPLICATE
    assert acks(client, two) == set()
    assert client.hkeys(LAYOUT.messages(QUEUE)) == [b"rid-job"]


async def test_another_message_in_the_same_worker_is_dropped_too(one, client):
    submit(client, ["job"])
    submit(client, ["job"], prefix="copy-")
    assert isinstance(await one.take("job"), Started)
    assert await one.take("job") is Refused.DUPLICATE
    assert acks(client, one) == {b"rid-job"}


async def test_the_same_message_handed_out_twice_goes_back_to_its_first_holder(one, two, client):
    submit(client, ["job"])
    assert isinstance(await one.take("job"), Started)
    # A stock Dramatiq client with a clock that is ahead took worker one for dead.
    client.delete(LAYOUT.acks("one", QUEUE))
    client.rpush(LAYOUT.queue(QUEUE), "rid-job")
    assert await two.take("job") is Refused.DUPLICATE
    assert (acks(client, one), acks(client, two)) == ({b"rid-job"}, set())
    assert client.hexists(LAYOUT.messages(QUEUE), "rid-job")


async def test_a_job_of_a_worker_that_is_gone_runs_again(one, two, client):
    submit(client, ["job"])
    assert isinstance(await one.take("job"), Started)
    client.zrem(LAYOUT.heartbeats, "one")
    client.rpush(LAYOUT.queue(QUEUE), "rid-job")
    job = await two.take("job")
    assert isinstance(job, Started)
    assert job.attempt == 2


def bury(client, worker, deliveries):
    """What the janitor does for one that died."""
    client.zrem(LAYOUT.heartbeats, worker.name)
    client.delete(LAYOUT.acks(worker.name, QUEUE))
    for delivery in deliveries:
        if client.hexists(LAYOUT.messages(QUEUE), delivery.redis_message_id):
            client.rpush(LAYOUT.queue(QUEUE), delivery.redis_message_id)


class Life:
    """One process: runs all that it can, until `dies_of` is started or it is killed."""

    def __init__(self, name, link, client, turns=None):
        self.worker = Worker(name, link, turns)
        self.client = client
        self.started = []
        self.died = asyncio.Event()

    async def live(self, count, *, holds=False, dies_of=None):
        """Returns once nothing moves; the tasks of the dead say no more.

        Those that hold stop where they are, so that what runs is told by what no longer changes.
        """
        names = self.client.lrange(LAYOUT.queue(QUEUE), 0, count - 1)
        jobs = [name.decode().removeprefix("rid-") for name in names]
        deliveries = [await self.worker.fetch(job) for job in jobs]
        tasks = [
            asyncio.create_task(self.work(one, holds=holds, dies_of=dies_of)) for one in deliveries
        ]
        done = asyncio.gather(*tasks)
        death = asyncio.create_task(self.died.wait())
        if holds:
            await self.nothing_starts()
        else:
            await asyncio.wait([done, death], return_when=asyncio.FIRST_COMPLETED)
        for task in (*tasks, death):
            task.cancel()
        await asyncio.gather(*tasks, done, death, return_exceptions=True)
        bury(self.client, self.worker, deliveries)

    async def nothing_starts(self):
        unchanged, before = 0, 0
        while unchanged < ENOUGH:
            await self.worker.link.execute("PING")  # answered after what was asked before
            now = len(self.started)
            unchanged, before = (unchanged + 1 if now == before else 0), now

    async def work(self, delivery, *, holds, dies_of):
        outcome = await self.worker.start(delivery)
        if self.died.is_set() or not isinstance(outcome, Started):
            return
        self.started.append(delivery.job_id)
        if delivery.job_id == dies_of:
            self.died.set()
        if holds or self.died.is_set():
            await asyncio.Event().wait()
        await self.worker.finish(delivery, b'{"ok":true}')


async def test_a_job_that_dies_alone_three_times_ends_as_failed(link, client):
    submit(client, ["job"])
    for name in ("a", "b", "c"):
        life = Life(name, link, client)
        await life.live(1, dies_of="job")
        assert life.started == ["job"]
    assert await Worker("d", link).take("job") is Refused.EXHAUSTED
    assert result(client, "job") == {"queue": QUEUE, "error": Code.WORKER_FAILED, "attempts": 3}
    assert residue(client) == CLEAN


async def test_nothing_is_left_of_a_job_that_ran_again_and_ended(link, client):
    submit(client, ["job"])
    await Life("a", link, client).live(1, dies_of="job")
    again = Worker("b", link)
    delivery = await again.fetch("job")
    assert (await again.start(delivery)).attempt == 2
    assert client.smembers(LAYOUT.retried("b")) == {b"job"}
    await again.finish(delivery, b"{}")
    assert not client.exists(LAYOUT.started("b"), LAYOUT.retried("b"))
    assert residue(client) == CLEAN


async def test_beside_other_shards_a_job_ends_as_failed_once_it_has_died_alone_twice(link, client):
    """What killed it before may have run in another shard, of which this one knows nothing."""
    submit(client, ["job"])
    for name in ("a", "b", "c", "d", "e"):
        life = Life(name, link, client, Turns(shards=2))
        await life.live(1, dies_of="job")
        assert life.started == ["job"]
    assert await Worker("f", link, Turns(shards=2)).take("job") is Refused.EXHAUSTED
    assert residue(client) == CLEAN


async def test_a_job_that_has_died_waits_for_those_of_other_shards(link, client):
    """One process, two shards: who runs alone runs alone in both."""
    submit(client, ["job"])
    for name in ("a", "b", "c"):
        await Life(name, link, client, Turns(shards=2)).live(1, dies_of="job")
    turns = Turns(shards=2)
    leave = await turns.retries.enter(1)  # a job of the other shard
    taking = asyncio.create_task(Worker("d", link, turns).take("job"))
    await until(lambda: bool(client.smembers(LAYOUT.acks("d", QUEUE))))
    await link.execute("PING")
    assert not taking.done()
    leave()
    assert isinstance(await asyncio.wait_for(taking, 10), Started)


async def test_three_kills_condemn_none_of_two_hundred_that_ran_together(link, client):
    jobs = [f"job-{number}" for number in range(200)]
    submit(client, jobs)
    for name, most in (("a", 200), ("b", 64), ("c", 64)):
        life = Life(name, link, client)
        await life.live(200, holds=True)
        assert 8 <= len(life.started) <= most
    await Life("d", link, client).live(200)
    assert {result(client, job).get("ok") for job in jobs} == {True}
    assert residue(client) == CLEAN


async def test_the_one_that_kills_is_found_out_among_two_hundred(link, client):
    jobs = [f"job-{number}" for number in range(200)]
    submit(client, [*jobs[:100], "killer", *jobs[100:]])
    deaths = 0
    while client.llen(LAYOUT.queue(QUEUE)):
        life = Life(f"worker-{deaths}", link, client)
        await life.live(201, dies_of="killer")
        deaths += life.died.is_set()
        assert deaths < 8
    assert deaths == 5
    assert result(client, "killer")["error"] == Code.WORKER_FAILED
    assert {result(client, job).get("ok") for job in jobs} == {True}
    assert residue(client) == CLEAN


async def test_a_start_that_was_broken_off_in_peace_blames_nobody(link, client):
    submit(client, ["job"])
    for name in ("a", "b", "c", "d"):
        worker = Worker(name, link)
        delivery = await worker.fetch("job")
        job = await worker.start(delivery)
        assert (type(job), job.attempt) == (Started, 1)
        keys = [
            LAYOUT.queue(QUEUE),
            LAYOUT.messages(QUEUE),
            LAYOUT.acks(name, QUEUE),
            LAYOUT.running("job"),
            LAYOUT.attempts("job"),
            LAYOUT.started(name),
            LAYOUT.retried(name),
        ]
        assert await link.call(GIVE_BACK, keys, [name, delivery.redis_message_id, "job"]) == 1
        assert not client.exists(LAYOUT.started(name))


async def test_a_start_and_a_finish_ask_little_of_redis(one, client):
    submit(client, ["warms up", "job"])
    first = await one.fetch("warms up")
    await one.start(first)
    await one.finish(first, b"{}")
    delivery = await one.fetch("job")
    with counted_commands(client) as to_start:
        await one.start(delivery)
    with counted_commands(client) as to_finish:
        await one.finish(delivery, b"{}", owner="o")
    assert (to_start.count, to_finish.count) == (8, 10), "those inside the scripts too"


async def test_a_start_that_was_given_back_may_be_counted_by_an_older_version(one, client):
    submit(client, ["job"])
    client.hset(LAYOUT.attempts("job"), mapping={"starts": 0, "blame": 0})
    job = await one.take("job")
    assert (type(job), job.attempt) == (Started, 1)
    assert client.hget(LAYOUT.attempts("job"), "starts") == b"1"


async def test_an_empty_request_is_no_missing_one(one, client):
    submit(client, ["job"])
    client.set(LAYOUT.request("job"), "")
    job = await one.take("job")
    assert isinstance(job, Started)
    assert job.envelope == b""


async def test_a_finished_job_does_not_run_and_its_new_request_is_dropped(one, client):
    submit(client, ["job"])
    delivery = await one.fetch("job")
    await one.start(delivery)
    await one.finish(delivery, b"{}")
    submit(client, ["job"], prefix="again-", secret="s")
    assert await one.take("job") is Refused.FINISHED
    assert residue(client) == {
        "acks": [],
        "running": [],
        "requests": [],
        "messages": 0,
        "waiting": 0,
    }


async def test_a_job_without_a_request_ends_as_expired(one, client):
    submit(client, ["job"])
    client.delete(f"{NS}:request:job")
    assert await one.take("job") is Refused.EXPIRED
    saved = result(client, "job")
    assert (saved["error"], saved["queue"]) == (Code.REQUEST_EXPIRED, QUEUE)


async def test_a_job_is_started_by_the_task_that_runs_its_message_only(one):
    current_delivery.set(None)
    with pytest.raises(LookupError):
        await one.jobs.start("job")


async def test_each_task_has_a_delivery_of_its_own(one, client):
    jobs = [f"job-{number}" for number in range(50)]
    submit(client, jobs)
    deliveries = [await one.fetch(job) for job in jobs]

    async def work(delivery):
        await one.start(delivery)
        await asyncio.sleep(0)
        return await one.finish(delivery, json.dumps({"of": delivery.job_id}).encode())

    assert all(await asyncio.gather(*map(work, deliveries)))
    assert [result(client, job)["of"] for job in jobs] == jobs


@pytest.mark.parametrize("code", SENTENCES)
def test_who_reads_why_a_job_could_not_run_is_told_what_to_do(code):
    advice = advice_of({"errorDescription": SENTENCES[code]})
    assert advice.remedy.startswith("Submit it again under another id")
