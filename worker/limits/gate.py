"""The gate on Redis: places per host, one login per account at a time, no account locked out.

Where nothing is in the way a probe costs one call to enter and one to leave, both batched by the
link with whatever else the process says to Redis at that moment. Who has to wait, waits in this
process: one task a host asks Redis for whoever's turn it is, woken when a place of this process
falls free and every `poll_seconds` for those of others. There is no wake-up to miss, so nothing is
lost when Redis restarts; while it is away, the calls themselves wait.
"""

import asyncio
import logging
import math
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, suppress
from itertools import count
from typing import Any, Final

from redis.exceptions import RedisError

from worker.limits.heartbeat import Heartbeats
from worker.limits.identity import Identity
from worker.limits.limits import Limits
from worker.limits.lua import ENTER, LEAVE
from worker.limits.script_args import enter_args, leave_args, read_finding
from worker.limits.shards import LimitShards
from worker.limits.wait_queue import Claim, Reply, WaitQueue
from worker.probing.gate import Admission, Admitted, Cooldown, Finding, ProbeOfJob, Repeated
from worker.queue.long_calls import long_call

POLL_SECONDS: Final = 0.025
"""How long a place that another process gave back may lie idle."""

POLLS_PER_SECOND: Final = 500
"""Of one process over all hosts that are full: about 2 % of what one Redis carries."""

_YES: Final = 1
"""What enter.lua answers nearly always: a number costs Redis a microsecond less than a word."""

_ADMITTED: Final = b"admitted"
_BUSY: Final = b"busy"
_FULL: Final = b"full"

Waiting = Callable[[], AbstractContextManager[None]]

_log = logging.getLogger("worker.limits")


