"""`GET /jobs/{id}/events`: server-sent events for the caller that submitted the job."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from producer.contract.keyspace import Keyspace
from producer.gateway.arrivals import Arrivals
from producer.gateway.jobs import Jobs
from producer.gateway.pace import Pace
from producer.redis_failures import RedisUnavailableError
from tests.support.gateway import RESULT, TEST_PATH, running_gateway, settings

pytestmark = pytest.mark.redis_server
THREE = {"emailCredentialsRequests": [{}, {}, {}]}


class FakeStore:
    """Confirms a subscription when it is told to; with None Redis is away."""

    def __init__(self, confirmed):
        self.confirmed = confirmed
        self.keyspace = Keyspace()

    async def results(self, job_ids):
        return [None for _ in job_ids]

    @asynccontextmanager
    async def subscription(self):
        if self.confirmed is None:
            raise RedisUnavailableError("away")
        yield self

    async def get_message(self, timeout):  # noqa: ASYNC109 - redis-py's name
        await self.confirmed.wait()
        self.confirmed.clear()
        return {"type": "psubscribe"}


async def submitted(gateway, crm, worker):
    headers = {"Prefer": "respond-async"}
    answer = await gateway.post(TEST_PATH, json=THREE, auth=crm, headers=headers)
    return await worker.take(), answer.headers["location"]


def read(text):
    """(event, data) of each block; comments left out."""
    told = [block.split("\n") for block in text.split("\n\n") if block[:1] not in ("", ":")]
    blocks = [dict(line.split(": ", 1) for line in lines) for lines in told]
    return [(block["event"], json.loads(block["data"])) for block in blocks]


async def blocks_of(response):
    """Each block of a stream as it comes."""
    buffer = ""
    async for piece in response.aiter_text():
        buffer += piece
        while "\n\n" in buffer:
            block, _, buffer = buffer.partition("\n\n")
            yield block


async def test_progress_comes_at_once_and_as_each_item_ends_and_the_end_last(gateway, crm, worker):
    job_id, location = await submitted(gateway, crm, worker)
    heard = []
    async with gateway.stream("GET", f"{location}/events", auth=crm) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["content-location"] == location
        done = 0
        async for block in blocks_of(response):
            heard += read(block)
            done += 1
            if done <= 3:
                await worker.progress(job_id, done, 3)
            if done == 3:
                await worker.finish(job_id, RESULT)
    progress = [{"done": number, "total": 3} for number in range(4)]
    assert heard[0] == ("progress", progress[0])
    assert heard[-2:] == [("progress", progress[3]), ("done", {"id": job_id})]
    assert [data for _, data in heard[:-1]] == sorted(
        (data for _, data in heard[:-1]), key=lambda data: data["done"]
    )


async def test_who_comes_later_is_told_how_far_it_is(gateway, crm, worker):
    job_id, location = await submitted(gateway, crm, worker)
    await worker.progress(job_id, 2, 3)
    for _ in range(2):  # the second look comes after the first progress was heard
        async with gateway.stream("GET", f"{location}/events", auth=crm) as response:
            async for block in blocks_of(response):
                first = read(block)[0]
                if first[1]["done"] == 2:
                    break
    assert first == ("progress", {"done": 2, "total": 3})


async def test_a_finished_job_is_told_at_once(gateway, crm, worker):
    job_id, location = await submitted(gateway, crm, worker)
    await worker.finish(job_id, RESULT)
    answer = await gateway.get(f"{location}/events", auth=crm)
    assert read(answer.text) == [
        ("progress", {"done": 3, "total": 3}),
        ("done", {"id": job_id}),
    ]


async def test_a_silent_stream_is_commented(store, server, crm, worker):
    async with running_gateway(settings(server.url), Pace(comments=0.05)) as gateway:
        _, location = await submitted(gateway, crm, worker)
        async with gateway.stream("GET", f"{location}/events", auth=crm) as response:
            blocks = blocks_of(response)
            assert read(await anext(blocks))
            assert (await anext(blocks)).startswith(":")


async def test_the_stream_of_a_job_that_a_failover_lost_ends(store, server, crm, worker):
    async with running_gateway(settings(server.url), Pace(comments=0.05)) as gateway:
        job_id, location = await submitted(gateway, crm, worker)
        async with asyncio.timeout(10), gateway.stream("GET", f"{location}/events", auth=crm) as it:
            blocks = blocks_of(it)
            assert read(await anext(blocks))
            origin = f"mailvouch:gateway:job:{job_id}"
            await worker.redis.delete(origin, worker.keys.request(job_id))
            assert [read(block) async for block in blocks if read(block)] == []
        assert (await gateway.get(f"{location}/events", auth=crm)).status_code == 404


async def test_a_redis_that_hangs_silences_no_stream():
    class Hanging:
        job = staticmethod(lambda _job_id: asyncio.Event().wait())

    jobs = Jobs(Hanging(), None, None, None, None, None)
    assert await asyncio.wait_for(jobs.is_lost("j"), 10) is False


async def test_head_does_not_stream(gateway, crm, worker):
    _, location = await submitted(gateway, crm, worker)
    answer = await asyncio.wait_for(gateway.head(f"{location}/events", auth=crm), 5)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "content-length" not in answer.headers  # RFC 9110 section 8.6: GET would send none
    assert answer.headers["x-accel-buffering"] == "no"


async def test_a_gateway_hears_of_every_job_before_it_takes_the_first_request(
    store, server, worker
):
    async with running_gateway(settings(server.url), Pace(subscription=60)) as client:
        await client.get("/healthz", timeout=60)
        assert await worker.redis.publish("mailvouch:progress:j", '{"done": 1, "total": 2}') == 1


async def test_a_start_waits_for_the_confirmation_of_the_subscription():
    arrivals = Arrivals(FakeStore(confirmed := asyncio.Event()))
    running = asyncio.create_task(arrivals.run())
    waiting = asyncio.create_task(arrivals.await_subscription(60))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    confirmed.set()
    await asyncio.wait_for(waiting, 20)
    running.cancel()


class Burst(FakeStore):
    """Has so many messages at once."""

    left = 1000

    async def get_message(self, timeout):  # noqa: ASYNC109 - redis-py's name
        if self.left == 0:
            await asyncio.Event().wait()
        self.left -= 1
        return {"type": "pmessage", "channel": b"mailvouch:progress:j", "data": b'{"done": 1}'}


async def test_others_have_their_turn_between_messages_that_come_at_once():
    running = asyncio.create_task(Arrivals(burst := Burst(asyncio.Event())).run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert 900 < burst.left < 1000
    running.cancel()


async def test_a_start_does_not_wait_for_a_redis_that_is_away():
    arrivals = Arrivals(FakeStore(None))
    running = asyncio.create_task(arrivals.run())
    await asyncio.wait_for(arrivals.await_subscription(60), 20)
    running.cancel()
