"""The gate on Redis: places per host, one login per account at a time, no account locked out.

Where nothing is in the way a probe costs one call to enter and one to leave, both batched by the
link with whatever else the process says to Redis at that moment. Who has to wait, waits in this
process: one task a host asks Redis for whoever's turn it is, woken when a place of this process
falls free and every `poll_seconds` for those of others. There is no wake-up to miss, so nothing is
lost when Redis restarts; while it is away, the calls themselves wait.
"""

import asyncio
import json
import logging
import math
import secrets
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from redis.exceptions import RedisError

from producer.contract.codes import Code
from worker.limits.identity import Identity
from worker.limits.lua import BEAT, ENTER, LEAVE
from worker.limits.wait_queue import Line, Reply, Stay
from worker.probing.gate import (
    PROVEN_LOGINS,
    REFUSED_LOGINS,
    Admission,
    Admitted,
    Cooldown,
    Finding,
    Repeated,
    Visit,
)
from worker.redis_link.link import Link

BEATS_PER_LIFE: Final = 3
"""Two beats may get lost."""

POLL_SECONDS: Final = 0.025
"""How long a place that another process gave back may lie idle."""

POLLS_PER_SECOND: Final = 500
"""Of one process over all hosts that are full: about 2 % of what one Redis carries."""

_ADMITTED: Final = b"admitted"
_BUSY: Final = b"busy"
_FULL: Final[Reply] = [b"full"]
_WAIT: Final = {b"full", _BUSY}

Waiting = Callable[[], AbstractContextManager[None]]

