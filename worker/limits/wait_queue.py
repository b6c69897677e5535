"""The probes of one process that wait for one host: who may ask Redis next.

No I/O. Jobs take turns, so that a batch of 50 stands beside a single test and not before it. A turn
is two probes, the protocols of an item: with one, the first of a thousand jobs would end only after
every other had begun. One job holds at most half of the host's places.

Of one account only one probe a protocol goes at a time: of those that want the same, one stands
for the others and takes turns, the rest wait behind it. So a thousand jobs for one mailbox are in
nobody's way. What this process knows by itself is not asked of Redis.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from worker.probing.target import Protocol

PROBES_PER_TURN: Final = len(Protocol)

Reply = list[Any]
"""Redis' answer to enter.lua."""

Login = tuple[str, Protocol]
"""What goes one at a time: an account over a protocol."""


@dataclass(eq=False, slots=True)
class Claim:
    """One probe at one host, from asking to leaving. Names are those of `Identity`.

    `account` and `fingerprint` are empty without a login. `answer` is what it waits for.
    """

    ticket: str
    job_id: str
    protocol: Protocol
    host: str
    account: str = ""
    fingerprint: str = ""
    answer: "asyncio.Future[Reply] | None" = None

    @property
    def login(self) -> Login | None:
        """What it wants for itself while it is in."""
        return (self.account, self.protocol) if self.account else None


class WaitQueue:
    """One host. `limit` places over all workers, 0 = no limit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._per_job = (limit + 1) // 2
        self._taken = 0
        self._held: Counter[str] = Counter()
        self._in_flight: set[Login] = set()
        self._turns: OrderedDict[str, deque[Claim]] = OrderedDict()
        self._waiting: Counter[str] = Counter()
        self._behind: dict[Login, deque[Claim]] = {}
        self._first: dict[Login, Claim] = {}
        self._postponed: dict[Login, float] = {}
        self._changed = asyncio.Event()
        self._heeds_arrivals = False
        self.served = False
        """A task asks Redis for the claims that wait."""
        self.registered = False
        """Redis was told that a claim of this process waits, and keeps the next place for it."""

    def __bool__(self) -> bool:
        """Tell whether anybody holds a place or waits for one."""
        return bool(self._waiting or self._taken)

    @property
    def someone_waits(self) -> bool:
        return bool(self._waiting)

    def lets_pass(self, claim: Claim, now: float) -> bool:
        """Tell whether a newcomer may ask at once: it goes before nobody who could go now."""
        return (
            not self._is_full
            and not self._has_its_part(claim.job_id)
            and claim.login not in self._in_flight
            and claim.login not in self._first
            and next(self._ready(now), None) is None
        )

    def hold(self, claim: Claim) -> None:
        """Take a place, as far as this process knows."""
        self._held[claim.job_id] += 1
        self._taken += 1
        if claim.login is not None:
            self._in_flight.add(claim.login)

    def release(self, claim: Claim) -> None:
        """Give the place back; whoever wants the same login may be next."""
        self._taken -= 1
        _count_down(self._held, claim.job_id)
        if claim.login is not None:
            self._in_flight.discard(claim.login)
            self._step_forward(claim.login)
        self._changed.set()

    def join(self, claim: Claim) -> None:
        """Wait behind the others of its job, and of its login."""
        self._waiting[claim.job_id] += 1
        if claim.login is None:
            self._take_turns(claim)
        else:
            self._behind.setdefault(claim.login, deque()).append(claim)
            self._step_forward(claim.login)
        if self._heeds_arrivals:
            self._changed.set()

    def put_back(self, claim: Claim) -> None:
        """Let a claim wait on, first of its job and of its login: Redis did not admit it."""
        self._waiting[claim.job_id] += 1
        if claim.login is not None:
            other = self._first.pop(claim.login, None)
            if other is not None:
                self._leave_turns(other)
                self._behind.setdefault(claim.login, deque()).appendleft(other)
            self._first[claim.login] = claim
        self._take_turns(claim, first=True)

    def next(self, now: float) -> Claim | None:
        """Take out whose turn it is, by job; None: nobody who waits may go now, until a change."""
        self._changed.clear()
        claim = None if self._is_full else next(self._ready(now), None)
        if claim is None:
            return None
        turns = self._turns[claim.job_id]
        turns.remove(claim)
        _count_down(self._waiting, claim.job_id)
        # A job goes last once both probes of an item went: an even number of them is left.
        if not turns:
            del self._turns[claim.job_id]
        elif self._waiting[claim.job_id] % PROBES_PER_TURN == 0:
            self._turns.move_to_end(claim.job_id)
        if claim.login is not None:
            del self._first[claim.login]
            self._postponed.pop(claim.login, None)
        return claim

    def postpone(self, login: Login, until: float) -> None:
        """Another process has this login in flight: ask again then (loop time)."""
        self._postponed[login] = until

    def soonest(self, now: float) -> float | None:
        """When the next claim that was postponed may go; None: time alone lets none go."""
        waiting = (self._postponed[login] for login in self._first.keys() & self._postponed.keys())
        return min((until for until in waiting if until > now), default=None)

    async def change(self, until: float | None, *, arrivals: bool = True) -> None:
        """Wait until a place falls free or, with `arrivals`, somebody comes; at most until then.

        What has changed since the last `next` counts.
        """
        self._heeds_arrivals = arrivals
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._changed.wait()
        self._heeds_arrivals = False

    def wake(self) -> None:
        """End the wait of `change`: a claim that waited was dropped."""
        self._changed.set()

    def drop(self, claim: Claim) -> None:
        """Forget one who gave up waiting."""
        if claim.login is not None and self._first.get(claim.login) is not claim:
            behind = self._behind.get(claim.login, deque())
            if claim not in behind:
                return
            behind.remove(claim)
            if not behind:
                del self._behind[claim.login]
        elif not self._leave_turns(claim):
            return
        elif claim.login is not None:
            del self._first[claim.login]
            self._postponed.pop(claim.login, None)
            self._step_forward(claim.login)
        _count_down(self._waiting, claim.job_id)

    @property
    def _is_full(self) -> bool:
        return bool(self._limit) and self._taken >= self._limit

    def _has_its_part(self, job_id: str) -> bool:
        return bool(self._limit) and self._held[job_id] >= self._per_job

    def _ready(self, now: float) -> Iterator[Claim]:
        """Yield the claims that could go now if a place is free, in the order of their turns."""
        for job_id, turns in self._turns.items():
            if self._has_its_part(job_id):
                continue
            for claim in turns:
                if claim.login is None or self._postponed.get(claim.login, now) <= now:
                    yield claim

    def _step_forward(self, login: Login) -> None:
        """Let one of those that want the same login take turns, if it is free."""
        behind = self._behind.get(login)
        if not behind or login in self._first or login in self._in_flight:
            return
        claim = self._first[login] = behind.popleft()
        if not behind:
            del self._behind[login]
        self._take_turns(claim)

    def _take_turns(self, claim: Claim, *, first: bool = False) -> None:
        turns = self._turns.setdefault(claim.job_id, deque())
        if first:
            turns.appendleft(claim)
            self._turns.move_to_end(claim.job_id, last=False)
        else:
            turns.append(claim)

    def _leave_turns(self, claim: Claim) -> bool:
        turns = self._turns.get(claim.job_id)
        if turns is None or claim not in turns:
            return False
        turns.remove(claim)
        if not turns:
            del self._turns[claim.job_id]
        return True


def _count_down(counter: Counter[str], name: str) -> None:
    counter[name] -= 1
    if not counter[name]:
        del counter[name]
