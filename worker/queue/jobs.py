"""A job from its start to its result, each step one script, so that it happens whole or not at all.

start   a result is there -> FINISHED; another live message of the job runs -> DUPLICATE; no request
        -> EXPIRED; more bytes than any request -> TOO_LARGE; its workers died of it -> EXHAUSTED;
        else Started. In the first two cases the message is acknowledged at once, in the next three
        the job is given its result. A job whose worker died waits until it may run again
        (`retries`), one with a large request until few of its kind run.
finish  save result and report, delete the request, publish, and acknowledge: in this order, in one
        transaction. The first result wins. Both wait as long as it takes for Redis to come back:
        what a probe has found is not dropped.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from producer.contract.codes import Code
from producer.contract.names import REQUEST_TTL_SECONDS, RESULT_TTL_SECONDS
from producer.contract.progress import Progress
from worker.queue import lua
from worker.queue.failed_job import SENTENCES, ErrorResult, FailedJob
from worker.queue.layout import Layout
from worker.queue.long_calls import long_call
from worker.queue.message import Delivery
from worker.queue.results import Results, Save, Spool
from worker.queue.retries import MAX_BLAME
from worker.queue.slots import waiting_as_a_whole
from worker.queue.turns import LARGE_REQUEST_BYTES, MOST_REQUEST_BYTES, Turns
from worker.redis_link.link import Link, Script

current_delivery: ContextVar[Delivery | None] = ContextVar("current_delivery", default=None)
"""The message that the current task runs for; set by the runner."""

current_jobs: ContextVar["Jobs"] = ContextVar("current_jobs")
"""The jobs of the shard that the current task's message came from; set by the runner."""

_START = Script("start", lua.source("start"))


class Refused(StrEnum):
    """Why a job does not run now. Everything that had to be done for it has been done."""

    FINISHED = "finished"
    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    EXHAUSTED = "exhausted"
    TOO_LARGE = "large"


