"""Probes at hostile servers, so many of them in flight at a time."""

import contextlib
import itertools
import random
import threading
import time
from collections.abc import Iterator
from typing import Any, Final, Self

from bench.arena import Session
from bench.machine import wait_until
from producer.client import Client, credential_test

AT_ONCE: Final = 500
TURN_SECONDS: Final = 0.05
MOST_IN_A_TURN: Final = 5
"""100 probes a second at most: a load that comes all at once would only measure the queue."""

MOST_ASKED_FOR: Final = 200
PATIENCE_SECONDS: Final = 60
SEED: Final = 7

Kinds = dict[str, dict[str, str]]
"""Port -> what listens there (see hostile.py)."""


class HostileLoad:
    """Keeps `AT_ONCE` probes at hostile servers in flight until `count` were submitted.

    Leaving waits for the last of them to end, for a while: whoever asks sees which did not.
    """

    def __init__(self, running: Session, kinds: Kinds, count: int) -> None:
        self._running = running
        self._items = items(kinds)
        self._count = count
        self._client = Client(running.redis_url)
        self._thread = threading.Thread(target=self._submit)
        self.job_ids: list[str] = []
        self._answered = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        with contextlib.suppress(TimeoutError):
            wait_until(self._all_answered, "the load", PATIENCE_SECONDS)
        self._client.close()

    @property
    def unanswered(self) -> int:
        """How many of its jobs have no result."""
        return len(self.job_ids) - self._results(self.job_ids)

    def _all_answered(self) -> bool:
        """Ask of some at a time, the oldest first: all 10,000 would hold up Redis for long."""
        some = self.job_ids[self._answered : self._answered + MOST_ASKED_FOR]
        if some and self._results(some) == len(some):
            self._answered += len(some)
        return self._answered == len(self.job_ids)

    def _results(self, job_ids: list[str]) -> int:
        return int(self._running.redis.exists(*(f"mailvouch:result:{one}" for one in job_ids)))

    def _submit(self) -> None:
        while len(self.job_ids) < self._count:
            left = int(self._running.redis.hlen("mailvouch:credential-tests.msgs"))
            room = min(AT_ONCE - left, self._count - len(self.job_ids), MOST_IN_A_TURN)
            if room > 0:
                self.job_ids += self._client.submit_many(itertools.islice(self._items, room))
            time.sleep(TURN_SECONDS)


def items(kinds: Kinds) -> Iterator[Any]:
    """Jobs of one item each, every other one at a server that holds; no account comes twice."""
    chosen = random.Random(SEED)
    groups = [
        [(port, server) for port, server in kinds.items() if server["kind"] == kind]
        for kind in ("holding", "costly")
    ]
    for number in itertools.count():
        port, server = chosen.choice(groups[number % 2])
        protocol = server["protocol"]
        fields = {
            "credentialsType": protocol.upper(),
            f"{protocol}Host": server["host"],
            f"{protocol}Port": port,
            f"{protocol}UserID": f"soak{number}@mail.test",
            f"{protocol}Password": f"Canary-{number}-battery",
            f"{protocol}UseSSLOrTLS": server["security"] == "implicit",
            f"{protocol}EnableStartTLS": server["security"] == "starttls",
        }
        yield credential_test({"emailCredentialsRequests": [fields]})
