"""The largest body that is taken holds nobody up: 20 ms at one go, by CPU time."""

import asyncio
import codecs
import gc
import json
import time

import httpx
import pytest

from producer.sealing.requests import write_request_keys
from tests.support.gateway import RESULT, TEST_PATH, running_gateway, settings
from tests.support.pace import MARGIN, RUNS, slowness

pytestmark = pytest.mark.redis_server
FULL = 1024 * 1024
MOST_SECONDS = 0.020
JSON = {"Content-Type": "application/json", "Prefer": "respond-async"}


def filled(value: bytes) -> bytes:
    """An account with a field that nobody knows, and as much text as there is room for."""
    start = b'{"emailCredentialsRequests":[{"odd":%b,"text":"' % value
    return start + b"x" * (FULL - len(start) - 4) + b'"}]}'


def many(one: bytes, count: int) -> bytes:
    return filled(b"[" + b",".join([one] * count) + b"]")


TAKEN = {
    "one text": filled(b"1"),
    "names": filled(b"{%b}" % b",".join(b'"%06x":0' % number for number in range(24_900))),
    "long fractions": many(b"1.%be300" % (b"7" * 30), 24_900),
    "integers": many(b"9" * 400, 2_500),
    "lists": many(b"[]", 12_400),
}
TOO_MUCH = {
    "lists": many(b"[]", 340_000),
    "names": filled(b"{%b}" % b",".join(b'"%05x":0' % number for number in range(100_000))),
    "fractions": many(b"1e308", 170_000),
    "long integers": many(b"9" * 4000, 250),
}


class Turns:
    """Tells the CPU time of the longest turn of the event loop since it was made."""

    def __init__(self):
        self.longest = 0.0
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self):
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            self.longest = max(self.longest, time.thread_time() - began)

    def end(self):
        self._watching.cancel()
        return self.longest


async def send(gateway, auth, body):
    """Post from another thread: the client's time is not the gateway's."""
    url = f"{gateway.base_url}{TEST_PATH}"
    return await asyncio.to_thread(
        httpx.post, url, content=body, headers=JSON, auth=auth, timeout=30
    )


async def send_in_short_turns(gateway, auth, body):
    """Fail where others wait for longer than they may, each time."""
    gc.freeze()  # as `run` does
    longest = []
    for _ in range(RUNS):
        turns = Turns()
        answer = await send(gateway, auth, body)
        longest.append(turns.end())
        if longest[-1] < MOST_SECONDS:
            return answer
        longest[-1] /= slowness()
    assert min(longest) < MARGIN * MOST_SECONDS
    return answer


@pytest.mark.parametrize("name", TAKEN)
async def test_a_full_body_is_taken_and_sealed_in_short_turns(
    store, server, crm, worker, tmp_path, name
):
    _, public = write_request_keys(tmp_path)
    chosen = settings(server.url, public_key=public)
    async with running_gateway(chosen) as gateway:
        answer = await send_in_short_turns(gateway, crm, TAKEN[name])
    assert answer.status_code == 202


@pytest.mark.parametrize("name", TOO_MUCH)
async def test_a_body_with_more_in_it_than_anybody_needs_is_a_400(gateway, crm, worker, name):
    answer = await send_in_short_turns(gateway, crm, TOO_MUCH[name])
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["errorCode"]) == (400, "INVALID_REQUEST_DATA")
    assert "25000 values" in error["errorDescription"]
    assert await worker.queued() == 0


async def test_a_thousand_accounts_with_all_their_fields_are_taken(gateway, crm, worker):
    account = {f"field{number}": "x" for number in range(23)}
    body = json.dumps({"emailCredentialsRequests": [account] * 1000}).encode()
    sent = asyncio.create_task(send(gateway, crm, body))
    job = await worker.take()
    assert (await worker.request(job))["body"] == json.loads(body)
    await worker.finish(job, RESULT)
    assert (await sent).status_code == 202


async def test_a_body_goes_to_the_worker_as_it_was_sent(gateway, crm, worker):
    body = b' {"emailCredentialsRequests": [{"smtpPort": 1e999, "orgName": "\xc3\xa9"}]}\n'
    await send(gateway, crm, codecs.BOM_UTF8 + body)
    stored = await worker.redis.get(worker.keys.request(await worker.take()))
    assert stored.endswith(b'"body":' + body + b"}")