@dataclass(frozen=True, slots=True)
class Started:
    """A job that runs. `attempt` counts from 1; `queue_wait_ms` is 0 where nobody knows.

    `submitted_ms`: unix time of the submission by the producer's clock, else of the start by ours.
    """

    job_id: str
    envelope: bytes = field(repr=False)
    attempt: int
    queue_wait_ms: int
    submitted_ms: int = 0


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long requests and results live, in seconds (settings)."""

    request_seconds: int = REQUEST_TTL_SECONDS
    result_seconds: int = RESULT_TTL_SECONDS


class Jobs:
    """Used by the actors, through the current delivery."""

    def __init__(  # noqa: PLR0913 - each is a thing of its own
        self,
        link: Link,
        layout: Layout,
        broker_id: str,
        error_result: ErrorResult,
        lifetimes: Lifetimes | None = None,
        spool: Spool | None = None,
        *,
        turns: Turns | None = None,
    ) -> None:
        self._link = link
        self._layout = layout
        self._broker_id = broker_id
        self._error_result = error_result
        self._lifetimes = lifetimes or Lifetimes()
        self._turns = turns or Turns()
        self.results = Results(link, broker_id, spool)

    async def start(self, job_id: str) -> Started | Refused:
        """Tell whether to run the job; what is refused has been settled here."""
        delivery = _delivery_of(job_id)
        reply = await self._start_in_turn(delivery)
        reason = reply[0].decode()
        if reason == "started":
            attempt, now_ms = int(reply[2]), int(reply[3])
            delivery.first_attempt = attempt == 1
            submitted_ms = now_ms if delivery.timestamp_ms is None else int(delivery.timestamp_ms)
            wait_ms = max(0, now_ms - submitted_ms)  # a producer's clock may be ahead of Redis'
            return Started(job_id, reply[1], attempt, wait_ms, submitted_ms)
        refused = Refused(reason)
        if refused is Refused.EXPIRED:
            await self.fail(job_id, Code.REQUEST_EXPIRED)
        elif refused is Refused.TOO_LARGE:
            await self.fail(job_id, Code.REQUEST_UNREADABLE)
        elif refused is Refused.EXHAUSTED:
            await self.fail(job_id, Code.WORKER_FAILED, attempts=int(reply[1]))
        delivery.settled = True
        return refused

    async def finish(self, job_id: str, result: bytes, report: bytes, *, owner: str = "") -> bool:
        """Save, publish, acknowledge; False where another result was first.

        `owner`: of whose request the result speaks (`producer.contract.ownership`).
        """
        delivery = _delivery_of(job_id)
        layout = self._layout
        save = Save(
            keys=[
                layout.result(job_id),
                layout.report(job_id),
                layout.request(job_id),
                layout.running(job_id),
                layout.attempts(job_id),
                layout.messages(delivery.queue),
                layout.acks(self._broker_id, delivery.queue),
                layout.owner(job_id),
                layout.started(self._broker_id),
                *([] if delivery.first_attempt else [layout.retried(self._broker_id)]),
            ],
            args=[
                result,
                report,
                self._lifetimes.result_seconds,
                layout.done(job_id),
                job_id,
                delivery.redis_message_id,
                owner,
            ],
        )
        first = await self.results.save(job_id, save)
        delivery.settled = True
        return first

    def publish_progress(self, job_id: str, done: int, total: int) -> None:
        """Tell whoever listens that `done` of `total` items ended. Lost while Redis is away."""
        channel = self._layout.progress(job_id)
        self._link.post("PUBLISH", channel, Progress(done, total).dump())

    async def fail(self, job_id: str, code: Code, *, attempts: int = 0, sentence: str = "") -> None:
        """End the job with an error of the request as a whole."""
        queue = _delivery_of(job_id).queue
        failed = FailedJob(queue, job_id, code, sentence or SENTENCES[code], attempts)
        result, report = self._error_result(failed)
        await self.finish(job_id, result, report)

    async def end_unreadable(self, job_id: str, reason: str) -> None:
        """End a job whose message could not be read, unless a good message was there before."""
        delivery = _delivery_of(job_id)
        reply = await self._start(delivery, retry=True)
        if reply[0] not in (b"finished", b"duplicate"):
            sentence = f"The queue message of this job could not be read: {reason}."
            await self.fail(job_id, Code.REQUEST_UNREADABLE, sentence=sentence)
        delivery.settled = True

    async def _start_in_turn(self, delivery: Delivery) -> list[bytes]:
        retry, most_bytes = False, LARGE_REQUEST_BYTES
        while True:
            with long_call(waiting_as_a_whole()):
                reply = await self._start(delivery, retry=retry, most_bytes=most_bytes)
            if reply[0] == b"retry":
                await self._take_turn(self._turns.retries.enter(deaths=int(reply[1])))
                retry = True
            elif reply[0] == b"large" and int(reply[1]) <= MOST_REQUEST_BYTES:
                await self._take_turn(self._turns.enter_large())
                most_bytes = MOST_REQUEST_BYTES
            else:
                return reply

    async def _take_turn(self, entering: Coroutine[Any, Any, Callable[[], None]]) -> None:
        """Wait until few enough of its kind run here; the turn ends with the task."""
        task = asyncio.current_task()
        assert task is not None
        with waiting_as_a_whole():
            leave = await entering
        task.add_done_callback(lambda _: leave())

    async def _start(
        self, delivery: Delivery, *, retry: bool, most_bytes: int = LARGE_REQUEST_BYTES
    ) -> list[bytes]:
        layout, job_id = self._layout, delivery.job_id
        reply: list[bytes] = await self._link.call(
            _START,
            self._keys_to_start(delivery),
            [
                self._broker_id,
                delivery.redis_message_id,
                layout.ack_prefix,
                delivery.queue,
                MAX_BLAME,
                self._lifetimes.request_seconds,
                job_id,
                int(retry),
                layout.started_prefix,
                layout.retried_prefix,
                most_bytes,
                *self._turns.least_suspects,
            ],
        )
        return reply

    def _keys_to_start(self, delivery: Delivery) -> list[str]:
        layout, job_id = self._layout, delivery.job_id
        return [
            layout.result(job_id),
            layout.request(job_id),
            layout.running(job_id),
            layout.attempts(job_id),
            layout.heartbeats,
            layout.messages(delivery.queue),
            layout.acks(self._broker_id, delivery.queue),
            layout.started(self._broker_id),
            layout.retried(self._broker_id),
        ]


def _delivery_of(job_id: str) -> Delivery:
    delivery = current_delivery.get()
    if delivery is None or delivery.job_id != job_id:
        raise LookupError("a job is started and finished by the task that runs its message")
    return delivery