_log = logging.getLogger("worker.limits")


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings of docs/CONTRACT.md section 8; 0 = no limit.

    `hold_seconds`: longer than any probe may last; a place held beyond it was lost on the way.
    `life_seconds`: a process that has not been heard of for so long has lost its places.
    """

    host_concurrency: int = 50
    login_failure_limit: int = 5
    login_failure_window_seconds: int = 900
    hold_seconds: float = 120.0
    life_seconds: float = 15.0


class RedisGate:
    """One per process. `worker.probing.gate.Gate` for the probe; `close` after the last probe.

    `waiting` is entered, in the probe's own task, for as long as a probe stands in line.
    """

    def __init__(
        self,
        link: Link,
        namespace: str,
        identity: Identity,
        limits: Limits,
        waiting: Waiting = nullcontext,
    ) -> None:
        self._link = link
        self._script_keys = _ScriptKeys(namespace)
        self._identity = identity
        self._limits = limits
        self._waiting = waiting
        self._window_ms = limits.login_failure_window_seconds * 1000
        self._hold_ms = round(limits.hold_seconds * 1000)
        self._life_ms = round(limits.life_seconds * 1000)
        self._process = secrets.token_hex(8)
        self._numbers = count(1)
        self._stays: dict[str, Stay] = {}
        self._lines: dict[str, Line] = {}
        self._servants: set[asyncio.Task[None]] = set()
        self._goodbyes: set[asyncio.Task[None]] = set()
        self._heart: asyncio.Task[None] | None = None

    async def enter(self, visit: Visit) -> Admission:
        stay = self._stay_for(visit)
        if not stay.account and not self._limits.host_concurrency:
            return Admitted("", visit)
        line = self._line(stay.host)
        reply = _FULL
        if not line.someone_waits and line.free_for(stay):
            reply = await self._ask(line, stay)
        if reply[0] in _WAIT:
            reply = await self._wait(line, stay)
        return self._admission(visit, stay, reply)

    def leave(self, admitted: Admitted, finding: Finding | None) -> None:
        stay = self._stays.pop(admitted.ticket, None)
        if stay is not None:
            self._give_back(stay, finding)

    async def close(self) -> None:
        """Stop serving those who wait (their own tasks cancel them); say the last goodbyes.

        Waits for Redis: bound it with a timeout.
        """
        for task in (*self._servants, *filter(None, [self._heart])):
            task.cancel()
        await asyncio.gather(*self._servants, *self._goodbyes, return_exceptions=True)

    def _stay_for(self, visit: Visit) -> Stay:
        plan = visit.plan
        stay = Stay(
            ticket=f"{self._process}:{next(self._numbers)}",
            job_id=visit.job_id,
            protocol=plan.protocol,
            host=self._identity.host(plan.target.host),
        )
        if plan.credential is not None:
            stay.account = self._identity.account(plan.target.host, plan.credential.user)
            stay.fingerprint = self._identity.fingerprint(
                plan.protocol, plan.target, plan.credential
            )
        return stay

    def _line(self, host: str) -> Line:
        line = self._lines.get(host)
        if line is None:
            line = self._lines[host] = Line(self._limits.host_concurrency)
        return line

    async def _ask(self, line: Line, stay: Stay) -> Reply:
        """Redis' answer. What is asked for is held here from now on, unless the answer is no."""
        line.hold(stay)
        try:
            reply: Reply = await self._link.call(
                ENTER, self._script_keys.enter(stay), self._words(stay)
            )
        except BaseException:
            # The call may have arrived; the link keeps the order, so the place goes after it came.
            self._give_back(stay, None)
            raise
        if reply[0] == _ADMITTED:
            line.registered = False
            self._start_heart()
            return reply
        line.release(stay)
        line.registered |= reply[0] == _FULL[0]
        if reply[0] == _BUSY:
            line.postpone(stay, asyncio.get_running_loop().time() + self._poll_seconds())
        return reply

    async def _wait(self, line: Line, stay: Stay) -> Reply:
        stay.answer = asyncio.get_running_loop().create_future()
        line.join(stay)
        line.changed.set()
        if not line.served:
            line.served = True
            _keep(self._servants, self._serve(line, stay.host))
        try:
            with self._waiting():
                return await stay.answer
        except asyncio.CancelledError:
            line.drop(stay)
            line.changed.set()
            if not stay.answer.cancelled() and stay.answer.exception() is None:
                self._unwanted(stay, stay.answer.result())
            raise

    async def _serve(self, line: Line, host: str) -> None:
        """Ask for whoever's turn it is, until nobody waits at this host."""
        try:
            while line.someone_waits:
                line.changed.clear()
                now = asyncio.get_running_loop().time()
                stay = line.next(now)
                if stay is None:
                    await self._withdraw(line, host)
                    await line.change(line.soonest if line.soonest > now else None)
                elif not await self._serve_one(line, stay):
                    await line.change(now + self._poll_seconds())
        finally:
            line.served = False
            await self._withdraw(line, host)
            self._forget_if_empty(host)

    async def _serve_one(self, line: Line, stay: Stay) -> bool:
        """False: the host is full. A wait for an account holds up nobody else."""
        answer = stay.answer
        assert answer is not None
        try:
            reply = await self._ask(line, stay)
        except Exception as error:  # noqa: BLE001 - whoever waits has to hear of it
            if not answer.done():
                answer.set_exception(error)
            return True
        if answer.done():
            self._unwanted(stay, reply)
        elif reply[0] in _WAIT:
            line.join(stay, first=True)
        else:
            answer.set_result(reply)
        return bool(reply[0] != _FULL[0])

    def _unwanted(self, stay: Stay, reply: Reply) -> None:
        """Whoever waited for this answer is gone."""
        if reply[0] == _ADMITTED:
            self._give_back(stay, None)

    async def _withdraw(self, line: Line, host: str) -> None:
        """Let Redis keep no place for a process in which nobody could take it now."""
        if line.registered:
            line.registered = False
            await self._link.execute("ZREM", self._script_keys.waiting(host), self._process)

    def _admission(self, visit: Visit, stay: Stay, reply: Reply) -> Admission:
        if reply[0] == _ADMITTED:
            self._stays[stay.ticket] = stay
            return Admitted(stay.ticket, visit)
        self._line(stay.host).changed.set()
        self._forget_if_empty(stay.host)
        if reply[0] == b"cooldown":
            return Cooldown(max(1, math.ceil(reply[1] / 1000)))
        return Repeated(_read(reply[1]))

    def _give_back(self, stay: Stay, finding: Finding | None) -> None:
        lesson = _lesson(finding)
        record = _write(finding) if finding is not None and lesson == "refused" else ""
        words = (stay.ticket, stay.protocol, stay.fingerprint, lesson, record)
        times = (self._window_ms, self._hold_ms)
        _keep(self._goodbyes, self._say_goodbye(self._script_keys.leave(stay), (*words, *times)))
        line = self._line(stay.host)
        line.release(stay)
        line.changed.set()
        self._forget_if_empty(stay.host)

    async def _say_goodbye(self, keys: Sequence[str], words: Sequence[str | int]) -> None:
        try:
            await self._link.call(LEAVE, keys, words)
        except RedisError as error:
            # The place falls free after hold_seconds; the lesson of one login is lost.
            _log.error("limits_not_saved", extra={"reason": type(error).__name__})

    def _forget_if_empty(self, host: str) -> None:
        line = self._lines.get(host)
        if line is not None and not line and not line.served:
            del self._lines[host]

    def _poll_seconds(self) -> float:
        return max(POLL_SECONDS, len(self._servants) / POLLS_PER_SECOND)

    def _words(self, stay: Stay) -> Sequence[str | int]:
        return (
            stay.ticket,
            self._process,
            stay.protocol,
            stay.fingerprint,
            self._limits.host_concurrency,
            self._limits.login_failure_limit,
            self._window_ms,
            self._hold_ms,
            self._life_ms,
        )

    def _start_heart(self) -> None:
        if self._heart is None:
            self._heart = asyncio.get_running_loop().create_task(self._beat(), name="limits-heart")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._limits.life_seconds / BEATS_PER_LIFE)
            words = (self._process, self._life_ms, self._hold_ms)
            try:
                await self._link.call(BEAT, [self._script_keys.processes], words)
            except RedisError as error:
                _log.error("limits_beat_failed", extra={"reason": type(error).__name__})


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    """Start a task and hold on to it until it is done: the loop alone would not."""
    task = asyncio.get_running_loop().create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _lesson(finding: Finding | None) -> str:
    if finding is None:
        return ""
    if finding.code in REFUSED_LOGINS:
        return "refused"
    return "proven" if finding.code in PROVEN_LOGINS else ""


def _write(finding: Finding) -> str:
    return json.dumps([finding.code, finding.retryable, finding.field, finding.hint])


def _read(record: bytes) -> Finding:
    code, retryable, field, hint = json.loads(record)
    return Finding(Code(code), retryable=retryable, field=field, hint=hint)


class _ScriptKeys:
    """Where the limits are in Redis: hashed names only."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{namespace}:limits"
        self.processes = f"{self._prefix}:processes"

    def account(self, stay: Stay) -> str:
        return f"{self._prefix}:account:{stay.account or 'none'}"

    def places(self, host: str) -> str:
        return f"{self._prefix}:places:{host}"

    def waiting(self, host: str) -> str:
        return f"{self._prefix}:waiting:{host}"

    def enter(self, stay: Stay) -> list[str]:
        host = stay.host
        return [self.account(stay), self.places(host), self.waiting(host), self.processes]

    def leave(self, stay: Stay) -> list[str]:
        return [self.account(stay), self.places(stay.host)]