class RedisGate:
    """One per process. `worker.probing.gate.Gate` for the probe.

    `waiting` is made in the probe's own task, and entered for as long as a probe waits for its turn
    or for a Redis that does not answer. The tasks made here end with the loop; what they still have
    to say is in the link, in order.
    """

    def __init__(
        self,
        shards: LimitShards,
        identity: Identity,
        limits: Limits,
        waiting: Waiting,
    ) -> None:
        self._shards = shards
        self._identity = identity
        self._limits = limits
        self._waiting = waiting
        self._process = secrets.token_hex(8)
        self._numbers = count(1)
        self._admitted: dict[str, Claim] = {}
        self._queues: dict[str, WaitQueue] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._leaving: set[asyncio.Task[None]] = set()
        self._heartbeats = Heartbeats(self._process, limits)

    async def enter(self, probe: ProbeOfJob) -> Admission:
        claim = self._claim(probe)
        if not claim.account and not self._limits.host_concurrency:
            return Admitted("", probe)
        queue = self._queue(claim.host)
        reply: Reply = [_FULL]
        if queue.lets_pass(claim, asyncio.get_running_loop().time()):
            with long_call(self._waiting()):
                reply = await self._ask(queue, claim)
        if reply[0] in (_FULL, _BUSY):
            reply = await self._wait(queue, claim)
        return self._admission(probe, claim, reply)

    def leave(self, admitted: Admitted, finding: Finding | None) -> None:
        claim = self._admitted.pop(admitted.ticket, None)
        if claim is not None:
            self._give_back(claim, finding)

    def _claim(self, probe: ProbeOfJob) -> Claim:
        plan = probe.plan
        host = probe.address or plan.target.host
        claim = Claim(
            ticket=f"{self._process}:{next(self._numbers)}",
            job_id=probe.job_id,
            protocol=plan.protocol,
            host=self._identity.host(host),
        )
        if plan.credential is not None:
            claim.account = self._identity.account(host, plan.credential.user)
            claim.fingerprint = self._identity.fingerprint(
                plan.protocol, plan.target, plan.credential
            )
        return claim

    def _queue(self, host: str) -> WaitQueue:
        queue = self._queues.get(host)
        if queue is None:
            queue = self._queues[host] = WaitQueue(self._limits.host_concurrency)
        return queue

    async def _ask(self, queue: WaitQueue, claim: Claim) -> Reply:
        """Return Redis' answer. The place counts as taken here until Redis says that it is not."""
        queue.hold(claim)
        shard = self._shards.of_host(claim.host)
        try:
            args = enter_args(claim, self._process, self._limits)
            answer = await shard.call(ENTER, shard.keys.enter(claim), args)
        except BaseException:
            # The call may have arrived. The link keeps the order: leaving comes after it.
            self._give_back(claim, None)
            raise
        reply: Reply = [_ADMITTED] if answer == _YES else answer
        if reply[0] == _ADMITTED:
            queue.registered = False
            self._heartbeats.start(shard)
            return reply
        queue.release(claim)
        queue.registered |= reply[0] == _FULL
        if reply[0] == _BUSY and claim.login is not None:
            now = asyncio.get_running_loop().time()
            queue.postpone(claim.login, now + self._poll_seconds())
        return reply

    async def _wait(self, queue: WaitQueue, claim: Claim) -> Reply:
        claim.answer = asyncio.get_running_loop().create_future()
        queue.join(claim)
        if not queue.served:
            queue.served = True
            _keep(self._serving, self._serve(queue, claim.host))
        try:
            with self._waiting():
                return await claim.answer
        except asyncio.CancelledError:
            queue.drop(claim)
            queue.wake()
            if not claim.answer.cancelled() and claim.answer.exception() is None:
                self._unwanted(claim, claim.answer.result())
            raise

    async def _serve(self, queue: WaitQueue, host: str) -> None:
        """Ask for whoever's turn it is, until nobody waits at this host."""
        clock = asyncio.get_running_loop().time
        try:
            while queue.someone_waits:
                now = clock()  # one for both: between two, the time of all who wait may have come
                claim = queue.next(now)
                if claim is not None:
                    if not await self._serve_one(queue, claim):
                        await queue.change(clock() + self._poll_seconds(), arrivals=False)
                elif queue.registered:
                    await self._withdraw(queue, host)
                else:
                    await queue.change(queue.soonest(now))
        finally:
            queue.served = False
            await self._withdraw(queue, host)
            self._forget_if_empty(host)

    async def _serve_one(self, queue: WaitQueue, claim: Claim) -> bool:
        """Ask for one claim; False: the host is full. One whose account is busy waits by itself."""
        answer = claim.answer
        assert answer is not None
        try:
            reply = await self._ask(queue, claim)
        except Exception as error:  # noqa: BLE001 - whoever waits has to hear of it
            if not answer.done():
                answer.set_exception(error)
            return True
        if answer.done():
            self._unwanted(claim, reply)
        elif reply[0] in (_FULL, _BUSY):
            queue.put_back(claim)
        else:
            answer.set_result(reply)
        return bool(reply[0] != _FULL)

    def _unwanted(self, claim: Claim, reply: Reply) -> None:
        """Give back what was admitted for a probe that waits no longer."""
        if reply[0] == _ADMITTED:
            self._give_back(claim, None)

    async def _withdraw(self, queue: WaitQueue, host: str) -> None:
        """Have Redis keep no place for this process: no probe of it could take one now."""
        if queue.registered:
            queue.registered = False
            shard = self._shards.of_host(host)
            with suppress(RedisError):  # a foreign key, of which the link tells: others still wait
                await shard.link.execute("ZREM", shard.keys.waiting(host), self._process)

    def _admission(self, probe: ProbeOfJob, claim: Claim, reply: Reply) -> Admission:
        if reply[0] == _ADMITTED:
            self._admitted[claim.ticket] = claim
            return Admitted(claim.ticket, probe)
        self._forget_if_empty(claim.host)
        if reply[0] == b"cooldown":
            return Cooldown(max(1, math.ceil(reply[1] / 1000)))
        return Repeated(read_finding(reply[1]))

    def _give_back(self, claim: Claim, finding: Finding | None) -> None:
        args = leave_args(claim, finding, self._limits)
        _keep(self._leaving, self._tell_of_leave(claim, args))
        self._queue(claim.host).release(claim)
        self._forget_if_empty(claim.host)

    async def _tell_of_leave(self, claim: Claim, args: Sequence[str | int]) -> None:
        shard = self._shards.of_host(claim.host)
        try:
            await shard.call(LEAVE, shard.keys.leave(claim, self._limits), args)
        except RedisError as error:
            # The place falls free after hold_seconds; how one login ended is forgotten.
            _log.error("limits_not_saved", extra={"reason": type(error).__name__})

    def _forget_if_empty(self, host: str) -> None:
        queue = self._queues.get(host)
        if queue is not None and not queue and not queue.served:
            del self._queues[host]

    def _poll_seconds(self) -> float:
        return max(POLL_SECONDS, len(self._serving) / POLLS_PER_SECOND)


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    """Start a task and refer to it until it is done: the loop's own reference is a weak one."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
