"""The tasks of one process and shard: one for each message that it holds."""

import asyncio
import logging
from collections.abc import Collection, Coroutine, Iterable
from typing import Any, Final
from uuid import uuid4

from redis.exceptions import RedisError

from producer.contract.codes import Code
from producer.contract.flaws import Flaw
from worker.queue import lua
from worker.queue.broker import AsyncActor
from worker.queue.jobs import current_delivery, current_jobs
from worker.queue.message import Delivery, Poison, describe, read_message, write_message
from worker.queue.setup import Setup, Shard
from worker.queue.slots import JobSlot, Slots, current_slot
from worker.redis_link.link import Script

CANCEL_SECONDS: Final = 5.0
GIVE_BACK_SECONDS: Final = 5.0
DRAIN_POLL_SECONDS: Final = 1.0
"""How often a drain looks for jobs that have come to wait meanwhile."""

_BURY = Script("bury", lua.source("bury"))
_GIVE_BACK = Script("give_back", lua.source("give_back"))
_LEAVE = Script("leave", lua.source("leave"))
_log = logging.getLogger("worker.queue")


class Unsettled(Exception):
    """An actor came to its end and its job did not."""


class Tasks:
    """Runs messages; nothing that it takes is forgotten before it is settled or given back."""

    def __init__(self, setup: Setup, shard: Shard, queues: Iterable[str], slots: Slots) -> None:
        self._setup = setup
        self._shard = shard
        self._slots = slots
        self._held: dict[str, dict[bytes, asyncio.Task[None]]] = {queue: {} for queue in queues}
        self._deliveries: dict[asyncio.Task[None], Delivery] = {}
        self._taken: dict[asyncio.Task[None], JobSlot] = {}
        self._recalled: set[asyncio.Task[None]] = set()
        self._out_of_memory = asyncio.Event()
        self._actors = {name: actor.queue_name for name, actor in setup.broker.actors.items()}

    def held(self, queue: str) -> Collection[bytes]:
        """The redis message ids of a queue that tasks hold."""
        return self._held[queue].keys()

    async def watch(self) -> None:
        """Raise MemoryError once there is too little to end a job: all are redelivered then."""
        await self._out_of_memory.wait()
        raise MemoryError

    def take(self, queue: str, redis_message_id: bytes, body: bytes | int | None) -> bool:
        """Start a task for a message that was fetched; it has its slot. False: there is no need.

        `body` is a number, the size, where the message is too large to be fetched.

        An id without a message is left to the janitor: its message may be on its way, from a
        producer that pushes first and writes second. An id that a task holds came back to us after
        others took us for dead; the fetch has made it ours again.
        """
        held = self._held[queue]
        if body is None or redis_message_id in held:
            return False
        message = read_message(queue, redis_message_id, body, self._actors)
        slot = JobSlot(self._slots, queue)
        if isinstance(message, Poison):
            task = asyncio.create_task(self._bury(message))
        else:
            task = asyncio.create_task(self._perform(message, slot))
            self._deliveries[task] = message
        held[redis_message_id] = task
        self._taken[task] = slot
        task.add_done_callback(lambda task: self._let_go(queue, redis_message_id, task))
        return True

    def _let_go(self, queue: str, redis_message_id: bytes, task: asyncio.Task[None]) -> None:
        self._taken.pop(task).leave()
        del self._held[queue][redis_message_id]
        delivery = self._deliveries.get(task)
        if delivery is not None and (delivery.settled or task not in self._recalled):
            del self._deliveries[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            if isinstance(error, MemoryError):
                self._out_of_memory.set()
            _log.error("message_task_failed", extra={"reason": type(error).__name__})

    async def _perform(self, delivery: Delivery, slot: JobSlot) -> None:
        observer = self._setup.observer
        current_delivery.set(delivery)
        current_jobs.set(self._shard.jobs)
        current_slot.set(slot)
        observer.message_taken(delivery)
        try:
            await self._run(delivery)
        except Exception as error:  # noqa: BLE001 - whatever an actor raises, its job ends
            observer.job_crashed(delivery, error)
            await self._end_badly(delivery)
        except asyncio.CancelledError:
            if asyncio.current_task() in self._recalled:
                raise
            # Nobody but us may cancel a job: the actor did it to itself.
            observer.job_crashed(delivery, Unsettled("the actor cancelled itself"))
            await self._end_badly(delivery)
        finally:
            observer.message_left(delivery)

    async def _run(self, delivery: Delivery) -> None:
        if delivery.unreadable:
            await self._shard.jobs.end_unreadable(delivery.job_id, delivery.unreadable)
            return
        actor: Any = self._setup.broker.get_actor(delivery.actor)
        assert isinstance(actor, AsyncActor), "declared with actor_class=AsyncActor"
        await actor.coroutine(delivery.job_id)
        if not delivery.settled:
            raise Unsettled("the actor returned without a result")

    async def _end_badly(self, delivery: Delivery) -> None:
        if delivery.settled:
            return
        try:
            await self._shard.jobs.fail(delivery.job_id, Code.INTERNAL_SERVER_ERROR)
        except MemoryError:  # no fault of the job's: see `watch`
            raise
        except Exception:  # noqa: BLE001 - not even a result can be made: a dead letter
            await self._bury(delivery.unfinished())
            delivery.settled = True

    async def _bury(self, poison: Poison) -> None:
        queue, layout = poison.queue, self._shard.layout
        broker_id = self._setup.broker.broker_id
        keys = [
            layout.queue(queue),
            layout.messages(queue),
            layout.acks(broker_id, queue),
            layout.dead(queue),
            layout.dead_messages(queue),
        ]
        successor_id, successor = "", b""
        if poison.flaw is Flaw.UNFINISHED:
            keys += [
                layout.running(poison.job_id or ""),
                layout.started(broker_id),
                layout.retried(broker_id),
            ]
        elif poison.job_id is not None:
            successor_id = str(uuid4())
            successor = self._successor(poison, poison.job_id, successor_id)
        job_id = poison.job_id or ""
        args = (successor_id, successor, broker_id, job_id)
        await self._shard.link.call(_BURY, keys, [poison.redis_message_id, describe(poison), *args])
        self._setup.observer.message_poisoned(poison)

    def _successor(self, poison: Poison, job_id: str, redis_message_id: str) -> bytes:
        queue = poison.queue
        actor = next(name for name, its_queue in self._actors.items() if its_queue == queue)
        return write_message(queue, actor, job_id, redis_message_id, unreadable=poison.reason)

    async def drain(self, seconds: float) -> None:
        """Wait for the tasks that have begun; give the messages of all others back, then leave.

        A job that only waits is given back at once: another worker may let it in sooner.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while running := self._taken.keys() - self._recalled:
            left = end - loop.time()
            idle = running if left <= 0 else {t for t in running if self._taken[t].only_waits}
            if idle:
                await self._recall(idle)
            else:
                await asyncio.wait(running, timeout=min(left, DRAIN_POLL_SECONDS))
        await self._in_time(self._leave())
        self._shard.jobs.results.spool()

    async def _recall(self, tasks: Collection[asyncio.Task[None]]) -> None:
        """Break tasks off and give their messages back."""
        self._recalled.update(tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=CANCEL_SECONDS)
        await self._in_time(self._give_back())

    async def _in_time(self, giving_back: Coroutine[Any, Any, int]) -> None:
        """Await it for as long as a Redis that answers needs; report how many messages it gave."""
        try:
            async with asyncio.timeout(GIVE_BACK_SECONDS):
                count = await giving_back
        except (TimeoutError, RedisError) as error:
            # The next worker's janitor takes them from our ack sets.
            _log.error("give_back_failed", extra={"reason": type(error).__name__})
            return
        if count:
            self._setup.observer.messages_given_back(count)

    async def _give_back(self) -> int:
        """Newest first, each to the head: the oldest ends up in front.

        A job whose result was found and could not be saved is not run again: it is saved now.
        """
        broker, link, layout = self._setup.broker, self._shard.link, self._shard.layout
        recalled = [task for task in self._deliveries if task in self._recalled]
        results = self._shard.jobs.results
        unsettled = [
            one
            for one in map(self._deliveries.pop, recalled)
            if not one.settled and one.job_id not in results.unsaved
        ]
        calls = [
            link.call(
                _GIVE_BACK,
                [
                    layout.queue(one.queue),
                    layout.messages(one.queue),
                    layout.acks(broker.broker_id, one.queue),
                    layout.running(one.job_id),
                    layout.attempts(one.job_id),
                    layout.started(broker.broker_id),
                    layout.retried(broker.broker_id),
                ],
                [broker.broker_id, one.redis_message_id, one.job_id],
            )
            for one in reversed(unsettled)
        ]
        counts, _ = await asyncio.gather(asyncio.gather(*calls), results.save_unsaved())
        return sum(counts)

    async def _leave(self) -> int:
        """Say that this worker is gone; what its ack sets still hold goes back as well."""
        broker, layout = self._setup.broker, self._shard.layout
        args = [broker.broker_id, layout.namespace, *self._held]
        keys = [
            layout.heartbeats,
            layout.started(broker.broker_id),
            layout.retried(broker.broker_id),
        ]
        return int(await self._shard.link.call(_LEAVE, keys, args))
