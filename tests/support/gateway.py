"""A gateway on a loopback port, and a stand-in for the worker that speaks the Redis contract."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import redis.asyncio

from producer.contract.names import Keys, Queue
from producer.gateway.pace import PACE, Pace
from producer.gateway.serve import address_of, listen, serve
from producer.gateway.settings import GatewaySettings

NAMESPACE = "mailvouch"
BODY = {"emailCredentialsRequests": [{"dealerEmail": "a@shop.example", "smtpHost": "mx.example"}]}
TEST_PATH = "/communications/dealers/dealer-1/email-credentials/test"
RESULT = {
    "emailCredentialsResponses": [{"outcome": "SUCCESS", "errors": [], "warnings": []}],
    "errors": [],
    "warnings": [],
}


def settings(url: str, **changes: Any) -> GatewaySettings:
    """Settings that read no environment."""
    chosen = {"redis_url": url, "gateway_port": 0, "shutdown_seconds": 5, **changes}
    return GatewaySettings(_env_file=None, **chosen)  # type: ignore[call-arg]


@asynccontextmanager
async def running_gateway(
    chosen: GatewaySettings, pace: Pace = PACE
) -> AsyncIterator[httpx.AsyncClient]:
    """Serve until the end of the block; yields a client without a credential."""
    listeners = listen(chosen.gateway_host, chosen.gateway_port)
    tls = chosen.tls_context()
    address = address_of(listeners[0], tls=tls is not None)
    stopping = asyncio.Event()
    serving = asyncio.create_task(serve(chosen, listeners, tls, stopping, pace))
    async with httpx.AsyncClient(base_url=address, timeout=30, verify=False) as client:
        try:
            yield client
        finally:
            stopping.set()
            await serving


@dataclass
class StandIn:
    """Does what a worker does as far as a gateway sees it: beats, takes messages, saves results."""

    redis: redis.asyncio.Redis
    keys: Keys = field(default_factory=lambda: Keys(NAMESPACE))

    async def beat(self, *, age_seconds: float = 0.0) -> None:
        now_ms = (time.time() - age_seconds) * 1000
        await self.redis.zadd(f"{NAMESPACE}:__heartbeats__", {"stand-in": now_ms})

    async def take(self, queue: Queue = Queue.CREDENTIAL_TESTS) -> str:
        """Wait for the next message; return its job id."""
        _, message_id = await self.redis.blpop([self.keys.queue(queue)], timeout=10)
        message = json.loads(await self.redis.hget(self.keys.messages(queue), message_id))
        await self.redis.hdel(self.keys.messages(queue), message_id)
        return str(message["args"][0])

    async def finish(self, job_id: str, result: Any, report: Any = None) -> None:
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.set(self.keys.result(job_id), json.dumps(result), nx=True)
            pipe.set(self.keys.report(job_id), json.dumps(report or {"jobId": job_id}))
            pipe.delete(self.keys.request(job_id))
            pipe.publish(self.keys.done(job_id), job_id)
            await pipe.execute()

    async def request(self, job_id: str) -> Any:
        return json.loads(await self.redis.get(self.keys.request(job_id)))

    async def progress(self, job_id: str, done: int, total: int) -> None:
        document = json.dumps({"done": done, "total": total})
        await self.redis.publish(self.keys.progress(job_id), document)

    async def answer_next(self, result: Any = RESULT, queue: Queue = Queue.CREDENTIAL_TESTS) -> str:
        job_id = await self.take(queue)
        await self.finish(job_id, result)
        return job_id

    async def queued(self, queue: Queue = Queue.CREDENTIAL_TESTS) -> int:
        return int(await self.redis.llen(self.keys.queue(queue)))
