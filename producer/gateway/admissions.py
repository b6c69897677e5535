"""A wait or a stream ends soon after its caller's credential was taken away."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from producer.gateway.callers import Caller, is_admitted
from producer.gateway.redis_calls import CommandFailedError, RedisTroubles
from producer.gateway.store import GatewayStore
from producer.redis_failures import RedisUnavailableError

Revoked = asyncio.Future[None]
"""Done once the caller is not admitted any more."""


class Admissions:
    """The callers of requests that last. `run` looks at each of them again and again."""

    def __init__(self, store: GatewayStore, poll_seconds: float) -> None:
        self._store = store
        self._poll_seconds = poll_seconds
        self._watched: defaultdict[Caller, set[Revoked]] = defaultdict(set)

    @contextmanager
    def watch(self, caller: Caller) -> Iterator[Revoked]:
        """Give a future that is done once this caller would be refused."""
        revoked: Revoked = asyncio.get_running_loop().create_future()
        self._watched[caller].add(revoked)
        try:
            yield revoked
        finally:
            self._forget(caller, revoked)

    def _forget(self, caller: Caller, revoked: Revoked) -> None:
        self._watched[caller].discard(revoked)
        if not self._watched[caller]:
            del self._watched[caller]

    async def run(self) -> None:
        """Keep looking until cancelled. Without Redis nobody is sent away."""
        troubles = RedisTroubles("admissions")
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                await self.look()
                troubles.over()
            except RedisUnavailableError as error:
                troubles.tell(error)

    async def look(self) -> None:
        """Look once at every caller, however many requests each has.

        Raises RedisUnavailableError; where it is one caller's record alone, after all of them.
        """
        failed: CommandFailedError | None = None
        for caller in list(self._watched):
            try:
                admitted = await is_admitted(caller, self._store)
            except CommandFailedError as error:
                failed = error
                continue
            if not admitted:
                self._send_away(caller)
        if failed is not None:
            raise failed

    def _send_away(self, caller: Caller) -> None:
        for revoked in self._watched.get(caller, ()):
            if not revoked.done():
                revoked.set_result(None)
